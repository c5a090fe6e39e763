from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cinema.models import HiddenMovie, Movie, Rating, User
from cinema.tests.small_crowds import ColdCacheMixin, give, make_film, make_people
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, StoredVersionsMixin, make_crowd, rate

EVIL = "<img src=x onerror=alert(1)>\"'</title><script>alert(2)</script>"


class TastePageTestCase(ColdCacheMixin, CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_crowd()
        rate(self.alice, DRAMA_FAN)
        self.client.force_login(self.alice)

    def test_it_works(self) -> None:
        page = self.client.get("/my/taste")
        self.assertContains(page, "7 films")
        for heading in ("How you rate", "Genres", "Decades", "Where you and the others disagree most", "Taste map"):
            self.assertContains(page, heading)
        self.assertContains(page, "Drama")
        self.assertContains(page, f"By model <code>{self.version.label}</code>")

    def test_it_shows_only_ones_own(self) -> None:
        rate(self.bob, {50: 5.0})
        before = self.client.get("/my/taste").context["ratings"]
        self.assertEqual({rating.movie_id for rating in before}, {10 * (row + 1) for row in DRAMA_FAN})

    def test_its_pictures_have_a_title_a_description_a_table_and_no_style(self) -> None:
        page = self.client.get("/my/taste").content.decode()
        self.assertIn('<desc id="values-desc">', page)
        self.assertIn('<desc id="map-desc">', page)
        self.assertIn('id="values-table"', page)
        self.assertIn('id="map-table"', page)
        self.assertNotIn("style=", page)

    def test_the_average_of_others_is_shown_from_five_on(self) -> None:
        self.client.force_login(self.bob)
        film = Movie.objects.create(title="Seldom seen", year=2000)
        people = make_people(5)
        for person in people[:4]:
            give(person, film, 0.5)
        Rating.objects.create(user=self.bob, movie=film, value=5.0, rated_at=timezone.now(), changed_at=timezone.now())
        page = self.client.get("/my/taste")
        self.assertEqual(page.context["against"].rows, [])
        self.assertContains(page, "Too early to compare")
        give(people[4], film, 0.5)
        page = self.client.get("/my/taste")
        self.assertContains(page, "+4.50")
        self.assertContains(page, "0.50")

    def test_the_map_marks_loved_films_and_the_direction(self) -> None:
        plot = self.client.get("/my/taste").context["map"].plot
        loved = {point.film.movie_id for point in plot.points if point.film.rating is not None}
        self.assertEqual(loved, {10, 20, 30, 40})
        self.assertIsNotNone(plot.arrow)
        ids = [point.film.movie_id for point in plot.points]
        self.assertEqual(len(ids), len(set(ids)))
        for point in plot.points:
            self.assertTrue(plot.frame.left <= point.x <= plot.frame.right)
            self.assertTrue(plot.frame.top <= point.y <= plot.frame.bottom)

    def test_the_map_shows_no_hidden_film(self) -> None:
        HiddenMovie.objects.create(user=self.alice, movie_id=200, hidden_at=timezone.now())
        films = self.client.get("/my/taste").context["map"].films
        self.assertNotIn(200, [film.movie_id for film in films])
        self.assertIn(210, [film.movie_id for film in films])

    def test_the_map_survives_a_film_that_is_gone(self) -> None:
        Movie.objects.filter(pk=210).delete()
        films = self.client.get("/my/taste").context["map"].films
        self.assertNotIn(210, [film.movie_id for film in films])

    def test_titles_are_text(self) -> None:
        Movie.objects.filter(pk__in=[10, 410]).update(title=EVIL)
        page = self.client.get("/my/taste").content.decode()
        self.assertIn("&lt;img src=x", page)
        self.assertNotIn("<img src=x", page)
        self.assertNotIn("<script>alert", page)

    def test_it_invites_whoever_has_rated_nothing(self) -> None:
        self.client.force_login(self.charlie)
        page = self.client.get("/my/taste")
        self.assertContains(page, "Nothing rated yet")
        self.assertContains(page, 'href="/#rate"')

    def test_it_sends_strangers_to_sign_in(self) -> None:
        self.client.logout()
        self.assertRedirects(self.client.get("/my/taste"), "/sign-in?next=%2Fmy%2Ftaste")

    def test_it_is_quick(self) -> None:
        rate(self.alice, dict.fromkeys(range(4, 30), 3.0))
        for _ in ("cold", "warm"):
            with CaptureQueriesContext(connection) as queries:
                self.client.get("/my/taste")
            self.assertLessEqual(len(queries), 15)


class TasteWithoutAVersionTestCase(ColdCacheMixin, StoredVersionsMixin, TestCase):
    def test_it_says_what_ratings_alone_say(self) -> None:
        alice = User.objects.create_user("alice")
        give(alice, make_film("Heat", "Thriller", year=None), 4.0, at=datetime(2016, 1, 1, tzinfo=UTC))
        self.client.force_login(alice)
        page = self.client.get("/my/taste")
        self.assertContains(page, "Thriller")
        self.assertContains(page, "No model has been trained yet, so there is no map.")
        self.assertNotContains(page, "People like you")
        # One person is no crowd.
        self.assertNotContains(page, "Everybody’s share")
