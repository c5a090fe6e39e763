"""Biased matrix factorization by alternating least squares, with the least squares left to somebody else.

    r̂_ui = μ + b_u + b_i + p_u·q_i,   p and q minimize  Σ (r_ui − r̂_ui)² + λ Σ_u n_u|p_u|² + λ Σ_i n_i|q_i|²

Each side is a ridge regression on the other, whose rows need not know of each other: that is what spreads over many
machines. λ weighs by the number of ratings, which is what the descent of ``matrix_factorization`` does as well.

Y. Zhou, D. Wilkinson, R. Schreiber, R. Pan: Large-scale Parallel Collaborative Filtering for the Netflix Prize, AAIM
2008. The biases, and all that a version is made of, are ours; the factors of what the biases leave are found by an
engine that is handed in, so that nothing in here knows of clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.factorization import Factorization, film_model
from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.hyperparameters import Hyperparameters, InvalidHyperparameters
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.search_space import Real, SearchSpace, Whole
from recommender.algorithms.trainer import Epoch
from recommender.algorithms.uncertainty import film_variance

# Ratings at the mean that are assumed of every film and person before the first real one.
DAMPING = 3.0
_ROUNDS = 10
_ROWS_AT_A_TIME = 100_000


@dataclass(frozen=True)
class AlternatingLeastSquaresConfig(Hyperparameters):
    n_factors: int = 50
    """Length of a film's factor vector."""
    n_epochs: int = 10
    """Rounds; each solves all people, then all films."""
    regularization: float = 0.15
    """Weight λ of the squared length of factors, for each rating."""
    seed: int = 0
    """Of the factors before the first round."""
    engine: str = "spark"
    """Who solves the least squares."""

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "n_factors": (1, 512),
            "n_epochs": (1, 100),
            "regularization": (1e-6, 10.0),
            "seed": (0, 2**31 - 1),
        }
        errors = self.out_of_bounds(bounds, whole={"n_factors", "n_epochs", "seed"})
        if self.engine != "spark":
            errors["engine"] = "must be spark"
        if errors:
            raise InvalidHyperparameters(errors)


ALTERNATING_SEARCH_SPACE = SearchSpace(
    {
        "n_factors": Whole(8, 128, log=True),
        "n_epochs": Whole(5, 20),
        "regularization": Real(0.02, 0.5, log=True),
    },
    comparable_from=0.8,
)


@dataclass(frozen=True, eq=False)
class Residuals:
    """What the biases leave of n ratings, in coordinate form."""

    user: NDArray[np.int32]  # (n,)
    item: NDArray[np.int32]  # (n,)
    value: NDArray[np.float32]  # (n,) stars
    n_users: int
    n_items: int


@dataclass(frozen=True, eq=False)
class Factors:
    user: NDArray[np.float32]  # (n_users, n_factors), zeros for who has no rating
    item: NDArray[np.float32]  # (n_items, n_factors), likewise


Engine = Callable[[AlternatingLeastSquaresConfig, Residuals], Factors]


def ridge_biases(data: Interactions) -> tuple[float, NDArray[np.float32], NDArray[np.float32]]:
    """μ, b_u (n_users,) and b_i (n_items,): all of them together in one ridge regression, solved round by round."""
    mean = float(data.value.mean(dtype=np.float64))
    centred = data.value.astype(np.float64) - mean
    user_bias, item_bias = np.zeros(data.n_users), np.zeros(data.n_items)
    for _ in range(_ROUNDS):
        left = np.bincount(data.item, centred - user_bias[data.user], data.n_items)
        item_bias = left / (data.item_counts + DAMPING)
        left = np.bincount(data.user, centred - item_bias[data.item], data.n_users)
        user_bias = left / (data.user_counts + DAMPING)
    return mean, user_bias.astype(np.float32), item_bias.astype(np.float32)


class AlternatingLeastSquaresTrainer:
    """Biases by ourselves, factors by the ``engine``. It says nothing between its rounds: all of them are one step."""

    def __init__(self, config: AlternatingLeastSquaresConfig, data: Interactions, engine: Engine) -> None:
        if not len(data):
            raise ValueError("there is no rating to learn from")
        self.config = config
        self.data = data
        self._engine = engine
        self._learned: Factorization | None = None

    def epochs(self, held_out: Interactions | None = None) -> Iterator[Epoch]:
        """All rounds as one, with the RMSE of the learned vectors on ``held_out``."""
        if self._learned is not None:
            return
        data = self.data
        mean, user_bias, item_bias = ridge_biases(data)
        left = data.value - np.float32(mean) - user_bias[data.user] - item_bias[data.item]
        factors = self._engine(
            self.config, Residuals(data.user, data.item, left.astype(np.float32), data.n_users, data.n_items)
        )
        self._learned = Factorization(mean, user_bias, item_bias, factors.user, factors.item)
        held_out_rmse = self._rmse(held_out) if held_out is not None and len(held_out) else None
        yield Epoch(self.config.n_epochs, self._rmse(data), held_out_rmse)

    def _rmse(self, data: Interactions) -> float:
        learned, total = self.result(), 0.0
        for start in range(0, len(data), _ROWS_AT_A_TIME):  # each row brings two vectors along
            rows = slice(start, start + _ROWS_AT_A_TIME)
            error = learned.predict(data.user[rows], data.item[rows]) - data.value[rows]
            total += float(np.square(error).sum())
        return float(np.sqrt(total / len(data)))

    def result(self) -> Factorization:
        """Raises ValueError before ``epochs`` has run."""
        if self._learned is None:
            raise ValueError("nothing has been learned yet")
        return self._learned

    def films(self) -> FilmModel:
        return film_model(self.result(), self.data.item_counts)

    def film_variance(self) -> NDArray[np.float64]:
        """What is not known of each film, in stars², (n_items,)."""
        return film_variance(self.result(), self.data, seed=self.config.seed)
