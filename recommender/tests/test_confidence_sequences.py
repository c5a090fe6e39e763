from __future__ import annotations

import math

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms import confidence_sequences as cs

variances = st.floats(1e-6, 1e3)
mixings = st.floats(1e-3, 1e6)


class IntervalTestCase(SimpleTestCase):
    @given(variances, mixings)
    def test_the_boundary_is_where_the_mixture_reaches_one_in_alpha(self, variance: float, mixing: float) -> None:
        half = cs.radius(variance, mixing)
        information = 1 / variance
        score = half * information
        mixture = math.sqrt(mixing / (information + mixing)) * math.exp(score**2 / (2 * (information + mixing)))
        self.assertAlmostEqual(mixture * cs.ALPHA, 1, places=6)

    def test_the_mixture_is_the_mean_over_its_prior(self) -> None:
        score, information, mixing = 3.0, 4.0, 2.0
        effects = np.linspace(-12, 12, 200_001)
        prior = np.exp(-(effects**2) * mixing / 2) * math.sqrt(mixing / (2 * math.pi))
        integral = np.sum(prior * np.exp(effects * score - effects**2 * information / 2)) * (effects[1] - effects[0])
        self.assertAlmostEqual(1 / cs.p_value(score / information, 1 / information, mixing), integral, places=6)

    @given(st.floats(-5, 5), variances, mixings)
    def test_the_p_value_and_the_interval_agree(self, estimate: float, variance: float, mixing: float) -> None:
        p = cs.p_value(estimate, variance, mixing)
        if abs(p - cs.ALPHA) > 1e-9:
            self.assertEqual(cs.excludes_zero(estimate, variance, mixing), p < cs.ALPHA)

    def test_of_a_thousand_walks_without_drift_few_ever_cross_and_more_do_at_naked_intervals(self) -> None:
        rng = np.random.default_rng(0)
        walks = rng.normal(size=(1000, 500)).cumsum(axis=1)
        information = np.arange(1, 501)
        edge = np.array([cs.radius(1 / i, cs.mixing_for_information(100)) for i in information]) * information
        crossed = (np.abs(walks) > edge).any(axis=1).mean()
        self.assertLessEqual(crossed, 0.05)
        self.assertGreater(crossed, 0.005)  # and they are no wider than needed
        self.assertGreater((np.abs(walks) > 1.96 * np.sqrt(information)).any(axis=1).mean(), 0.3)

    def test_nothing_is_excluded_where_nothing_is_known(self) -> None:
        self.assertEqual(cs.interval(3.0, math.inf, 1.0), (-math.inf, math.inf))
        self.assertFalse(cs.excludes_zero(3.0, math.inf, 1.0))
        self.assertEqual(cs.p_value(3.0, math.inf, 1.0), 1.0)

    def test_the_interval_closes_as_information_comes(self) -> None:
        halves = [cs.radius(1 / information, 1.0) for information in (1, 10, 100, 1e4, 1e8)]
        self.assertEqual(halves, sorted(halves, reverse=True))
        self.assertLess(halves[-1], 1e-3)

    def test_it_refuses_what_is_no_variance(self) -> None:
        for variance, mixing in ((-1.0, 1.0), (1.0, 0.0), (math.nan, 1.0)):
            with self.assertRaises(ValueError):
                cs.radius(variance, mixing)


class MixingTestCase(SimpleTestCase):
    @given(st.floats(1e-2, 1e6), st.floats(0.1, 10))
    def test_no_other_mixing_makes_it_narrower_when_it_was_tuned_for(self, information: float, times: float) -> None:
        best = cs.mixing_for_information(information)
        self.assertLessEqual(cs.radius(1 / information, best), cs.radius(1 / information, best * times) * (1 + 1e-12))

    @given(st.floats(1e-3, 10))
    def test_it_is_as_wide_as_the_effect_of_interest_when_that_is_expected_to_be_found(self, effect: float) -> None:
        information = cs.information_for_effect(effect)
        self.assertAlmostEqual(cs.radius(1 / information, cs.mixing_for_effect(effect)) / effect, 1, places=9)

    def test_no_effect_has_no_mixing(self) -> None:
        with self.assertRaises(ValueError):
            cs.mixing_for_effect(0.0)


class ListsNeededTestCase(SimpleTestCase):
    @given(st.floats(0.01, 1), st.floats(1e-4, 1), st.integers(1, 10_000), st.floats(0.1, 1000))
    def test_with_so_many_more_zero_is_excluded_and_with_fewer_it_is_not(
        self, estimate: float, variance: float, n: int, mixing: float
    ) -> None:
        needed = cs.lists_needed(estimate, variance, n, mixing)
        assert needed is not None
        self.assertTrue(cs.excludes_zero(estimate * (1 + 1e-6), variance * n / (n + needed), mixing))
        if needed > 2:
            self.assertFalse(cs.excludes_zero(estimate, variance * n / (n + 0.999 * needed - 2), mixing))

    def test_it_is_none_where_no_number_of_lists_would_do(self) -> None:
        self.assertIsNone(cs.lists_needed(0.0, 1.0, 10, 1.0))
        self.assertIsNone(cs.lists_needed(0.5, math.inf, 10, 1.0))
        self.assertIsNone(cs.lists_needed(0.5, 1.0, 10, 1.0, effect=0.0))

    def test_a_larger_effect_needs_fewer(self) -> None:
        small, large = (cs.lists_needed(0.0, 1.0, 10, 1.0, effect=effect) for effect in (0.1, -0.2))
        assert small is not None and large is not None
        self.assertLess(large, small / 3)
