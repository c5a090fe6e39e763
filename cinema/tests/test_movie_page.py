from __future__ import annotations

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from cinema.models import Movie, User
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, StoredVersionsMixin, make_crowd, rate


class MoviePageTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        self.url = "/movies/110"  # row 10, a drama

    def test_it_works(self) -> None:
        self.client.force_login(self.alice)
        response = self.client.get(self.url)
        self.assertContains(response, "Film 10")
        self.assertContains(response, 'href="/movies?genre=Drama"')
        self.assertContains(response, "What you would give it")
        self.assertContains(response, "Because you rated these movies highly")
        self.assertContains(response, "People rate these alike")

    def test_its_sum_is_the_prediction(self) -> None:
        self.client.force_login(self.alice)
        context = self.client.get(self.url).context
        breakdown = context["breakdown"]
        self.assertAlmostEqual(breakdown.base + sum(bar.value for bar in breakdown.bars), breakdown.total, places=6)
        self.assertAlmostEqual(breakdown.total, context["explanation"]["predicted_rating"], places=6)

    def test_it_explains_a_rated_film_as_if_it_were_not(self) -> None:
        self.client.force_login(self.alice)
        response = self.client.get("/movies/10")
        self.assertContains(response, "Without your own rating we would have said")
        self.assertContains(response, "You gave it 5.0")
        self.assertContains(response, 'value="5.0" id="rating-10-10" aria-label="5.0 stars" autocomplete="off" checked')
        self.assertNotIn(10, [bar.movie_id for bar in response.context["breakdown"].bars])

    def test_it_says_what_would_be_without_single_ratings(self) -> None:
        self.client.force_login(self.alice)
        response = self.client.get(self.url)
        self.assertContains(response, "What single ratings change")
        order = response.context["explanation"]["order"]
        self.assertContains(response, f"It stands at #{order['rank']} of the films you have not rated")
        entry = order["movies"][0]
        told = next(
            one for one in response.context["what_if"] if entry["movie_id"] in [film["movie_id"] for film in one.films]
        )
        self.assertEqual(told.rank, entry["without_it"]["rank"])
        link = f'<a href="/movies/{entry["movie_id"]}" dir="auto">{entry["title"]}</a>'
        self.assertRegex(
            response.content.decode(), rf"Without .*{link}.* this would .*#{told.rank}</strong> in your list"
        )

    def test_it_says_nothing_would_be_without_for_a_newcomer(self) -> None:
        self.client.force_login(self.bob)
        self.assertNotContains(self.client.get(self.url), "What single ratings change")

    def test_it_shows_strangers_the_film_and_the_way_in(self) -> None:
        response = self.client.get(self.url)
        self.assertContains(response, "/sign-in?next=%2Fmovies%2F110")
        self.assertNotContains(response, "<fieldset")
        self.assertNotIn("explanation", response.context)

    def test_it_shows_an_average_only_from_five_people_on(self) -> None:
        for number in range(4):
            rate(User.objects.create_user(f"p{number}"), {10: 4.0})
        self.assertContains(self.client.get(self.url), "Fewer than five people")
        rate(self.bob, {10: 1.5})
        self.assertContains(self.client.get(self.url), "average of 5 ratings")

    def test_it_works_for_films_the_model_does_not_know(self) -> None:
        movie = Movie.objects.create(title="x" * 10_000)
        self.client.force_login(self.alice)
        response = self.client.get(movie.get_absolute_url())
        self.assertContains(response, "Nobody has rated it yet")
        self.assertLess(len(response.content), 40_000)

    def test_it_works_for_a_newcomer(self) -> None:
        self.client.force_login(self.bob)
        self.assertContains(self.client.get(self.url), "The whole sum")

    def test_it_answers_404_for_what_is_no_film(self) -> None:
        for path in (
            "/movies/999",
            "/movies/0",
            f"/movies/{10**20}",
            "/movies/-1",
            "/movies/x",
            f"/movies/{'9' * 5000}",
        ):
            self.assertEqual(self.client.get(path).status_code, 404, path[:30])

    def test_it_says_why_films_are_called_alike(self) -> None:
        make_crowd()
        response = self.client.get(self.url)
        for card in response.context["similar"]:
            self.assertRegex(card.because[0], r"^\d+ people rated both, \d+ liked both$")
            self.assertContains(response, f'<p class="facts">{card.because[0]}</p>')
        self.assertContains(response, "Both are Drama")

    def test_it_is_quick(self) -> None:
        make_crowd()
        self.client.force_login(self.alice)
        self.client.get(self.url)
        with CaptureQueriesContext(connection) as queries:
            self.client.get(self.url)
        self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])


class MoviePageWithoutModelTestCase(StoredVersionsMixin, TestCase):
    def test_it_works(self) -> None:
        movie = Movie.objects.create(title="Alien", year=1979)
        self.client.force_login(User.objects.create_user("alice"))
        response = self.client.get(movie.get_absolute_url())
        self.assertContains(response, "No model has been trained yet")
        self.assertContains(response, "<fieldset")
