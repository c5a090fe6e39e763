from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms import ease, symmetric_blocks
from recommender.algorithms.ease import fit_ease, grades
from recommender.algorithms.interactions import Interactions
from recommender.tests.ratings_for_tests import two_tastes


def slow_weights(data: Interactions, regularization: float) -> np.ndarray:
    """The plain twin, straight from the formula: films × films in float64."""
    matrix = np.zeros((data.n_users, data.n_items))
    matrix[data.user, data.item] = grades(data.value)
    inverse = np.linalg.inv(matrix.T @ matrix + regularization * np.eye(data.n_items))
    weights: np.ndarray = -inverse / np.diagonal(inverse)[None, :]
    np.fill_diagonal(weights, 0)
    return weights


def dense(weights: ease.ItemWeights) -> np.ndarray:
    return np.array([weights.scores(np.array([i]), np.ones(1)) for i in range(weights.n_items)])


@contextmanager
def blocks_of(n: int) -> Iterator[None]:
    with (
        mock.patch.object(ease, "BLOCK", n),
        mock.patch.object(symmetric_blocks, "BLOCK", n),
        mock.patch.object(ease, "_PEOPLE", n),
    ):
        yield


BOTH_WAYS = {
    "more people than films": two_tastes(n_users=80, n_items=40),
    "more films than people": two_tastes(n_users=30, n_items=90),
}


class FitEaseTestCase(SimpleTestCase):
    def test_it_agrees_with_its_slow_twin_over_films_and_over_people(self) -> None:
        for name, data in BOTH_WAYS.items():
            with self.subTest(name):
                np.testing.assert_allclose(dense(fit_ease(data, 5.0)), slow_weights(data, 5.0), atol=2e-4)

    def test_it_works_in_blocks(self) -> None:
        for name, data in BOTH_WAYS.items():
            whole = dense(fit_ease(data, 5.0))
            for block in (7, 10):
                with self.subTest(name, block=block), blocks_of(block):
                    np.testing.assert_allclose(dense(fit_ease(data, 5.0)), whole, atol=1e-5)

    def test_it_gives_the_same_bytes_on_any_number_of_threads(self) -> None:
        for name, data in BOTH_WAYS.items():
            with self.subTest(name), blocks_of(7):
                fitted = []
                for n_threads in (1, 2, 5):
                    with mock.patch("os.sched_getaffinity", return_value=set(range(n_threads))):
                        fitted.append(fit_ease(data, 5.0).values.tobytes())
                self.assertEqual(len(set(fitted)), 1)

    def test_it_keeps_the_largest_weights_of_each_film(self) -> None:
        data = two_tastes()
        with mock.patch.object(ease, "MIN_NEIGHBOURS", 2):
            few = dense(fit_ease(data, 5.0, max_bytes=8 * 6 * data.n_items))
        all_of_them = slow_weights(data, 5.0)
        self.assertEqual(int((few != 0).sum(axis=0).max()), 6)
        for film in range(data.n_items):
            kept = np.flatnonzero(few[:, film])
            strongest = np.argsort(-np.abs(all_of_them[:, film]))[:6]
            self.assertEqual(set(kept), set(strongest))

    def test_it_keeps_some_weights_of_each_film_however_many_films_share_the_memory(self) -> None:
        with mock.patch.object(ease, "MIN_NEIGHBOURS", 3):
            self.assertEqual(int((dense(fit_ease(two_tastes(), 5.0, max_bytes=8)) != 0).sum(axis=0).max()), 3)

    def test_it_leaves_films_out_that_hardly_anybody_rated(self) -> None:
        data = two_tastes()
        keep = np.setdiff1d(np.arange(len(data)), np.flatnonzero(data.item == 7)[2:])
        weights = dense(fit_ease(data.take(keep), 5.0))
        self.assertEqual(float(np.abs(weights[7]).sum() + np.abs(weights[:, 7]).sum()), 0.0)

    def test_it_stays_within_its_bound_of_films(self) -> None:
        with mock.patch.object(ease, "MAX_FILMS", 10):
            weights = dense(fit_ease(two_tastes(), 5.0))
        self.assertEqual(int((np.abs(weights).sum(axis=0) > 0).sum()), 10)

    def test_it_is_empty_for_a_set_without_enough_ratings(self) -> None:
        data = two_tastes(n_users=2, n_items=5)
        self.assertEqual(len(fit_ease(data, 5.0).values), 0)

    def test_it_reads_half_stars_between_whole_ones(self) -> None:
        stars = np.array([0.5, 1, 1.5, 3, 3.5, 4.5, 5])
        np.testing.assert_allclose(grades(stars), [0.1, 0.1, 0.15, 0.5, 0.75, 1.15, 1.3])

    def test_it_finds_single_weights(self) -> None:
        data = two_tastes()
        few = np.flatnonzero(data.item == 7)[2:]  # too few raters for weights
        weights = fit_ease(data.take(np.setdiff1d(np.arange(len(data)), few)), 5.0, max_bytes=0)
        everything = dense(weights)
        sources = np.arange(weights.n_items)
        for most in (0, ease.MAX_DENSE_BYTES):
            with mock.patch.object(ease, "MAX_DENSE_BYTES", most):
                found = replace(weights)
                for target in (0, 7, 17, 59):
                    np.testing.assert_array_equal(found.column(target, sources), everything[:, target])

    def test_it_adds_up_the_same_from_a_square_matrix_and_from_the_sparse_weights(self) -> None:
        data = two_tastes()
        few = np.flatnonzero(data.item == 7)[2:]
        weights = fit_ease(data.take(np.setdiff1d(np.arange(len(data)), few)), 5.0)
        items, strengths = np.array([3, 7, 40, 59, *range(10, 35)]), np.linspace(0.1, 1.3, 29)
        square = weights.scores(items, strengths)
        with mock.patch.object(ease, "MAX_DENSE_BYTES", 0):
            sparse = replace(weights).scores(items, strengths)
        np.testing.assert_allclose(square, sparse, atol=1e-12)
        self.assertTrue(square.any())
        self.assertFalse(weights.scores(np.array([7]), np.ones(1)).any())
