from __future__ import annotations

import math
from datetime import timedelta

from django.test import SimpleTestCase
from django.utils import timezone

from cinema import figure_cache
from cinema.models import Movie, Rating, User
from mlops import data_health
from mlops.data_health import poisson_tail
from recommender.serving import live_model
from recommender.tests.stored_versions import CatalogueTestCase


class PoissonTailTestCase(SimpleTestCase):
    def test_it_agrees_with_the_sum_of_the_terms(self) -> None:
        for n, mean in ((1, 0.5), (3, 2.0), (10, 4.0), (30, 20.0)):
            below = sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(n))
            self.assertAlmostEqual(poisson_tail(n, mean), 1 - below)

    def test_what_is_expected_is_no_wonder_and_a_flood_is(self) -> None:
        self.assertEqual(poisson_tail(5, 9.0), 1.0)
        self.assertLess(poisson_tail(300, 1.0), 1e-300)


class DataHealthTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = timezone.now()
        self.until = self.version.data_until
        self.people = [User.objects.create_user(f"p{n}") for n in range(12)]

    def rate(self, value: float, *, rows: range, days_ago: float, people: int = 12) -> None:
        moment = self.now - timedelta(days=days_ago)
        Rating.objects.bulk_create(
            [
                Rating(user=user, movie_id=10 * (row + 1), value=value, rated_at=moment, changed_at=moment)
                for user in self.people[:people]
                for row in rows
            ],
            ignore_conflicts=True,
        )
        figure_cache.forget()

    def old(self, value: float, rows: range) -> None:
        self.rate(value, rows=rows, days_ago=(self.now - self.until).days + 30)

    def test_the_same_ratings_are_no_drift(self) -> None:
        self.old(4.0, range(20))
        self.rate(4.0, rows=range(20, 40), days_ago=1)
        found = data_health.mean_drift(self.until, 0.2)
        self.assertEqual((found.was, found.now, found.beyond, found.people, found.n), (4.0, 4.0, False, 12, 240))

    def test_kinder_people_are(self) -> None:
        self.old(3.0, range(20))
        self.rate(4.0, rows=range(20, 40), days_ago=1)
        found = data_health.mean_drift(self.until, 0.2)
        self.assertEqual((found.moved, found.beyond), (1.0, True))

    def test_one_enthusiast_is_too_few(self) -> None:
        self.old(3.0, range(20))
        self.rate(5.0, rows=range(20, 60), days_ago=1, people=3)
        self.assertIsNone(data_health.mean_drift(self.until, 0.2).beyond)

    def test_nothing_since_is_nothing(self) -> None:
        found = data_health.mean_drift(self.until, 0.2)
        self.assertEqual((found.n, found.beyond), (0, None))

    def test_people_who_differ_much_must_differ_more(self) -> None:
        self.old(3.0, range(20))
        for n, user in enumerate(self.people):
            moment = self.now
            Rating.objects.bulk_create(
                Rating(
                    user=user, movie_id=10 * (row + 1), value=5.0 if n % 2 else 2.0, rated_at=moment, changed_at=moment
                )
                for row in range(20, 40)
            )
        figure_cache.forget()
        found = data_health.mean_drift(self.until, 0.2)
        self.assertEqual((found.moved, found.beyond), (0.5, False))
        self.assertGreater(found.noise, 0.4)

    def test_genres_that_nobody_turned_away_from_do_not_drift(self) -> None:
        live = live_model()
        assert live is not None
        self.rate(4.0, rows=range(15, 45), days_ago=1)
        drift, shares = data_health.genre_drift(live, 0.15)
        self.assertIs(drift.beyond, False)
        self.assertEqual({share.name for share in shares}, {"Drama", "Comedy"})

    def test_genres_that_everybody_turned_to_do(self) -> None:
        live = live_model()
        assert live is not None
        self.rate(4.0, rows=range(30), days_ago=1)
        drift, shares = data_health.genre_drift(live, 0.15)
        self.assertIs(drift.beyond, True)
        self.assertAlmostEqual(drift.moved, 0.5, delta=0.05)
        self.assertEqual(sum(share.now for share in shares), 1.0)

    def test_a_film_that_everybody_rates_today_is_a_burst_and_an_account_too(self) -> None:
        crowd = [User.objects.create_user(f"c{n}") for n in range(30)]
        Rating.objects.bulk_create(
            Rating(user=user, movie_id=10, value=5.0, rated_at=self.now, changed_at=self.now) for user in crowd
        )
        films, accounts = data_health.bursts(self.now)
        self.assertEqual([(one.what, one.n) for one in films], [("Film 0", 30)])
        self.assertEqual(accounts, [])

    def test_a_film_that_is_always_rated_so_much_is_none(self) -> None:
        crowd = [User.objects.create_user(f"c{n}") for n in range(750)]
        for n, user in enumerate(crowd):
            moment = self.now - timedelta(days=n // 25 + 0.5)
            Rating.objects.create(user=user, movie_id=10, value=5.0, rated_at=moment, changed_at=moment)
        self.assertEqual(data_health.bursts(self.now), ([], []))

    def test_an_account_that_rates_a_hundred_films_is_a_burst(self) -> None:
        Movie.objects.bulk_create(Movie(pk=10_000 + n, title="More") for n in range(100))
        Rating.objects.bulk_create(
            Rating(user=self.alice, movie_id=10_000 + n, value=1.0, rated_at=self.now, changed_at=self.now)
            for n in range(100)
        )
        self.rate(4.0, rows=range(3), days_ago=0.1)
        _, accounts = data_health.bursts(self.now)
        self.assertEqual([(one.what, one.n) for one in accounts], [("alice", 100)])

    def test_a_file_of_old_ratings_is_no_burst(self) -> None:
        long_ago = self.now - timedelta(days=3000)
        Rating.objects.bulk_create(
            Rating(user=user, movie_id=10 * (row + 1), value=4.0, rated_at=long_ago, changed_at=self.now)
            for user in self.people
            for row in range(60)
        )
        self.assertEqual(data_health.bursts(self.now), ([], []))

    def test_days_without_anything_are_there_too(self) -> None:
        self.rate(4.0, rows=range(5), days_ago=2)
        days = data_health.by_day(self.now, 7)
        self.assertEqual(len(days), 7)
        ratings = [day[1] for day in days]
        self.assertEqual((sum(ratings), ratings[4]), (60, 60))
        self.assertEqual(days[-1][2], User.objects.filter(source="").count())
        self.assertEqual(days[-1][3], 60)

    def test_shares_of_values_before_and_since_add_up(self) -> None:
        self.old(3.0, range(20))
        self.rate(4.0, rows=range(20, 40), days_ago=1)
        found = data_health.distribution(self.until)
        self.assertEqual([row for row in found if row[1] or row[2]], [(3.0, 1.0, 0.0), (4.0, 0.0, 1.0)])
