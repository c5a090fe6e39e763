"""A neural network's word beside the ranker's and the rating model's in the order of a list.

As theirs it is taken over the ranked films and divided by its spread, so that its weight means the same for everybody.
Unlike theirs it is no sum over the rated films: what a rating does for it is told by scoring again without that rating
(``NeuralRanker.rescored_without``), and such differences need not add up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, History
from recommender.algorithms.neural import NeuralRanker
from recommender.algorithms.score_moments import mean_and_sd

_SMALL = 1e-12


@dataclass(frozen=True, eq=False)
class Network:
    """``weight`` > 0: how much its word counts beside the ranker's."""

    ranker: NeuralRanker
    weight: float

    def word(self, history: History, films: NDArray[np.intp]) -> tuple[Array, float]:
        """What it says of ``films`` (n,): less its mean over them and of unit spread, times the weight; and what a
        difference of its own scores was multiplied by to have that."""
        return weighed(self.ranker.scores(history)[films], self.weight)


def weighed(said: Array, weight: float) -> tuple[Array, float]:
    """The same of the network's own scores of some films, (n,)."""
    mean, sd = mean_and_sd(said) if len(said) else (0.0, 0.0)
    factor = weight / sd if sd > _SMALL else 0.0
    return factor * (said - mean), factor
