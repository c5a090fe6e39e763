from __future__ import annotations

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cinema.library import hide_movie
from cinema.models import Movie, Rating, User
from cinema.ratings import rate_movie
from mlops.models import TrainingRun
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, StoredVersionsMixin, make_catalogue, rate

HTMX = {"HX-Request": "true"}


class WelcomeTestCase(TestCase):
    def test_it_works(self) -> None:
        make_catalogue()
        response = self.client.get("/")
        self.assertTemplateUsed(response, "cinema/welcome.html")
        self.assertContains(response, "Film 0")
        self.assertContains(response, 'href="/sign-up"')

    def test_it_shows_the_most_rated_films_first(self) -> None:
        make_catalogue()
        person = User.objects.create_user("alice")
        now = timezone.now()
        Rating.objects.create(user=person, movie_id=420, value=1.0, rated_at=now, changed_at=now)
        self.assertEqual(self.client.get("/").context["wall"][0].movie_id, 420)

    def test_it_works_without_films(self) -> None:
        self.assertContains(self.client.get("/"), "No films yet")

    def test_it_carries_the_terms_of_the_demo_ratings(self) -> None:
        response = self.client.get("/")
        self.assertContains(response, "Harper and Joseph A. Konstan")
        self.assertContains(response, "endorses this site")

    def test_it_is_quick(self) -> None:
        make_catalogue()
        with self.assertNumQueries(5):
            self.client.get("/")

    def test_it_rejects_post(self) -> None:
        self.assertEqual(self.client.post("/").status_code, 405)


class HomeTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.alice)

    def test_it_works(self) -> None:
        rate(self.alice, DRAMA_FAN)
        response = self.client.get("/")
        self.assertContains(response, "For you")
        self.assertContains(response, self.version.label)
        self.assertContains(response, "Here because you rated <cite>")
        self.assertEqual(len(response.context["cards"]) + 1, 20)
        self.assertTrue(all(card.predicted_rating for card in response.context["cards"]))

    def test_it_offers_no_film_that_is_rated_already(self) -> None:
        rate(self.alice, {0: 5.0, 1: 4.0})
        rate(self.bob, {5: 3.0})
        response = self.client.get("/")
        offered = [movie.pk for movie, _ in response.context["to_rate"]]
        self.assertEqual(len(offered), 12)
        self.assertEqual(offered[0], 60)  # rated by Bob, so the most rated of those that Alice has not
        self.assertFalse({10, 20} & set(offered))

    def test_it_asks_a_newcomer_to_rate_first(self) -> None:
        page = self.client.get("/").content.decode()
        self.assertIn("Loved by many", page)
        self.assertLess(page.index('id="rate"'), page.index('id="rail"'))

    def test_it_asks_nothing_of_whoever_has_rated_enough(self) -> None:
        rate(self.alice, DRAMA_FAN)
        self.assertNotContains(self.client.get("/"), 'id="rate"')

    def shown(self) -> list[int]:
        """Every film of the page, as often as it is there."""
        context = self.client.get("/").context
        films = [item.movie_id for item in context["recommendations"].items]
        films += [movie.pk for movie, _ in context["to_rate"]]
        return films + [card.movie_id for rail in context["rails"] for card in rail.cards]

    def test_it_shows_no_film_twice(self) -> None:
        for ratings in ({}, {0: 5.0, 1: 4.0}, {2: 4.5, 3: 5.0, 4: 5.0, 40: 1.5}):
            rate(self.alice, ratings)
            shown = self.shown()
            self.assertEqual(len(shown), len(set(shown)))
            self.assertGreater(len(shown), 30)

    def test_it_shows_no_film_that_is_rated_or_hidden(self) -> None:
        rate(self.alice, DRAMA_FAN)
        hidden = self.shown()[::5]
        for movie in Movie.objects.filter(pk__in=hidden):
            hide_movie(user=self.alice, movie=movie)
        self.assertFalse(set(self.shown()) & (set(hidden) | {10 * (row + 1) for row in DRAMA_FAN}))

    def test_its_rails_say_why_and_can_be_opened(self) -> None:
        rate(self.alice, DRAMA_FAN)
        response = self.client.get("/")
        self.assertContains(response, "Because you rated Film")
        for rail in response.context["rails"]:
            self.assertContains(response, f'href="{rail.url}"')
            self.assertEqual(self.client.get(rail.url).status_code, 200, rail.url)

    def test_its_list_follows_a_rating(self) -> None:
        rate(self.alice, {0: 5.0})
        before = self.client.get("/").context["recommendations"]
        rate_movie(user=self.alice, movie=Movie.objects.get(pk=before.items[0].movie_id), value=1.0)
        after = self.client.get("/", headers=HTMX).context["recommendations"]
        self.assertNotIn(before.items[0].movie_id, [item.movie_id for item in after.items])

    def test_it_answers_htmx_with_the_list_alone(self) -> None:
        rate(self.alice, DRAMA_FAN)
        page = self.client.get("/", headers=HTMX).content.decode().strip()
        self.assertTrue(page.startswith('<div class="home-rails" id="rails"'), page[:80])
        self.assertTrue(page.endswith("</div>"))
        self.assertIn('hx-trigger="rating-saved from:body, discovery-saved from:body', page)

    def test_it_answers_a_restored_history_with_the_whole_page(self) -> None:
        response = self.client.get("/", headers={**HTMX, "HX-History-Restore-Request": "true"})
        self.assertContains(response, "<!doctype html>")

    def test_it_is_kept_out_of_shared_caches(self) -> None:
        response = self.client.get("/")
        self.assertEqual(response["Cache-Control"], "private, no-store")

    def test_it_is_quick(self) -> None:
        rate(self.alice, DRAMA_FAN)
        self.client.get("/")  # loads the model
        with CaptureQueriesContext(connection) as queries:
            self.client.get("/")
        self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])

    def test_it_lets_nobody_see_another_persons_list(self) -> None:
        rate(self.bob, {50: 5.0, 51: 5.0, 52: 5.0})
        page = self.client.get("/").content.decode()
        self.client.force_login(self.bob)
        self.assertNotEqual(page, self.client.get("/").content.decode())
        self.assertNotIn("bob", page)

    def test_it_has_no_inline_script_or_style(self) -> None:
        rate(self.alice, DRAMA_FAN)
        page = self.client.get("/").content.decode()
        self.assertNotIn(" style=", page)
        self.assertNotIn("<style", page)
        self.assertNotIn(" onclick", page)
        self.assertEqual(page.count("<script"), page.count("<script src="))


class HomeWithoutModelTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        self.client.force_login(User.objects.create_user("alice"))

    def test_it_shows_popular_films_and_says_why(self) -> None:
        response = self.client.get("/")
        self.assertContains(response, "There is no model yet")
        self.assertEqual(len(response.context["cards"]), 20)

    def test_it_says_how_far_the_first_training_is(self) -> None:
        TrainingRun.objects.create(status="running", preset="tuned", epoch=3, n_epochs=40)
        self.assertContains(self.client.get("/"), "epoch 3 of 40")

    def test_it_works_without_films(self) -> None:
        Movie.objects.all().delete()
        self.assertContains(self.client.get("/"), "Nothing left to recommend")
