from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.common_test import KeptFrom, common_test, first_tests, renumbered
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.splits import last_per_user
from recommender.tests.ratings_for_tests import two_tastes

MOVIE_IDS = np.arange(1, 61) * 10


def ratings(rows: list[tuple[int, int, int]]) -> Interactions:
    """(user, item, time) with four stars each."""
    user, item, time = (np.array(column) for column in zip(*rows, strict=True))
    return Interactions(
        user.astype(np.int32), item.astype(np.int32), np.full(len(rows), 4.0, np.float32), time, int(user.max()) + 1, 60
    )


def kept_from(data: Interactions) -> KeptFrom:
    split = last_per_user(data)
    kept = KeptFrom.newer_than(int(data.time.max()), data.n_users)
    users, times, films = first_tests(split, MOVIE_IDS)
    kept.time[users], kept.film[users] = times, films
    return kept


class KeptFromTestCase(SimpleTestCase):
    def test_it_is_the_test_part_exactly_where_nothing_has_come_since(self) -> None:
        data = two_tastes()
        split = last_per_user(data)
        unseen = kept_from(data).unseen(data, MOVIE_IDS)
        pairs = set(zip(split.test.user.tolist(), split.test.item.tolist(), strict=True))
        self.assertEqual(set(zip(data.user[unseen].tolist(), data.item[unseen].tolist(), strict=True)), pairs)

    def test_ties_in_time_go_by_film(self) -> None:
        data = ratings([(0, item, 7) for item in range(10)])
        self.assertEqual(kept_from(data).unseen(data, MOVIE_IDS).tolist(), [False] * 8 + [True] * 2)

    def test_whoever_has_too_few_ratings_was_trained_on_wholly(self) -> None:
        data = ratings([(0, item, 7) for item in range(4)] + [(0, 9, 8)])
        old = data.take(np.arange(4))
        self.assertEqual(kept_from(old).unseen(data, MOVIE_IDS).tolist(), [False] * 4 + [True])

    @given(st.data())
    def test_it_never_calls_a_rating_unseen_that_was_trained_on(self, draw: st.DataObject) -> None:
        """However ratings come, go and are brought from elsewhere afterwards."""
        films = draw.draw(st.lists(st.integers(0, 59), min_size=5, max_size=40, unique=True))
        times = draw.draw(st.lists(st.integers(0, 50), min_size=len(films), max_size=len(films)))
        then = ratings([(0, film, time) for film, time in zip(films, times, strict=True)])
        trained = last_per_user(then).train
        kept = kept_from(then)
        deleted = draw.draw(st.sets(st.sampled_from(films)))
        added = draw.draw(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 90)), unique_by=lambda one: one[0]))
        now = [(0, f, t) for f, t in zip(films, times, strict=True) if f not in deleted]
        now += [(0, f, t) for f, t in added if f not in films]
        if not now:
            return
        data = ratings(now)
        unseen = kept.unseen(data, MOVIE_IDS)
        self.assertFalse(set(data.item[unseen].tolist()) & set(trained.item.tolist()))


class CommonTestTestCase(SimpleTestCase):
    def test_only_what_nobody_has_seen_and_everybody_knows_is_asked(self) -> None:
        data = ratings([(0, 1, 1), (0, 2, 2), (0, 3, 3), (0, 4, 4)])
        unseen = [np.array([False, True, True, True]), np.array([False, False, True, True])]
        known = np.ones(60, bool)
        known[4] = False
        test = common_test(data, unseen, [np.ones(60, bool), known])
        self.assertEqual((test.given.item.tolist(), test.asked.item.tolist(), test.n_unknown), ([1, 2], [3], 1))
        self.assertEqual(test.rows_given.tolist(), [0, 1])
        self.assertEqual(test.people.tolist(), [0])

    def test_nobody_is_asked_without_a_history(self) -> None:
        data = ratings([(0, 1, 1), (1, 2, 2), (1, 3, 3)])
        test = common_test(data, [np.array([True, False, True])], [np.ones(60, bool)])
        self.assertEqual(test.people.tolist(), [1])

    def test_films_have_each_models_own_numbers(self) -> None:
        data = ratings([(0, 1, 1), (0, 3, 3)])
        rows = np.full(60, -1)
        rows[[1, 3]] = [5, 0]
        found = renumbered(data, rows, 6)
        self.assertEqual((found.item.tolist(), found.n_items), ([5, 0], 6))
