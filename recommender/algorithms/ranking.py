"""The order of a list. Predicting a rating and ranking a list are different jobs, so they have different models.

A list is ordered by what the person's films say for the others (EASE), the latest rated first of all. It stands behind
one small face, ``order_scores``, so that another ranker can take its place without anything else changing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ease import ItemWeights, grades
from recommender.algorithms.film_model import Array, History

# What is left of a rating's voice when it is old.
RECENCY_FLOOR = 0.1
# Orders films that no rated film says anything for; too little to turn anything else.
POPULARITY_TIE_BREAK = 1e-6


@dataclass(frozen=True, eq=False)
class EaseRanker:
    """score_j = Σ_i g(r_i)·recency_i·B_ij over the films i that the person rated, plus a tie-break by popularity.

    recency = floor + (1 − floor)·½^(age / half-life), age counted in ratings given since. Linear in what the ratings
    say, so every score is a sum over them, but not free of their order.
    """

    weights: ItemWeights
    half_life: float  # in ratings; 0: all ratings speak alike, however old

    def strengths(self, history: History) -> Array:
        """g(r_i)·recency_i, (n,)."""
        if not self.half_life:
            return grades(history.value)
        recency = RECENCY_FLOOR + (1 - RECENCY_FLOOR) * 0.5 ** (history.age / self.half_life)
        strengths: Array = grades(history.value) * recency
        return strengths

    def order_scores(self, history: History, item_counts: NDArray[np.int64]) -> Array:
        """A score for every film, (n_items,); only its order has a meaning."""
        scores = self.weights.scores(history.item, self.strengths(history))
        return scores + self.tie_breaks(item_counts)

    def tie_breaks(self, item_counts: NDArray[np.int64]) -> Array:
        """What popularity adds to each score, (n_items,)."""
        ties: Array = POPULARITY_TIE_BREAK * np.log2(1.0 + item_counts)
        return ties

    def contributions(self, history: History, item: int) -> Array:
        """What each rated film adds to one film's score, (n,)."""
        return self.strengths(history) * self.weights.column(item, history.item)
