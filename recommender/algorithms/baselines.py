"""What every model has to beat: biases alone, the films' means, and plain popularity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, Interactions

# How many ratings at the mean are assumed of every film and person before the first real one.
DAMPING = 5.0


@dataclass(frozen=True, eq=False)
class BiasModel:
    """r̂_ui = μ + b_u + b_i with damped means (Koren 2009, section 2.1): b_i from the films, then b_u from the rest."""

    global_mean: float
    user_bias: NDArray[np.float64]  # (n_users,)
    item_bias: NDArray[np.float64]  # (n_items,)

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float64]:
        """Stars within the scale, shape of ``user``."""
        return np.clip(self.global_mean + self.user_bias[user] + self.item_bias[item], MIN_RATING, MAX_RATING)


def fit_biases(data: Interactions, damping: float = DAMPING) -> BiasModel:
    mean = float(data.value.mean(dtype=np.float64)) if len(data) else (MIN_RATING + MAX_RATING) / 2
    residual = data.value.astype(np.float64) - mean
    item_bias = np.bincount(data.item, residual, data.n_items) / (data.item_counts + damping)
    residual -= item_bias[data.item]
    user_bias = np.bincount(data.user, residual, data.n_users) / (data.user_counts + damping)
    return BiasModel(mean, user_bias, item_bias)


def item_means(data: Interactions, damping: float = DAMPING) -> NDArray[np.float64]:
    """Each film's mean in stars, drawn towards the mean of all by ``damping`` ratings, (n_items,).

    As a prediction it is the same for everybody, as a score it orders films by how well they were rated. A film
    without ratings has the mean of all.
    """
    biases = fit_biases(data, damping)
    return np.clip(biases.global_mean + biases.item_bias, MIN_RATING, MAX_RATING)


def popularity(data: Interactions) -> NDArray[np.float64]:
    """Ratings a film has, as a score, (n_items,)."""
    return data.item_counts.astype(np.float64)
