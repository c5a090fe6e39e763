"""A crowd of new accounts does not push a film; a young site is not silenced."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from django.test import SimpleTestCase, TestCase, override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cinema import influx
from cinema.crowd import count_crowd
from cinema.models import Movie, Rating, User
from cinema.statistics import best_rated
from recommender.dataset import snapshot
from recommender.popular import popular_now

ratings = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 50)), max_size=60)


class CountingTestCase(SimpleTestCase):
    def counting(self, rows: list[tuple[int, bool, int]]) -> list[bool]:
        film, new, time = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.empty(0),) * 3
        return influx.counting(film.astype(np.int64), new.astype(np.bool_), time.astype(np.int64), 5).tolist()

    def test_the_earliest_of_a_crowd_count(self) -> None:
        crowd = [(0, True, 100 - n) for n in range(12)]
        everybody = [(1, False, 0)] * 600
        kept = self.counting(crowd + everybody)
        self.assertEqual(kept[:12], [False] * 7 + [True] * 5)
        self.assertTrue(all(kept[12:]))

    def test_a_site_where_everybody_is_new_is_not_silenced(self) -> None:
        self.assertTrue(all(self.counting([(0, True, n) for n in range(500)])))

    def test_a_film_may_be_found_by_newcomers_as_often_as_others_let_expect(self) -> None:
        rows = [(0, False, 0)] * 100 + [(0, True, 1)] * 30 + [(1, False, 0)] * 100 + [(1, True, 1)] * 30
        self.assertTrue(all(self.counting(rows)))

    @override_settings(INFLUX_GUARD=False)
    def test_it_can_be_switched_off(self) -> None:
        self.assertTrue(all(self.counting([(0, True, 0)] * 50 + [(1, False, 0)] * 500)))

    @given(ratings)
    def test_whatever_comes_established_ratings_count_and_no_film_has_more_than_it_may(
        self, rows: list[tuple[int, bool, int]]
    ) -> None:
        kept = self.counting(rows)
        n_new = sum(new for _, new, _ in rows)
        odds = influx.odds_of_new(n_new, len(rows)) if rows else 0.0
        for film in range(5):
            established = sum(not new for one, new, _ in rows if one == film)
            counted = [time for (one, new, time), keep in zip(rows, kept, strict=True) if keep and new and one == film]
            left = [time for (one, new, time), keep in zip(rows, kept, strict=True) if not keep and one == film]
            allowed = float(influx.allowed_new(established, odds))
            self.assertLess(len(counted), allowed + 1)
            self.assertTrue(not left or max(counted) <= min(left))
        self.assertTrue(all(keep for (_, new, _), keep in zip(rows, kept, strict=True) if not new))


class PushedFilmTestCase(TestCase):
    """Forty established people and fifty accounts of today."""

    def setUp(self) -> None:
        now, before = timezone.now(), timezone.now() - timedelta(days=90)
        self.pushed, *others = (Movie.objects.create(title=f"Film {n}") for n in range(31))
        people = User.objects.bulk_create(User(username=f"p{n}", date_joined=before) for n in range(40))
        crowd = User.objects.bulk_create(User(username=f"c{n}", date_joined=now) for n in range(50))
        given = [(user, movie, 4.0, before) for user in people for movie in others]
        given += [(user, self.pushed, 2.0, before) for user in people[:6]]
        given += [(user, self.pushed, 5.0, now) for user in crowd]
        Rating.objects.bulk_create(
            Rating(user=user, movie=movie, value=value, rated_at=at, changed_at=at) for user, movie, value, at in given
        )

    def pushes(self) -> dict[str, bool]:
        data = snapshot()
        row = int(np.searchsorted(data.movie_ids, self.pushed.pk))
        return {
            "trained on": int((data.interactions.item == row).sum()) > 6 + influx.ALLOWANCE + 1,
            "popular": int(popular_now()[0]) == self.pushed.pk,
            "best rated": self.pushed.pk in {film.movie_id for film in best_rated(count_crowd())[:10]},
        }

    def test_it_gets_nowhere(self) -> None:
        self.assertEqual(self.pushes(), {"trained on": False, "popular": False, "best rated": False})

    @override_settings(INFLUX_GUARD=False)
    def test_without_the_guard_it_would(self) -> None:
        self.assertEqual(self.pushes(), {"trained on": True, "popular": True, "best rated": True})

    def test_accounts_that_came_with_an_import_count(self) -> None:
        for number, user in enumerate(User.objects.filter(username__startswith="c")):
            User.objects.filter(pk=user.pk).update(source="set", source_id=number)
        self.assertTrue(self.pushes()["trained on"])
