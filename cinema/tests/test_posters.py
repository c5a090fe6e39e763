from __future__ import annotations

import re
from xml.dom.minidom import parseString

from django.test import SimpleTestCase, TestCase

from cinema.cards import card
from cinema.models import Genre, Movie
from cinema.posters import fit_title, poster_digest, poster_svg, text_width

WIDTH = 256


class PosterSvgTestCase(SimpleTestCase):
    def texts(self, title: str, genres: list[str] | None = None) -> list[str]:
        document = parseString(poster_svg(title, 1999, genres or ["Drama"]).encode())
        return [
            "".join(node.nodeValue or "" for node in text.childNodes) for text in document.getElementsByTagName("text")
        ]

    def test_it_is_the_same_each_time_and_for_any_order_of_genres(self) -> None:
        self.assertEqual(
            poster_svg("Alien", 1979, ["Horror", "Sci-Fi"]), poster_svg("Alien", 1979, ["Sci-Fi", "Horror"])
        )
        # A golden digest: a poster is cached for a year under it.
        self.assertEqual(poster_digest("Alien", 1979, ["Horror", "Sci-Fi"]), "0d3969dedd9bf534")

    def test_it_looks_different_for_another_film(self) -> None:
        posters = {poster_svg(f"Film {i}", 2000, ["Drama"]) for i in range(50)}
        self.assertEqual(len(posters), 50)

    def test_it_shows_title_year_and_genres(self) -> None:
        self.assertEqual(self.texts("The Matrix", ["Action", "Sci-Fi"])[:-1], ["THE", "MATRIX"])
        self.assertEqual(self.texts("The Matrix", ["Action", "Sci-Fi"])[-1], "1999 · Action · Sci-Fi")

    def test_it_escapes_what_looks_like_markup(self) -> None:
        svg = poster_svg('</text><script>alert("1")</script>', None, ["<b>"])
        document = parseString(svg.encode())
        self.assertEqual(len(document.getElementsByTagName("script")), 0)
        self.assertNotIn("<script", svg.lower())
        self.assertNotIn("<b>", svg)

    def test_it_needs_no_inline_style(self) -> None:
        self.assertNotIn("style", poster_svg("Alien", 1979, ["Horror"]))

    def test_it_survives_any_title(self) -> None:
        titles = [
            "",
            " ",
            "x" * 10_000,
            "ab " * 5_000,
            "🎬🍿👩‍👩‍👧‍👦" * 200,
            "مدينة السينما والحب الأبدي",
            "שלום לכל העולם",
            "千と千尋の神隠し" * 30,
            "a" + "\u0301" * 5_000,
            "nul\x00 bell\x07 lone\ud800 surrogate\uffff",
            "&amp; <![CDATA[ ]]> --> %s {{ 7 }}",
            "\u202egnp.exe",
        ]
        for title in titles:
            with self.subTest(title=title[:20]):
                svg = poster_svg(title, 1999, ["Drama"])
                parseString(svg.encode())
                self.assertLess(len(svg), 12_000)

    def test_it_keeps_every_line_within_the_sheet(self) -> None:
        titles = [
            "W" * 300,
            "Mississippi Mermaid",
            "The Lord of the Rings: The Fellowship of the Ring",
            "🎬" * 99,
            "É" * 60,
        ]
        titles += ["word " * n for n in range(1, 60)]
        for title in titles:
            size, lines = fit_title(title, WIDTH)
            self.assertLessEqual(len(lines), 5, title)
            for line in lines:
                self.assertLessEqual(text_width(line) * size, WIDTH, title)

    def test_it_shows_short_titles_large_and_cuts_long_ones(self) -> None:
        self.assertEqual(fit_title("Heat", WIDTH), (52, ["Heat"]))
        size, lines = fit_title("ab " * 500, WIDTH)
        self.assertEqual(size, 19)
        self.assertTrue(lines[-1].endswith("…"))

    def test_it_loses_no_word_of_a_title_that_fits(self) -> None:
        title = "The Assassination of Jesse James by the Coward Robert Ford"
        self.assertEqual(" ".join(fit_title(title, WIDTH)[1]), title)

    def test_it_writes_from_right_to_left_where_the_title_does(self) -> None:
        self.assertIn('direction="rtl"', poster_svg("שלום", 2001, ["Drama"]))
        self.assertNotIn('direction="rtl"', poster_svg("Shalom שלום", 2001, ["Drama"]))

    def test_it_has_many_looks(self) -> None:
        genres = ["Action", "Comedy", "Drama", "Horror", "Sci-Fi", "Romance", "Western", "Documentary", "Unheard-of"]
        backgrounds = {
            re.findall(r'stop-color="(#\w+)"', poster_svg(f"{genre} {i}", 2000, [genre]))[0]
            for genre in genres
            for i in range(20)
        }
        self.assertGreater(len(backgrounds), 12)


class PosterPageTestCase(TestCase):
    def setUp(self) -> None:
        self.movie = Movie.objects.create(title="Alien", year=1979)
        self.movie.genres.add(Genre.objects.create(name="Horror"))
        self.url = card(self.movie).poster_url

    def test_it_works(self) -> None:
        with self.assertNumQueries(2):
            response = self.client.get(self.url)
        self.assertEqual(response["Content-Type"], "image/svg+xml")
        self.assertEqual(response["X-Content-Type-Options"], "nosniff")
        self.assertContains(response, "Alien")

    def test_it_may_be_kept_for_a_year_by_everybody(self) -> None:
        response = self.client.get(self.url)
        self.assertEqual(response["Cache-Control"], "public, max-age=31536000, immutable")
        self.assertNotIn("Vary", response)
        self.assertNotIn("Set-Cookie", response)

    def test_it_is_not_sent_again(self) -> None:
        etag = self.client.get(self.url)["ETag"]
        response = self.client.get(self.url, headers={"If-None-Match": etag})
        self.assertEqual((response.status_code, response.content), (304, b""))

    def test_it_gets_another_address_with_another_title(self) -> None:
        self.movie.title = "Aliens"
        self.movie.save(update_fields=["title"])
        self.assertNotEqual(card(self.movie).poster_url, self.url)
        response = self.client.get(self.url)
        self.assertRedirects(response, card(self.movie).poster_url)
        self.assertNotIn("public", response["Cache-Control"])

    def test_it_knows_only_films(self) -> None:
        for path in (
            "/posters/999-0123456789abcdef.svg",
            "/posters/1-.svg",
            f"/posters/{10**20}-ab.svg",
            "/posters/x-ab.svg",
        ):
            self.assertEqual(self.client.get(path).status_code, 404, path)
