from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.interactions import Interactions
from recommender.algorithms.splits import last_overall, last_per_user, random_ratings
from recommender.tests.ratings_for_tests import two_tastes


def person(times: list[int], items: list[int] | None = None) -> Interactions:
    n = len(times)
    items = items or list(range(n))
    return Interactions(
        np.zeros(n, np.int32), np.array(items, np.int32), np.full(n, 3, np.float32), np.array(times), 1, max(items) + 1
    )


class LastPerUserTestCase(SimpleTestCase):
    def test_it_takes_the_latest_fifth(self) -> None:
        split = last_per_user(person([50, 10, 30, 20, 40, 60, 70, 80, 100, 90]))
        self.assertEqual(sorted(split.test.time.tolist()), [90, 100])
        self.assertEqual(len(split.train), 8)

    def test_it_breaks_ties_in_time_by_film(self) -> None:
        split = last_per_user(person([5] * 5, items=[4, 0, 3, 1, 2]))
        self.assertEqual(split.test.item.tolist(), [4])

    def test_it_rounds_halves_up(self) -> None:
        # 0.2 · 13 = 2.6 → 3; 0.2 · 12.5 does not occur, but 0.5 · 5 = 2.5 does.
        self.assertEqual(len(last_per_user(person(list(range(13)))).test), 3)
        self.assertEqual(len(last_per_user(person(list(range(5))), share=0.5).test), 3)

    def test_it_leaves_people_with_four_ratings_alone(self) -> None:
        self.assertEqual(len(last_per_user(person([1, 2, 3, 4])).test), 0)
        self.assertEqual(len(last_per_user(person([1, 2, 3, 4, 5])).test), 1)

    @given(st.lists(st.integers(0, 5), min_size=5, max_size=40))
    def test_it_never_tests_on_the_past(self, times: list[int]) -> None:
        split = last_per_user(person(times))
        self.assertLessEqual(split.train.time.max(), split.test.time.min())
        self.assertEqual(len(split.train) + len(split.test), len(times))


class OtherSplitsTestCase(SimpleTestCase):
    def test_it_splits_at_random_but_the_same_way_each_time(self) -> None:
        data = two_tastes()
        one, two = random_ratings(data, seed=3), random_ratings(data, seed=3)
        self.assertEqual(one.test.item.tolist(), two.test.item.tolist())
        self.assertAlmostEqual(len(one.test) / len(data), 0.2, delta=0.03)

    def test_it_splits_all_ratings_at_one_moment(self) -> None:
        split = last_overall(two_tastes())
        self.assertLessEqual(split.train.time.max(), split.test.time.min())

    def test_it_divides_the_training_part_the_same_way_again(self) -> None:
        data = two_tastes()
        for split in (last_per_user(data), random_ratings(data, seed=3), last_overall(data)):
            with self.subTest(split.name):
                inner = split.again()
                self.assertEqual(inner.name, split.name)
                self.assertEqual(len(inner.train) + len(inner.test), len(split.train))
                self.assertAlmostEqual(len(inner.test) / len(split.train), len(split.test) / len(data), delta=0.03)
