from __future__ import annotations

from typing import Any

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.algorithms.gibbs_kernel import Grouped, Pool, grouped, prepare, square_errors


def a_side(seed: int, n_rows: int, n_ratings: int, k: int) -> tuple[Grouped, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    ratings = grouped(
        rng.integers(0, n_rows, n_ratings).astype(np.int32),
        rng.integers(0, 20, n_ratings).astype(np.int32),
        rng.random(n_ratings).astype(np.float32),
        n_rows,
    )
    root = rng.normal(size=(k, k))
    return ratings, {
        "residual": rng.normal(size=n_ratings),
        "weight": rng.uniform(0.1, 3, n_ratings),
        "vectors": rng.normal(size=(20, k)),
        "precision": root @ root.T + np.eye(k),
        "prior_information": rng.normal(size=(n_rows, k)),
        "normal": rng.normal(size=(n_rows, k)),
    }


def slow_twin(ratings: Grouped, given: dict[str, Any]) -> np.ndarray:
    """The draws with numpy's own factorization, row by row."""
    drawn = np.empty_like(given["normal"])
    for row in range(len(drawn)):
        part = slice(ratings.starts[row], ratings.starts[row + 1])
        v, w = given["vectors"][ratings.other[part]], given["weight"][part]
        precision = given["precision"] + (v.T * w) @ v
        information = given["prior_information"][row] + v.T @ (w * given["residual"][part])
        lower = np.linalg.cholesky(precision)
        drawn[row] = np.linalg.solve(precision, information) + np.linalg.solve(lower.T, given["normal"][row])
    return drawn


class DrawRowsTestCase(SimpleTestCase):
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 10**6), st.integers(1, 12), st.integers(0, 90), st.integers(1, 9))
    def test_it_agrees_with_its_slow_twin(self, seed: int, n_rows: int, n_ratings: int, k: int) -> None:
        ratings, side = a_side(seed, n_rows, n_ratings, k)
        np.testing.assert_allclose(Pool(1).draw_rows(ratings, **side), slow_twin(ratings, side), rtol=1e-8, atol=1e-8)

    def test_it_gives_the_same_bytes_on_any_number_of_threads(self) -> None:
        ratings, side = a_side(3, 200, 3000, 9)
        alone = Pool(1).draw_rows(ratings, **side)
        for n_threads in (2, 3, 8):
            self.assertEqual(Pool(n_threads).draw_rows(ratings, **side).tobytes(), alone.tobytes())

    def test_it_draws_with_the_right_mean_and_spread(self) -> None:
        ratings, side = a_side(4, 1, 30, 3)
        rng = np.random.default_rng(0)
        draws = np.array(
            [Pool(1).draw_rows(ratings, **{**side, "normal": rng.normal(size=(1, 3))})[0] for _ in range(4000)]
        )
        v, w = side["vectors"][ratings.other], side["weight"]
        covariance = np.linalg.inv(side["precision"] + (v.T * w) @ v)
        mean = covariance @ (side["prior_information"][0] + v.T @ (w * side["residual"]))
        np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.02)
        np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.02)

    def test_it_takes_the_fitted_part_off_each_rating(self) -> None:
        ratings, side = a_side(5, 12, 80, 4)
        rows = side["normal"]
        expected = side["residual"] - np.einsum("nk,nk->n", rows[ratings.row], side["vectors"][ratings.other])
        residual, of_rows = side["residual"].copy(), np.empty(12)
        for part in ((0, 5), (5, 12)):
            square_errors(ratings, part, residual, rows, side["vectors"], (residual, of_rows))
        np.testing.assert_allclose(residual, np.square(expected), atol=1e-12)
        np.testing.assert_allclose(of_rows, np.bincount(ratings.row, np.square(expected), 12), atol=1e-12)

    def test_it_prepares_ratings_for_either_side(self) -> None:
        ratings, _ = a_side(6, 12, 81, 4)
        rng = np.random.default_rng(1)
        bias, of_rows, of_others = rng.normal(size=20), rng.random(12), rng.random(20)
        for weights, index in ((of_rows, ratings.row), (of_others, ratings.other)):
            out = np.empty(81), np.empty(81)
            for part in ((0, 5), (5, 12)):
                prepare(ratings, part, 3.5, bias, weights, index, out)
            np.testing.assert_array_equal(out[0], ratings.value - 3.5 - bias[ratings.other])
            np.testing.assert_array_equal(out[1], weights[index])

    def test_whoever_draws_rows_is_asked_before_and_after(self) -> None:
        ratings, side = a_side(7, 200, 3000, 3)
        for n_threads in (1, 2):
            asked: list[tuple[int, int]] = []
            told: list[tuple[int, int, np.ndarray]] = []

            def before(first: int, end: int, asked: list[tuple[int, int]] = asked) -> None:
                asked.append((first, end))

            def after(first: int, end: int, rows: np.ndarray, told: list[tuple[int, int, np.ndarray]] = told) -> None:
                told.append((first, end, rows[first:end].copy()))

            drawn = Pool(n_threads).draw_rows(ratings, **side, before=before, after=after)
            self.assertEqual(sorted(asked), sorted((first, end) for first, end, _ in told))
            rows = np.concatenate([part for *_, part in sorted(told, key=lambda one: one[0])])
            self.assertEqual(rows.tobytes(), drawn.tobytes())
