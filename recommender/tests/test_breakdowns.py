from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.breakdowns import film_groups, people_groups
from recommender.algorithms.interactions import Interactions
from recommender.tests.ratings_for_tests import run_pipeline, two_tastes


def ratings(pairs: list[tuple[int, int]], n_users: int, n_items: int) -> Interactions:
    """Three stars for each (person, film)."""
    user, item = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    n = len(user)
    return Interactions(user, item, np.full(n, 3, np.float32), np.arange(n, dtype=np.int64), n_users, n_items)


class PeopleGroupsTestCase(SimpleTestCase):
    def test_it_goes_by_training_ratings(self) -> None:
        counts = [0, 1, 19, 20, 99, 100, 150]
        data = ratings([(user, film) for user, n in enumerate(counts) for film in range(n)], len(counts), 150)
        members = {group.name: np.flatnonzero(group.members).tolist() for group in people_groups(data)}
        self.assertEqual(members, {"newcomers": [1, 2], "casual": [3, 4], "heavy": [5, 6]})


class FilmGroupsTestCase(SimpleTestCase):
    def test_it_takes_the_most_rated_films_until_they_hold_half_of_the_ratings(self) -> None:
        # 5 + 3 + 1 + 1 = 10 ratings, film 4 has none. Film 1 alone holds half.
        counts = [3, 5, 1, 1, 0]
        data = ratings([(user, film) for film, n in enumerate(counts) for user in range(n)], 5, 5)
        popular, long_tail = film_groups(data)
        self.assertEqual(np.flatnonzero(popular.members).tolist(), [1])
        self.assertEqual(np.flatnonzero(long_tail.members).tolist(), [0, 2, 3, 4])

    @given(st.lists(st.integers(0, 6), min_size=1, max_size=30))
    def test_it_needs_no_film_fewer(self, counts: list[int]) -> None:
        data = ratings([(user, film) for film, n in enumerate(counts) for user in range(n)], 6, len(counts))
        popular, long_tail = film_groups(data)
        self.assertTrue((popular.members ^ long_tail.members).all())
        held = data.item_counts[popular.members]
        self.assertGreaterEqual(2 * held.sum(), len(data))
        if len(held):
            self.assertLess(2 * (held.sum() - held.min()), len(data))
            self.assertGreaterEqual(held.min(), data.item_counts[long_tail.members].max(initial=0))


class BreakdownTestCase(SimpleTestCase):
    """Of a measured model."""

    def test_the_groups_add_up_to_the_whole(self) -> None:
        evaluation = run_pipeline(two_tastes(n_items=40)).evaluation
        rmse = evaluation.metrics["rmse"]
        squares = {name: part.value**2 * part.extra["test_ratings"] for name, part in rmse.breakdown.items()}
        self.assertEqual(set(squares), {"newcomers", "casual", "popular", "long_tail"})
        total = rmse.value**2 * rmse.extra["test_ratings"]
        for names in (["newcomers", "casual"], ["popular", "long_tail"]):
            self.assertAlmostEqual(sum(squares[name] for name in names), total, places=9)
            self.assertEqual(sum(evaluation.n_test_ratings[name] for name in names), rmse.extra["test_ratings"])
        for metric in ("ndcg_at_10", "precision_at_10", "precision_at_10_rated"):
            whole = evaluation.metrics[metric]
            people = [whole.breakdown[name] for name in ("newcomers", "casual")]
            self.assertEqual(sum(part.n for part in people), whole.n)
            self.assertAlmostEqual(sum(part.n * part.value for part in people), whole.n * whole.value, places=9)

    def test_every_part_of_a_mean_has_its_interval_and_its_baselines(self) -> None:
        for name, metric in run_pipeline(two_tastes(n_items=40)).metrics.items():
            for group, part in metric.breakdown.items():
                with self.subTest(f"{name}, {group}"):
                    self.assertIsNotNone(part.baseline)
                    self.assertIn("item_mean", part.extra)
                    if not name.startswith("coverage"):
                        assert part.interval is not None
                        self.assertLessEqual(part.interval[0], part.value)
                        self.assertGreaterEqual(part.interval[1], part.value)

    def test_the_places_of_a_list_are_not_divided_between_films(self) -> None:
        metrics = run_pipeline(two_tastes(n_items=40)).metrics
        self.assertNotIn("popular", metrics["precision_at_10"].breakdown)
        self.assertIn("popular", metrics["recall_at_10"].breakdown)
