"""Matrix factorization without its trainer: the hyper-parameters, what a training learns, and the films made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.hyperparameters import Hyperparameters, InvalidHyperparameters
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING
from recommender.algorithms.search_space import Real, SearchSpace, Whole


@dataclass(frozen=True)
class MatrixFactorizationConfig(Hyperparameters):
    n_factors: int = 50
    """Length of a film's factor vector."""
    n_epochs: int = 20
    """Passes over all ratings."""
    learning_rate: float = 0.01
    """Step size γ of the gradient descent."""
    regularization: float = 0.02
    """Weight λ of the squared length of biases and factors, for each rating."""
    init_std: float = 0.1
    """Standard deviation of the factors before the first epoch."""
    seed: int = 0
    """Same seed and data: same bytes."""

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "n_factors": (1, 512),
            "n_epochs": (1, 1000),
            "learning_rate": (1e-5, 0.5),
            "regularization": (0.0, 10.0),
            "init_std": (0.0, 1.0),
            "seed": (0, 2**31 - 1),
        }
        if errors := self.out_of_bounds(bounds, whole={"n_factors", "n_epochs", "seed"}):
            raise InvalidHyperparameters(errors)


# The dearest corner takes a quarter of a minute on 100,000 ratings with two cores, one second of it in the descent: so
# there is no hurry to stop one, and a slow and steady one is behind for long.
FACTORIZATION_SEARCH_SPACE = SearchSpace(
    {
        "n_factors": Whole(8, 128, log=True),
        "n_epochs": Whole(10, 80, step=5),
        "learning_rate": Real(0.002, 0.05, log=True),
        "regularization": Real(0.005, 0.3, log=True),
        "init_std": Real(0.003, 0.3, log=True),
    },
    comparable_from=0.8,
)


@dataclass(frozen=True, eq=False)
class Factorization:
    """What the descent learned, of films and of people. Only the films' part is ever stored."""

    global_mean: float
    user_bias: NDArray[np.float32]  # (n_users,)
    item_bias: NDArray[np.float32]  # (n_items,)
    user_factors: NDArray[np.float32]  # (n_users, n_factors)
    item_factors: NDArray[np.float32]  # (n_items, n_factors)

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float64]:
        """Predicted stars for pairs, clipped to the scale, shape of ``user``."""
        dot = np.einsum("nf,nf->n", self.user_factors[user], self.item_factors[item], dtype=np.float64)
        return np.clip(self.global_mean + self.user_bias[user] + self.item_bias[item] + dot, MIN_RATING, MAX_RATING)


def film_model(learned: Factorization, item_counts: NDArray[np.int64]) -> FilmModel:
    """The films as one sample; a person's ridge λ is the noise, and their choice of films says nothing.

    ``item_counts``: (n_items,) ratings that each film was trained on.
    """
    n_items, k = learned.item_factors.shape
    return FilmModel(
        global_mean=learned.global_mean,
        offsets=(learned.global_mean + learned.item_bias)[:, None].astype(np.float32),
        features=np.hstack([np.ones((n_items, 1), np.float32), learned.item_factors])[:, None, :],
        noise=np.ones(1),
        film_noise=np.zeros(n_items, np.float32),
        watched=np.zeros((n_items, 0), np.float32),
        watched_link=np.zeros((0, 1, k + 1), np.float32),
        item_counts=item_counts,
    )
