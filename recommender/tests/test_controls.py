from __future__ import annotations

from typing import Any
from unittest import TestCase

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cinema.models import CONTROL_RANGES
from recommender.algorithms.controls import (
    UNCHANGED,
    Controls,
    Trait,
    directions,
    distance_from,
    known_by,
    novelty,
    popularity_trait,
    recency_trait,
)

counts = st.lists(st.integers(0, 10**6), min_size=2, max_size=30).map(np.array)


def one(name: str, value: Any) -> Controls:
    return Controls(**{name: value})


class ControlsTestCase(TestCase):
    def test_they_have_the_ranges_that_the_database_keeps(self) -> None:
        self.assertEqual(Controls.RANGES, CONTROL_RANGES)

    def test_they_take_the_ends_of_their_ranges_and_nothing_beyond(self) -> None:
        for name, (low, high) in Controls.RANGES.items():
            for value in (low, high, 0.0):
                self.assertEqual(getattr(one(name, value), name), value)
            for value in (low - 1e-9, high + 1e-9, float("nan"), float("inf"), -float("inf")):
                with self.subTest(name, value=value), self.assertRaises(ValueError):
                    one(name, value)

    def test_diversity_and_the_first_year_add_nothing_to_scores(self) -> None:
        self.assertFalse(UNCHANGED.moves_scores)
        self.assertFalse(Controls(diversity=1.0, since=2000).moves_scores)
        for name in ("popularity", "novelty", "recency"):
            self.assertTrue(one(name, 0.1).moves_scores)


class TraitTestCase(TestCase):
    @given(counts)
    def test_well_known_films_stand_out_by_unit_spread(self, counts: np.ndarray) -> None:
        figures = popularity_trait(counts).of(known_by(counts))
        self.assertTrue(np.isfinite(figures).all())
        self.assertAlmostEqual(float(figures.mean()), 0.0, delta=1e-6)
        self.assertAlmostEqual(float(figures.std()), float(len(set(counts.tolist())) > 1), delta=1e-6)
        order = np.argsort(counts, kind="stable")
        self.assertTrue((np.diff(figures[order]) >= -1e-9).all())

    def test_a_film_without_a_year_is_left_where_it_is(self) -> None:
        years = np.array([1950.0, np.nan, 2000.0, 1990.0])
        figures = recency_trait(years).of(years)
        self.assertEqual(figures[1], 0.0)
        self.assertLess(figures[0], figures[3])
        self.assertLess(figures[3], figures[2])

    def test_the_oldest_films_do_not_stand_out_without_bound(self) -> None:
        years = np.array([*[1990.0] * 50, *[2000.0] * 50, 1900.0])
        self.assertEqual(recency_trait(years).of(years).min(), -2.0)

    def test_where_nothing_differs_or_is_known_nothing_stands_out(self) -> None:
        for figures in (np.full(3, 7.0), np.full(3, np.nan), np.empty(0)):
            self.assertEqual(Trait.over(figures).of(figures).tolist(), [0.0] * len(figures))


class NoveltyTestCase(TestCase):
    def test_it_is_the_distance_to_the_nearest_film_of_the_history(self) -> None:
        films = directions(np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [-1.0, 0.0]]))
        history = directions(np.array([[5.0, 0.0], [0.0, 1.0]]))
        np.testing.assert_allclose(distance_from(history, films), [0.0, 0.0, 1 - 0.5**0.5, 1.0], atol=1e-6)

    def test_without_a_history_no_film_is_near(self) -> None:
        self.assertEqual(distance_from(directions(np.empty((0, 2))), directions(np.ones((3, 2)))).tolist(), [0.0] * 3)

    def test_rated_films_do_not_stretch_it(self) -> None:
        distances, candidates = np.array([0.0, 0.4, 0.6]), np.array([False, True, True])
        np.testing.assert_allclose(novelty(distances, candidates)[1:], [-1.0, 1.0])

    @given(st.integers(0, 10**6), st.integers(1, 20), st.integers(0, 8))
    def test_it_is_finite_whatever_the_history(self, seed: int, n: int, m: int) -> None:
        rng = np.random.default_rng(seed)
        films, history = directions(rng.normal(size=(n, 3))), directions(rng.choice([0.0, 1.0], (m, 3)))
        figures = novelty(distance_from(history, films), rng.random(n) < 0.7)
        self.assertEqual((figures.shape, bool(np.isfinite(figures).all())), ((n,), True))
