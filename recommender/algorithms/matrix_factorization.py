"""Biased matrix factorization by stochastic gradient descent.

    r̂_ui = μ + b_u + b_i + p_u·q_i

Y. Koren, R. Bell, C. Volinsky: Matrix Factorization Techniques for Recommender Systems, IEEE Computer 42(8), 2009.
Three objects with three lives: the hyper-parameters, the trainer (thrown away) and what it learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, Interactions
from recommender.algorithms.sgd_kernel import make_rows, n_blocks, sgd_epoch, shuffled


class InvalidHyperparameters(ValueError):
    """``errors`` maps the name of a hyper-parameter to what is wrong with it."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {error}" for name, error in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class MatrixFactorizationConfig:
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
        errors: dict[str, str] = {}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            whole = name in {"n_factors", "n_epochs", "seed"}
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                errors[name] = "must be a whole number" if whole else "must be a number"
            elif not low <= value <= high:  # also refuses NaN
                errors[name] = f"must be from {low:g} to {high:g}"
        if errors:
            raise InvalidHyperparameters(errors)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> MatrixFactorizationConfig:
        """Raises InvalidHyperparameters for unknown names and for values out of bounds."""
        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise InvalidHyperparameters(dict.fromkeys(sorted(unknown), "unknown hyper-parameter"))
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


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


@dataclass(frozen=True)
class Epoch:
    number: int  # from 1
    train_rmse: float  # over the pass, each error taken before its own update


class Diverged(ArithmeticError):
    """The descent ran away to infinity; a smaller learning rate helps."""


class MatrixFactorizationTrainer:
    """Runs the epochs. After each of them the state is a usable model.

    Films without a rating keep zero bias and zero factors, so that they are predicted by what is known of the person.
    """

    def __init__(self, config: MatrixFactorizationConfig, data: Interactions) -> None:
        if not len(data):
            raise ValueError("there is no rating to learn from")
        self.config = config
        self._rng = np.random.default_rng(config.seed)
        order = self._rng.permutation(len(data))
        self._user = shuffled(data.user, order)
        self._item = shuffled(data.item, order)
        self._value = shuffled(data.value, order)
        self._global_mean = float(data.value.mean(dtype=np.float64))
        self._users = make_rows(self._initial(data.user_counts), bias_column=0)
        self._items = make_rows(self._initial(data.item_counts), bias_column=1)
        self._kernel = sgd_epoch(config.n_factors)
        self.n_epochs_done = 0

    def _initial(self, counts: NDArray[np.int64]) -> NDArray[np.float32]:
        k = self.config.n_factors
        factors = np.zeros((len(counts), k), np.float32)
        seen = counts > 0
        drawn = self._rng.standard_normal((int(seen.sum()), k), dtype=np.float32)
        factors[seen] = np.float32(self.config.init_std) * drawn
        return factors

    def train_epoch(self) -> Epoch:
        """One pass over all ratings. Raises Diverged when a number stops being finite."""
        loss = self._kernel(
            self._user,
            self._item,
            self._value,
            self._rng.permutation(n_blocks(len(self._user))),
            np.float32(self._global_mean),
            self._users,
            self._items,
            np.float32(self.config.learning_rate),
            np.float32(self.config.regularization),
        )
        if not np.isfinite(loss):
            raise Diverged("The training diverged. Choose a smaller learning rate.")
        self.n_epochs_done += 1
        return Epoch(number=self.n_epochs_done, train_rmse=float(np.sqrt(loss / len(self._user))))

    def epochs(self) -> Iterator[Epoch]:
        """The epochs still to run, each as it is done."""
        while self.n_epochs_done < self.config.n_epochs:
            yield self.train_epoch()

    def result(self) -> Factorization:
        """A copy of the present state, taken apart into biases and factors."""
        k = self.config.n_factors
        return Factorization(
            global_mean=self._global_mean,
            user_bias=self._users[:, k].copy(),
            item_bias=self._items[:, k + 1].copy(),
            user_factors=self._users[:, :k].copy(),
            item_factors=self._items[:, :k].copy(),
        )


def fit(config: MatrixFactorizationConfig, data: Interactions) -> Factorization:
    """All epochs at once."""
    trainer = MatrixFactorizationTrainer(config, data)
    for _ in trainer.epochs():
        pass
    return trainer.result()
