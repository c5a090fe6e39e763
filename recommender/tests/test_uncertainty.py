from __future__ import annotations

import math

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.film_model import EMPTY_HISTORY, History, Person
from recommender.algorithms.matrix_factorization import fit
from recommender.algorithms.uncertainty import (
    HeldOut,
    calibrate,
    chance_within,
    film_variance,
    fit_variance_weights,
    isotonic,
    levels_of,
)
from recommender.tests.ratings_for_tests import QUICK, two_tastes
from recommender.tests.test_film_model import N_ITEMS, films


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
        self.assertTrue((np.diff(knots_x) > 0).all())
        self.assertTrue((np.diff(knots_y) > 0).all())
        self.assertTrue(knots_y.min() >= y.min() - 1e-9 and knots_y.max() <= y.max() + 1e-9)

    def test_it_pools_what_runs_the_wrong_way(self) -> None:
        _, y = isotonic(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.5]))
        self.assertEqual(y.tolist(), [0.0, 0.75])

    def test_points_at_one_place_become_one_knot(self) -> None:
        # Three times this x does not divide back to it in floating point.
        x, y = isotonic(np.full(4, 0.8184089249458417), np.array([0.0, 0.0, 0.0, 1.0]))
        self.assertEqual((x.tolist(), y.tolist()), ([0.8184089249458417], [0.25]))

    def test_it_calibrates_claims_that_were_too_bold(self) -> None:
        rng = np.random.default_rng(1)
        model = films()
        person = model.solve(EMPTY_HISTORY)
        items = rng.integers(0, N_ITEMS, 20_000)
        predicted = person.predicted_ratings(items)
        actual = np.clip(np.round(rng.normal(predicted, 1.2) * 2) / 2, 0.5, 5)
        uncertainty = calibrate([HeldOut(person, items, actual)], np.full(N_ITEMS, 0.1))
        sd = uncertainty.sd(person, items)
        claimed = uncertainty.confidence(predicted, sd)
        self.assertAlmostEqual(float(claimed.mean()), float((np.abs(actual - predicted) <= 1).mean()), delta=0.02)
        intervals = [uncertainty.interval(float(p), float(s)) for p, s in zip(predicted, sd, strict=True)]
        held = [low <= r <= high for (low, high), r in zip(intervals, actual, strict=True)]
        self.assertAlmostEqual(float(np.mean(held)), 0.9, delta=0.03)

    def test_it_knows_who_rates_steadily(self) -> None:
        """People whose ratings are all noise, and people whose ratings are just as expected."""
        rng = np.random.default_rng(2)
        model = films()
        cases: list[HeldOut] = []
        steady: list[Person] = []
        wild: list[Person] = []
        for number in range(200):
            rated, asked = np.split(rng.permutation(N_ITEMS), [20])
            spread = 0.1 if number % 2 else 1.5
            expected = model.mean_offsets
            values = expected[rated] + rng.normal(0, spread, len(rated))
            person = model.solve(History(rated, values, np.zeros(20, bool), np.arange(20)))
            cases.append(HeldOut(person, asked, expected[asked] + rng.normal(0, spread, len(asked))))
            (steady if number % 2 else wild).append(person)
        uncertainty = calibrate(cases, np.full(N_ITEMS, 0.1))
        self.assertGreater(uncertainty.steadiness_ratings, 0)
        self.assertLess(np.mean([*map(uncertainty.noise_factor, steady)]), 0.5)
        self.assertGreater(np.mean([*map(uncertainty.noise_factor, wild)]), 1.2)
        self.assertEqual(uncertainty.noise_factor(model.solve(EMPTY_HISTORY)), 1.0)


class LevelsTestCase(SimpleTestCase):
    def test_it_finds_out_that_nobody_gives_half_stars(self) -> None:
        self.assertEqual(levels_of(np.array([1.0, 5.0, 2.0, 4.0, 3.0, 3.0])).tolist(), [1, 2, 3, 4, 5])
        # Within a star of 3.4 lie 3 and 4: the mass of a normal from 2.5 to 4.5.
        chance = float(chance_within(np.array([3.4]), np.array([0.8]), np.arange(1.0, 6.0))[0])
        expected = (math.erf(1.1 / 0.8 / math.sqrt(2)) + math.erf(0.9 / 0.8 / math.sqrt(2))) / 2
        self.assertAlmostEqual(chance, expected, places=6)

    def test_it_expects_half_stars_where_nothing_is_known(self) -> None:
        self.assertEqual(len(levels_of(np.array([3.0]))), 10)
