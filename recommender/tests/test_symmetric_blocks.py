from __future__ import annotations

from unittest import mock

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms import symmetric_blocks
from recommender.algorithms.symmetric_blocks import add_product, factorize, mirror, solve_lower


def some(n: int, m: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, m)).astype(np.float32)


class SymmetricBlocksTestCase(SimpleTestCase):
    def setUp(self) -> None:
        patch = mock.patch.object(symmetric_blocks, "BLOCK", 8)
        patch.start()
        self.addCleanup(patch.stop)

    def test_products_add_up_and_the_other_half_is_their_mirror(self) -> None:
        for n in (1, 7, 8, 16, 21):
            one, other = some(12, n), some(5, n, seed=1)
            total = np.zeros((n, n), np.float32)
            for right in (one, other):
                add_product(right, to=total)
            mirror(total)
            np.testing.assert_allclose(total, one.T @ one + other.T @ other, atol=1e-5)
            np.testing.assert_array_equal(total, total.T)

    def test_the_lower_half_becomes_cholesky_s_factor(self) -> None:
        for n in (1, 8, 21):
            root = some(n, n)
            matrix = root @ root.T + np.eye(n, dtype=np.float32)
            factor = matrix.copy()
            factor[np.triu_indices(n, 8)] = np.nan  # nothing is read there
            factorize(factor)
            np.testing.assert_allclose(np.tril(factor), np.linalg.cholesky(matrix), atol=1e-4)

    def test_it_says_where_there_is_no_factor(self) -> None:
        with self.assertRaises(np.linalg.LinAlgError):
            factorize(-np.eye(20, dtype=np.float32))

    def test_solving_takes_the_factor_off(self) -> None:
        lower = np.tril(some(21, 21)) + 6 * np.eye(21, dtype=np.float32)
        for right, is_lower in ((some(21, 13), False), (np.eye(21, dtype=np.float32), True), (np.tril(lower), True)):
            solved = right.copy()
            solve_lower(lower, solved, is_lower=is_lower)
            np.testing.assert_allclose(lower @ solved, right, atol=1e-4)

    def test_a_lower_matrix_s_product_is_that_of_any(self) -> None:
        right = np.tril(some(21, 21))
        one, other = np.zeros((2, 21, 21), np.float32)
        add_product(right, to=one, is_lower=True)
        add_product(right, to=other)
        np.testing.assert_allclose(one, other, atol=1e-5)
