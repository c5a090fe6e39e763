from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from cinema.library import hide_movie
from cinema.models import Movie
from recommender import serving
from recommender.models import LivePointer
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, make_crowd, rate

HTMX = {"HX-Request": "true"}


class RailPageTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_crowd()
        rate(self.alice, DRAMA_FAN)
        self.client.force_login(self.alice)

    def test_it_works(self) -> None:
        for key, title in (
            ("for-you", "For you"),
            ("popular", "Popular now"),
            ("gems", "Hidden gems"),
            ("discovery", "Discoveries"),
            ("genre-Drama", "Drama for you"),
            ("because-10", "Because you rated Film 0"),
        ):
            self.assertContains(self.client.get(f"/rails/{key}"), f">{title}</h1>", msg_prefix=key)

    def test_it_holds_nothing_rated_or_hidden(self) -> None:
        hide_movie(user=self.alice, movie=Movie.objects.get(pk=60))
        unwanted = {60} | {10 * (row + 1) for row in DRAMA_FAN}
        for key in ("for-you", "popular", "gems", "genre-Drama", "because-10"):
            shown = {card.movie_id for card in self.client.get(f"/rails/{key}").context["rail"].cards}
            self.assertFalse(shown & unwanted, key)

    def test_it_is_paged(self) -> None:
        first = self.client.get("/rails/popular")
        self.assertEqual(len(first.context["cards"]), 40)
        self.assertContains(first, "page=2")
        second = self.client.get("/rails/popular?page=2")
        self.assertEqual(len(second.context["cards"]), 60 - len(DRAMA_FAN) - 40)

    def test_it_is_filtered_by_genre_and_decade(self) -> None:
        Movie.objects.filter(pk__in=[100, 110]).update(year=1994)
        Movie.objects.exclude(pk__in=[100, 110]).update(year=2004)
        for key in ("for-you", "popular", "genre-Drama"):
            response = self.client.get(f"/rails/{key}?genre=Drama&decade=1990")
            self.assertEqual({card.movie_id for card in response.context["cards"]}, {100, 110}, key)
        self.assertContains(self.client.get("/rails/popular?decade=1930"), "No film like that")

    def test_it_takes_no_notice_of_filters_that_are_none(self) -> None:
        response = self.client.get("/rails/popular?genre=Opera&decade=later&page=x")
        self.assertEqual(len(response.context["cards"]), 40)

    def test_it_answers_htmx_with_the_films_alone(self) -> None:
        page = self.client.get("/rails/popular", headers=HTMX).content.decode().strip()
        self.assertTrue(page.startswith('<section class="stack" id="results"'), page[:60])

    def test_a_rail_that_is_none_is_not_found(self) -> None:
        for key in ("rubbish", "because-90", "genre-Opera"):
            self.assertEqual(self.client.get(f"/rails/{key}").status_code, 404, key)

    def test_it_is_nobody_elses(self) -> None:
        self.client.force_login(self.bob)
        self.assertEqual(self.client.get("/rails/because-10").status_code, 404)
        self.client.logout()
        self.assertRedirects(self.client.get("/rails/popular"), "/sign-in?next=%2Frails%2Fpopular")

    def test_without_a_version_there_is_ones_own_list_alone(self) -> None:
        LivePointer.objects.all().delete()
        serving.forget()
        self.assertEqual(self.client.get("/rails/for-you").status_code, 200)
        self.assertEqual(self.client.get("/rails/gems").status_code, 404)

    def test_it_is_quick(self) -> None:
        for key in ("for-you", "because-10", "popular"):
            with CaptureQueriesContext(connection) as queries:
                self.client.get(f"/rails/{key}")
            self.assertLessEqual(len(queries), 15, key)
