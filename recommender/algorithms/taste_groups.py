"""People like you: groups of taste, kept as centroids and counts only, never as people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions
from recommender.algorithms.spherical_k_means import spherical_k_means

PEOPLE_PER_GROUP = 60
MAX_GROUPS = 24


@dataclass(frozen=True, eq=False)
class TasteGroups:
    """``centroids``: (n_groups, n_factors) unit vectors; ``counts``, ``sums``: (n_groups, n_items), how many people
    of the group rated each film and the sum of their stars."""

    centroids: NDArray[np.float32]
    counts: NDArray[np.int32]
    sums: NDArray[np.float32]

    def nearest(self, taste: NDArray[np.float64]) -> int:
        """The group whose centroid points most nearly the same way as a person's factors."""
        return int(np.argmax(self.centroids @ taste))


def learn_groups(
    tastes: NDArray[np.float64], data: Interactions, *, seed: int = 0, iterations: int = 30
) -> TasteGroups:
    """Spherical k-means over people's factors.

    ``tastes``: (n_users, n_factors), row u for user u of ``data``; people without a rating have zeros.
    """
    lengths = np.linalg.norm(tastes, axis=1)
    people = np.flatnonzero(lengths > 0)
    n_groups = int(np.clip(len(people) // PEOPLE_PER_GROUP, 1, MAX_GROUPS))
    k = tastes.shape[1]
    group_of = np.zeros(data.n_users, np.int64)
    centroids = np.zeros((n_groups, k))
    if len(people):
        unit = tastes[people] / lengths[people, None]
        rng = np.random.default_rng(seed)
        centroids = unit[rng.choice(len(people), n_groups, replace=False)]
        group_of[people], centroids = spherical_k_means(unit, centroids, iterations)
    cell = group_of[data.user] * data.n_items + data.item
    shape = (n_groups, data.n_items)
    return TasteGroups(
        centroids=centroids.astype(np.float32),
        counts=np.bincount(cell, minlength=n_groups * data.n_items).reshape(shape).astype(np.int32),
        sums=np.bincount(cell, data.value, n_groups * data.n_items).reshape(shape).astype(np.float32),
    )
