from __future__ import annotations

import math

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.matrix_factorization import fit
from recommender.algorithms.uncertainty import (
    calibrate,
    chance_within,
    film_variance,
    fit_variance_weights,
    isotonic,
)
from recommender.tests.ratings_for_tests import QUICK, two_tastes


class FilmVarianceTestCase(SimpleTestCase):
    def test_it_is_largest_for_films_that_nobody_rated(self) -> None:
        data = two_tastes()
        few = np.flatnonzero(data.item == 3)[2:]
        data = data.take(np.setdiff1d(np.flatnonzero(data.item != 5), few))
        variance = film_variance(fit(QUICK, data), data)
        self.assertEqual(int(variance.argmax()), 5)
        self.assertGreater(variance[3], np.median(variance))
        self.assertGreater(variance.min(), 0)


class ChanceWithinTestCase(SimpleTestCase):
    def test_it_is_nearly_certain_for_a_tiny_spread(self) -> None:
        self.assertAlmostEqual(float(chance_within(np.array([3.5]), np.array([0.05]))[0]), 1.0, places=6)

    def test_it_adds_up_the_levels_within_a_star(self) -> None:
        # 2.5 … 4.5 lie within a star of 3.5: the mass of a normal from 2.25 to 4.75.
        expected = math.erf(1.25 / 0.8 / math.sqrt(2))
        self.assertAlmostEqual(float(chance_within(np.array([3.5]), np.array([0.8]))[0]), expected, places=6)

    @given(st.floats(0.5, 5), st.floats(0.01, 5))
    def test_it_is_a_probability(self, predicted: float, sd: float) -> None:
        chance = float(chance_within(np.array([predicted]), np.array([sd]))[0])
        self.assertTrue(0 <= chance <= 1 + 1e-12)


class FittingTestCase(SimpleTestCase):
    def test_it_recovers_the_weights_of_the_variance(self) -> None:
        rng = np.random.default_rng(0)
        parts = np.column_stack([np.ones(40_000), rng.exponential(1, 40_000)])
        errors = rng.normal(0, np.sqrt(parts @ [0.5, 2.0]))
        np.testing.assert_allclose(fit_variance_weights(errors**2, parts), [0.5, 2.0], rtol=0.1)

    @given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
    def test_it_fits_an_ascending_line(self, points: list[tuple[float, float]]) -> None:
        x, y = np.array(points).T
        knots_x, knots_y = isotonic(x, y)
        self.assertTrue((np.diff(knots_x) >= 0).all())
        self.assertTrue((np.diff(knots_y) > -1e-12).all())
        self.assertTrue(knots_y.min() >= y.min() - 1e-9 and knots_y.max() <= y.max() + 1e-9)

    def test_it_pools_what_runs_the_wrong_way(self) -> None:
        _, y = isotonic(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.5]))
        self.assertEqual(y.tolist(), [0.0, 0.75])

    def test_it_calibrates_claims_that_were_too_bold(self) -> None:
        rng = np.random.default_rng(1)
        n = 20_000
        actual = np.clip(np.round(rng.normal(3, 1.2, n) * 2) / 2, 0.5, 5)
        uncertainty = calibrate(
            predicted=np.full(n, 3.0),
            actual=actual,
            person_variance=rng.random(n),
            items=np.zeros(n, np.int64),
            film_variance=np.array([0.1]),
        )
        sd = uncertainty.sd(np.full(1, 0.5), np.zeros(1, np.int64))
        claimed = float(uncertainty.confidence(np.array([3.0]), sd)[0])
        self.assertAlmostEqual(claimed, float((np.abs(actual - 3) <= 1).mean()), delta=0.02)
        low, high = uncertainty.interval(3.0, float(sd[0]))
        self.assertAlmostEqual(float(((actual >= low) & (actual <= high)).mean()), 0.9, delta=0.05)
