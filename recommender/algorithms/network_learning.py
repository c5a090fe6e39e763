"""Learning a network to stand beside the rest, and how much it is worth there.

Its weight is chosen on validation ratings, with the network fitted on what the films were fitted on. Where it does not
help it is 0: then no network is trained for the version, nor asked.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, History
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.metrics import K, ndcg_at_k, top_k
from recommender.algorithms.network import Network, weighed
from recommender.algorithms.neural import NeuralRanker
from recommender.algorithms.neural_training import NeuralConfig, NeuralEpoch, NeuralTrainer, train_neural
from recommender.algorithms.splits import last_per_user

# The least of equals is taken. Each is 1.3 to 2 times the one before: the optimum is flat.
WEIGHTS = (0.0, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True, eq=False)
class NetworkJudge:
    """Somebody by whose validation ratings the weight is chosen. ``scores``: of the ranked films without the network,
    −inf for those that they rated, (n_ranked,). ``liked``: columns among these; ``n_liked``: with those that are not
    ranked."""

    history: History
    scores: Array
    liked: NDArray[np.intp]
    n_liked: int


@dataclass(frozen=True)
class NetworkChoice:
    """``weight`` 0: it does not help. ``n_epochs``: passes after which it had learned enough. ``ndcg``: by weight."""

    weight: float
    n_epochs: int
    ndcg: dict[float, float]


def learn_and_choose(
    config: NeuralConfig, data: Interactions, judges: Sequence[NetworkJudge], ranked: NDArray[np.intp]
) -> Generator[NeuralEpoch, None, tuple[NeuralRanker, NetworkChoice]]:
    """Yields the epochs of a network that learns from ``data``, then says how much it is worth beside the rest. Raises
    NeuralNotInstalled."""
    n_epochs = 0
    training = train_neural(config, data, last_per_user(data))
    while True:
        try:
            epoch = next(training)
        except StopIteration as end:
            ranker: NeuralRanker = end.value
            break
        n_epochs = epoch.number  # of the last one: as many as were enough
        yield epoch
    return ranker, choose_weight(ranker, judges, ranked, n_epochs)


def choose_weight(
    ranker: NeuralRanker, judges: Sequence[NetworkJudge], ranked: NDArray[np.intp], n_epochs: int
) -> NetworkChoice:
    """By NDCG@10 over the full catalogue, mean over the judges; 0 where there is none."""
    totals = np.zeros(len(WEIGHTS))
    for judge in judges:
        word, _ = weighed(ranker.scores(judge.history)[ranked], 1.0)
        for number, weight in enumerate(WEIGHTS):
            shown = top_k(judge.scores + weight * word, K)
            totals[number] += ndcg_at_k(np.isin(shown, judge.liked), judge.n_liked)
    figures = totals / max(1, len(judges))
    best = WEIGHTS[int(np.argmax(figures))]
    return NetworkChoice(best, n_epochs, dict(zip(WEIGHTS, figures.tolist(), strict=True)))


def learn(
    config: NeuralConfig, data: Interactions, choice: NetworkChoice
) -> Generator[NeuralEpoch, None, Network | None]:
    """The network of ``data``, after as many passes as were enough; None where it is worth nothing."""
    if not choice.weight:
        return None
    trainer = NeuralTrainer(config, data)
    for number in range(1, choice.n_epochs + 1):
        yield NeuralEpoch("training", number, choice.n_epochs, trainer.epoch())
    return Network(trainer.ranker(), choice.weight)
