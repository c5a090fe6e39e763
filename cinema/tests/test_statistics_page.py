from __future__ import annotations

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from cinema.models import Movie
from cinema.tests.small_crowds import ColdCacheMixin, give, make_film, make_people
from recommender.tests.stored_versions import CatalogueTestCase, make_crowd


class StatisticsPageTestCase(ColdCacheMixin, CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_crowd()

    def test_it_works_for_everybody(self) -> None:
        for _ in range(2):
            page = self.client.get("/statistics")
            for words in ("Trending genres", "Rated best", "Rated most", "How people rate", "Month by month", "1960s"):
                self.assertContains(page, words)
            self.client.force_login(self.alice)

    def test_it_says_as_of_when_it_is_and_counts_once_in_a_while(self) -> None:
        first = self.client.get("/statistics")
        self.assertContains(first, "As of")
        give(self.alice, Movie.objects.get(pk=10), 5.0)
        again = self.client.get("/statistics")
        self.assertEqual(again.context["figures"].n_ratings, first.context["figures"].n_ratings)
        self.assertEqual(again.context["figures"].as_of, first.context["figures"].as_of)

    def test_its_pictures_have_a_title_a_description_a_table_and_no_style(self) -> None:
        page = self.client.get("/statistics").content.decode()
        self.assertIn('<title id="distribution-title">Ratings by value</title>', page)
        self.assertIn('<desc id="distribution-desc">From half a star to five.', page)
        self.assertIn('id="distribution-table"', page)
        self.assertNotIn("style=", page)

    def test_a_film_that_is_gone_since_is_left_out(self) -> None:
        film = self.client.get("/statistics").context["figures"].most_rated[0]
        Movie.objects.filter(pk=film.movie_id).delete()
        cards = self.client.get("/statistics").context["most_rated"]
        self.assertNotIn(film.movie_id, [card.movie_id for card in cards])

    def test_it_is_quick_and_quicker_the_second_time(self) -> None:
        self.client.force_login(self.alice)
        with CaptureQueriesContext(connection) as cold:
            self.client.get("/statistics")
        self.assertLessEqual(len(cold), 15)
        with CaptureQueriesContext(connection) as warm:
            self.client.get("/statistics")
        self.assertLessEqual(len(warm), 5)


class StatisticsOfFewPeopleTestCase(ColdCacheMixin, TestCase):
    def test_it_works_on_an_empty_site(self) -> None:
        self.assertContains(self.client.get("/statistics"), "Too few people so far")

    def test_four_people_are_not_told_of(self) -> None:
        heat = make_film("Heat", "Thriller")
        for person in make_people(4):
            give(person, heat, 4.5)
        page = self.client.get("/statistics")
        self.assertContains(page, "Too few people so far")
        for secret in ("Heat", "Thriller", "4.50", "Ratings by value"):
            self.assertNotContains(page, secret)

    def test_what_four_of_five_people_did_is_not_told(self) -> None:
        heat, alien = make_film("Heat", "Thriller", year=1995), make_film("Alien", "Horror", year=1979)
        people = make_people(5)
        for person in people:
            give(person, heat, 4.0)
        for person in people[:4]:
            give(person, alien, 1.5)
        page = self.client.get("/statistics")
        self.assertContains(page, "fewer than 5 people")
        for secret in ("Alien", "Horror", "1970s"):
            self.assertNotContains(page, secret)

    def test_titles_are_text(self) -> None:
        evil = make_film("<script>alert(1)</script>", "<b>Drama</b>")
        for person in make_people(5):
            give(person, evil, 4.0)
        page = self.client.get("/statistics")
        self.assertNotContains(page, "<script>alert")
        self.assertNotContains(page, "<b>Drama")
