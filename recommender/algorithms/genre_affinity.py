"""Which genres a person likes, and how well a film matches them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, History

# Ratings at the person's own mean that are assumed of each genre before the first real one.
DAMPING = 3.0


@dataclass(frozen=True, eq=False)
class GenreTable:
    """``membership``: (n_items, n_genres) 0 or 1, columns named by ``names``."""

    names: tuple[str, ...]
    membership: NDArray[np.uint8]

    def affinity(self, history: History) -> Array:
        """How much higher than their own mean the person rates each genre, in stars, damped, (n_genres,)."""
        if not len(history):
            return np.zeros(len(self.names))
        rated = self.membership[history.item].astype(np.float64)
        above: Array = (history.value - history.value.mean()) @ rated / (rated.sum(axis=0) + DAMPING)
        return above

    def row_of(self, names: list[str]) -> NDArray[np.uint8]:
        """The membership of any film with genres of these ``names``; those that the version does not know are left
        out."""
        return np.array([name in names for name in self.names], dtype=np.uint8)

    def match(self, history: History, membership: NDArray[np.uint8]) -> float | None:
        """Percentile, from 0 to 1, of the person's affinity to a film's genres among all films that have genres.

        ``membership``: (n_genres,). The affinity to a film is the mean over its genres. None for a film without
        genres or an empty history.
        """
        n_genres = self.membership.sum(axis=1)
        if not len(history) or not membership.any():
            return None
        affinity = self.affinity(history)
        by_film = self.membership @ affinity / np.maximum(n_genres, 1)
        others = by_film[n_genres > 0]
        mine = float(membership @ affinity) / int(membership.sum())
        # Half of the ties count as below: films of the same genres have the same affinity.
        return float((np.count_nonzero(others < mine) + np.count_nonzero(others <= mine)) / (2 * len(others)))
