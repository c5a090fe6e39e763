"""Groups of directions: spherical k-means (Dhillon & Modha 2001)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def spherical_k_means(unit: NDArray[Any], centroids: NDArray[Any], iterations: int) -> tuple[NDArray[np.int64], Array]:
    """Lloyd's iterations from the given start: the group of each row, (n,), and the unit centroids, (k, d).

    ``unit``: (n, d) rows of length one. ``centroids``: (k, d). A group that loses all of its rows keeps its centroid.
    """
    assigned = np.zeros(len(unit), np.int64)
    for _ in range(iterations):
        chosen = (unit @ centroids.T).argmax(axis=1)
        if (chosen == assigned).all():
            break
        assigned = chosen
        sums = np.zeros_like(centroids)
        np.add.at(sums, assigned, unit)
        norms = np.linalg.norm(sums, axis=1)
        centroids = np.where(norms[:, None] > 0, sums / np.maximum(norms, 1e-12)[:, None], centroids)
    return (unit @ centroids.T).argmax(axis=1), centroids


def spread_start(unit: Array, n_groups: int, rng: np.random.Generator) -> Array:
    """Rows far from one another to begin with, (n_groups, d): k-means++ (Arthur & Vassilvitskii 2007), with 1 − cosine
    in the place of squared distance. At most as many as there are distinct rows."""
    chosen = [int(rng.integers(len(unit)))]
    for _ in range(n_groups - 1):
        away = np.maximum(1.0 - (unit @ unit[chosen].T).max(axis=1), 0.0)
        away[away < 1e-9] = 0.0
        if not away.any():
            break
        chosen.append(int(rng.choice(len(unit), p=away / away.sum())))
    return unit[chosen]
