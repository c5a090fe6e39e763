from __future__ import annotations

import math

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.sample_ratio import sample_ratio


class SampleRatioTestCase(SimpleTestCase):
    def test_it_agrees_with_odds_worked_out_by_hand(self) -> None:
        # Under the prior of one person per arm each split of three is as probable: 1/4; under halves 1/8.
        self.assertAlmostEqual(sample_ratio([3, 0], concentration=2).odds, (1 / 4) / (1 / 8))
        self.assertAlmostEqual(sample_ratio([0, 0]).odds, 1.0)

    @given(st.lists(st.integers(0, 200), min_size=2, max_size=4))
    def test_it_is_a_martingale(self, counts: list[int]) -> None:
        share = 1 / len(counts)
        now = sample_ratio(counts).log_evidence
        after = [sample_ratio([*counts[:arm], counts[arm] + 1, *counts[arm + 1 :]]) for arm in range(len(counts))]
        self.assertAlmostEqual(sum(share * math.exp(each.log_evidence - now) for each in after), 1, places=6)

    def test_of_a_thousand_sound_experiments_few_ever_warn(self) -> None:
        rng = np.random.default_rng(0)
        warned = 0
        for _ in range(1000):
            in_second = rng.binomial(20, 0.5, 50).cumsum()
            warned += any(
                sample_ratio([20 * (look + 1) - int(k), int(k)], alpha=0.05).warns for look, k in enumerate(in_second)
            )
        self.assertLessEqual(warned, 50)

    def test_it_warns_of_45_to_55_and_not_of_intended_ones(self) -> None:
        self.assertTrue(sample_ratio([900, 1100]).warns)
        self.assertFalse(sample_ratio([900, 1100], [0.45, 0.55]).warns)
        self.assertFalse(sample_ratio([9, 11]).warns)

    def test_it_does_not_overflow(self) -> None:
        self.assertEqual(sample_ratio([10**6, 0]).odds, math.inf)

    def test_it_refuses_shares_that_are_none(self) -> None:
        for counts, shares in (([1], None), ([1, -1], None), ([1, 2], [0.5, 0.6]), ([1, 2], [0.0, 1.0])):
            with self.assertRaises(ValueError):
                sample_ratio(counts, shares)
