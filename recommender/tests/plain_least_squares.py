"""The least squares that an engine solves, in plain numpy: an engine for tests, and the oracle of Spark's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.alternating_least_squares import AlternatingLeastSquaresConfig, Factors, Residuals


def solved_plainly(config: AlternatingLeastSquaresConfig, left: Residuals) -> Factors:
    """Row by row and round by round."""
    first = np.random.default_rng(config.seed).standard_normal((left.n_items, config.n_factors))
    item = first / np.linalg.norm(first, axis=1, keepdims=True)
    user = np.zeros((left.n_users, config.n_factors))
    for _ in range(config.n_epochs):
        user = _regressed(left.user, left.n_users, left.item, item, left.value, config.regularization)
        item = _regressed(left.item, left.n_items, left.user, user, left.value, config.regularization)
    return Factors(user.astype(np.float32), item.astype(np.float32))


def _regressed(
    row: NDArray[np.int32],
    n_rows: int,
    other: NDArray[np.int32],
    vectors: NDArray[np.float64],
    value: NDArray[np.float32],
    regularization: float,
) -> NDArray[np.float64]:
    found = np.zeros((n_rows, vectors.shape[1]))
    for one in np.unique(row):
        mine = row == one
        x = vectors[other[mine]]
        penalty = regularization * len(x) * np.eye(x.shape[1])
        found[one] = np.linalg.solve(x.T @ x + penalty, x.T @ value[mine])
    return found
