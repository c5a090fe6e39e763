"""A list whose films differ: each place goes to the film that is both liked and unlike those before it.

J. Carbonell, J. Goldstein: The use of MMR, diversity-based reranking for reordering documents and producing summaries,
SIGIR 1998.

What it guarantees is a place at a time: given the films before it, no other film of the pool weighs more. Hence the
first film is always the best one, the more diversity the less alike the second is to it, and with all of it each film
is the one farthest from its nearest predecessor. It does not promise that a whole list grows apart with every step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, Floats

# Variety is looked for among so many of the best films; those behind them keep their order.
POOL = 200


def maximal_marginal_relevance(relevance: Array, unit: Floats, diversity: float, k: int) -> NDArray[np.intp]:
    """Positions of ``k`` films in the order in which they are chosen; fewer where there are fewer.

    ``relevance``: (n,) finite, the best first. ``unit``: (n, d) rows of length 1. Each choice has the highest
    (1 − diversity)·relevance − diversity·(largest cosine with a chosen film), ties by position; relevance is first
    stretched to 0 … 1 over the pool, so that the weight means the same for everybody.
    """
    k = min(k, len(relevance))
    if k <= 0:
        return np.empty(0, np.intp)
    low, high = float(relevance.min()), float(relevance.max())
    gain = (1.0 - diversity) * (relevance - low) / (high - low if high > low else 1.0)
    chosen = np.empty(k, np.intp)
    nearest = np.full(len(relevance), -np.inf)  # the largest cosine with a film that is chosen
    worth = gain.copy()
    for place in range(k):
        best = chosen[place] = int(worth.argmax())
        np.maximum(nearest, unit @ unit[best], out=nearest)
        np.subtract(gain, diversity * nearest, out=worth)
        gain[best] = worth[best] = -np.inf
    return chosen
