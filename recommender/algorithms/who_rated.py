"""Who rated what, whatever they thought of it, as numbers for the priors of films and of people.

It is a matrix of people by films, far too wide; its leading singular vectors stand for it. Importing this module brings
the compiler along, so only processes that train do.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions

Array = NDArray[np.float64]


@numba.njit(nogil=True, cache=True)
def _multiply(starts, column, scale, dense, out):  # type: ignore[no-untyped-def]
    for row in range(len(starts) - 1):
        for t in range(starts[row], starts[row + 1]):
            out[row] += scale[t] * dense[column[t]]


class _Incidence:
    """The sparse matrix that has ``scale`` wherever row and column meet in a rating."""

    def __init__(self, row: NDArray[np.int32], column: NDArray[np.int32], scale: Array, n_rows: int, n_columns: int):
        self.shape = (n_rows, n_columns)
        self._by_row = self._side(row, column, scale, n_rows)
        self._by_column = self._side(column, row, scale, n_columns)

    @staticmethod
    def _side(
        row: NDArray[np.int32], column: NDArray[np.int32], scale: Array, n_rows: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], Array]:
        order = np.argsort(row, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n_rows))]).astype(np.int64)
        return starts, column[order], scale[order]

    def dot(self, dense: Array) -> Array:
        out = np.zeros((self.shape[0], dense.shape[1]))
        _multiply(*self._by_row, dense, out)
        return out

    def transposed_dot(self, dense: Array) -> Array:
        out = np.zeros((self.shape[1], dense.shape[1]))
        _multiply(*self._by_column, dense, out)
        return out


def _leading_right_vectors(matrix: _Incidence, rank: int, rng: np.random.Generator) -> Array:
    """The ``rank`` leading right singular vectors, (n_columns, rank), fewer if the matrix is smaller.

    Randomized subspace iteration: Halko, Martinsson & Tropp 2011, algorithms 4.4 and 5.1.
    """
    rank = min(rank, *matrix.shape)
    width = min(rank + 10, *matrix.shape)
    basis = rng.standard_normal((matrix.shape[1], width))
    for _ in range(6):
        basis, _ = np.linalg.qr(matrix.transposed_dot(matrix.dot(basis)))
    # A basis of the row space is found; the singular vectors lie within it.
    values, vectors = np.linalg.eigh(_gram(matrix.dot(basis)))
    return basis @ vectors[:, np.argsort(-values)[:rank]]


def _gram(matrix: Array) -> Array:
    return matrix.T @ matrix


def rated_set_vectors(data: Interactions, rank: int, rng: np.random.Generator) -> Array:
    """φ, (n_items, rank): what having watched each film says of a person, who is n^-½ Σ φ_i over their n films.

    The scaling by n^-½ is that of SVD++ (Koren 2008).
    """
    if not len(data):
        return np.zeros((data.n_items, 0))
    scale = np.maximum(data.user_counts, 1) ** -0.5
    matrix = _Incidence(data.user, data.item, scale[data.user], data.n_users, data.n_items)
    return _leading_right_vectors(matrix, rank, rng)


def rated_set_features(data: Interactions, vectors: Array) -> Array:
    """n_u^-½ Σ φ_i for each person, (n_users, rank)."""
    scale = np.maximum(data.user_counts, 1) ** -0.5
    return _Incidence(data.user, data.item, scale[data.user], data.n_users, data.n_items).dot(vectors)


def who_rated_features(data: Interactions, rank: int, rng: np.random.Generator) -> Array:
    """The same of films, by the people who rated them, (n_items, rank)."""
    if not len(data):
        return np.zeros((data.n_items, 0))
    scale = np.maximum(data.item_counts, 1) ** -0.5
    matrix = _Incidence(data.item, data.user, scale[data.item], data.n_items, data.n_users)
    return matrix.dot(_leading_right_vectors(matrix, rank, rng))
