from __future__ import annotations

import math

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.ratio_of_sums import ratio_of_sums


class RatioOfSumsTestCase(SimpleTestCase):
    @given(st.integers(2, 12), st.integers(0, 1000))
    def test_its_variance_is_that_of_leaving_people_out_one_by_one(self, n: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        numerator, denominator = rng.normal(size=n), rng.uniform(0.5, 3, n)
        ratio = ratio_of_sums(numerator, denominator)
        without = np.array([np.delete(numerator, i).sum() / np.delete(denominator, i).sum() for i in range(n)])
        self.assertAlmostEqual(ratio.variance, (n - 1) / n * np.square(without - ratio.value).sum())

    def test_people_who_come_equally_often_are_a_plain_mean(self) -> None:
        values = np.random.default_rng(0).normal(size=30)
        ratio = ratio_of_sums(values, np.ones(30))
        self.assertAlmostEqual(ratio.value, values.mean())
        self.assertAlmostEqual(ratio.variance, values.var(ddof=1) / 30)
        self.assertAlmostEqual(ratio.effective_people, 30)

    def test_one_who_comes_very_often_counts_for_few(self) -> None:
        denominator = np.array([1.0] * 10 + [1000.0])
        self.assertLess(ratio_of_sums(np.ones(11), denominator).effective_people, 1.1)

    def test_lists_of_one_person_are_not_taken_for_people(self) -> None:
        rng = np.random.default_rng(0)
        readiness, n = rng.random(50), 40.0
        variance = ratio_of_sums(readiness * n, np.full(50, n)).variance
        self.assertGreater(variance, 5 * 0.25 / (50 * n))

    def test_people_who_never_came_change_nothing(self) -> None:
        numerator, denominator = np.array([1.0, 0.0, 2.0]), np.array([2.0, 1.0, 3.0])
        with_absent = ratio_of_sums(np.append(numerator, 0.0), np.append(denominator, 0.0))
        self.assertAlmostEqual(with_absent.variance, ratio_of_sums(numerator, denominator).variance)
        self.assertEqual(with_absent.n_people, 3)

    def test_nothing_is_known_of_one_person_or_of_people_who_are_all_alike(self) -> None:
        self.assertEqual(ratio_of_sums(np.array([1.0]), np.array([2.0])).variance, math.inf)
        self.assertEqual(ratio_of_sums(np.zeros(9), np.ones(9)).variance, math.inf)
        self.assertTrue(math.isnan(ratio_of_sums(np.zeros(0), np.zeros(0)).value))

    def test_it_refuses_what_does_not_fit(self) -> None:
        for numerator, denominator in ((np.ones(2), np.ones(3)), (np.ones(2), np.array([1.0, -1.0]))):
            with self.assertRaises(ValueError):
                ratio_of_sums(numerator, denominator)
