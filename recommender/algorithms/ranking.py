"""The ranker: what a person's films say for the others (EASE), the latest rated first of all.

It stands behind one small face, ``scores`` and ``contributions``, so that another can take its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ease import ItemWeights, grades
from recommender.algorithms.film_model import Array, History

# What is left of a rating's voice when it is old.
RECENCY_FLOOR = 0.1


@dataclass(frozen=True, eq=False)
class EaseRanker:
    """score_j = Σ_i g(r_i)·recency_i·B_ij over the films i that the person rated.

    recency = floor + (1 − floor)·½^(age / half-life), age counted in ratings given since. Linear in what the ratings
    say, so every score is a sum over them, but not free of their order.
    """

    weights: ItemWeights
    half_life: float  # in ratings; 0: all ratings speak alike, however old

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which films it has weights for, (n_items,)."""
        known = np.zeros(self.weights.n_items, np.bool_)
        known[self.weights.targets] = True
        return known

    @cached_property
    def known_films(self) -> NDArray[np.intp]:
        """Their rows, ascending."""
        return np.flatnonzero(self.known)

    def strengths(self, history: History) -> Array:
        """g(r_i)·recency_i, (n,)."""
        if not self.half_life:
            return grades(history.value)
        recency = RECENCY_FLOOR + (1 - RECENCY_FLOOR) * 0.5 ** (history.age / self.half_life)
        strengths: Array = grades(history.value) * recency
        return strengths

    def scores(self, history: History) -> Array:
        """A score for every film, (n_items,), 0 for those that it does not know."""
        return self.weights.scores(history.item, self.strengths(history))

    def contributions(self, history: History, item: int) -> Array:
        """What each rated film adds to one film's score, (n,)."""
        return self.strengths(history) * self.weights.column(item, history.item)
