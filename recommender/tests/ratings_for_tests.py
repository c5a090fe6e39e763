"""Small sets of ratings whose structure is known."""

from __future__ import annotations

import numpy as np

from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.pipeline import Outcome, Pipeline

QUICK = MatrixFactorizationConfig(n_factors=8, n_epochs=15, regularization=0.05, init_std=0.05)


def two_tastes(n_users: int = 80, n_items: int = 60, density: float = 0.5, seed: int = 1) -> Interactions:
    """Half of the people love the first half of the films and dislike the second, the others the other way round."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((n_users, n_items)) < density)
    same_side = (user < n_users // 2) == (item < n_items // 2)
    stars = np.where(same_side, 4.5, 2.0) + rng.choice([-0.5, 0.0, 0.5], len(user))
    return Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        stars.astype(np.float32),
        rng.integers(0, 10**9, len(user)),
        n_users,
        n_items,
    )


def two_genres(n_items: int) -> GenreTable:
    """The first half of the films is Drama, the second Comedy."""
    membership = np.zeros((n_items, 2), np.uint8)
    membership[: n_items // 2, 0] = 1
    membership[n_items // 2 :, 1] = 1
    return GenreTable(("Drama", "Comedy"), membership)


def run_pipeline(data: Interactions, config: MatrixFactorizationConfig = QUICK) -> Outcome:
    pipeline = Pipeline(config, data, movie_ids=np.arange(1, data.n_items + 1) * 10, genres=two_genres(data.n_items))
    for _ in pipeline:
        pass
    assert pipeline.outcome is not None
    return pipeline.outcome


def small_model() -> TrainedModel:
    """A trained model of ``two_tastes()``; film j has the id 10·(j + 1)."""
    return run_pipeline(two_tastes()).model
