"""The order of a list. Predicting a rating and ranking a list are different jobs.

This ranker orders by predicted rating, shrunken towards the person's own level by how few people rated the film, with
a bonus for popularity. It stands behind one small face (``order_scores``), so that a model trained for ranking can
take its place without anything else changing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Person


@dataclass(frozen=True, eq=False)
class ShrunkRatingRanker:
    """score_j = m + n_j/(n_j + κ)·(s_j − m) + β·log2(1 + n_j), where s_j is the person's unclipped predicted rating,
    m = μ + x̄·w their rating of an average film and n_j how many people rated film j in training.

    Linear in the person's ratings as s_j is.
    """

    shrinkage: float  # κ, in ratings
    popularity_weight: float  # β, in stars for each doubling of the ratings

    def order_scores(self, person: Person) -> NDArray[np.float64]:
        """A score for every film, (n_items,); only its order has a meaning."""
        counts = person.model.item_counts
        level = person.model.global_mean + person.level
        return self.blend(person.raw_scores(), level, counts, np.log2(1.0 + counts))

    def blend(
        self,
        raw_scores: NDArray[np.float64],
        level: float,
        counts: NDArray[np.int64],
        log_counts: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """The formula alone, for those who try many settings on the same scores. All arrays: (n_items,)."""
        # A film that nobody rated is as little trusted as can be, whatever κ is.
        trust = counts / np.maximum(counts + self.shrinkage, 1.0)
        scores: NDArray[np.float64] = level + trust * (raw_scores - level)
        return scores + self.popularity_weight * log_counts
