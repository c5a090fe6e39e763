"""Biased matrix factorization by stochastic gradient descent.

    r̂_ui = μ + b_u + b_i + p_u·q_i

Y. Koren, R. Bell, C. Volinsky: Matrix Factorization Techniques for Recommender Systems, IEEE Computer 42(8), 2009.
This is the trainer, thrown away after use; its settings and what it learned are in ``factorization``. Importing this
module brings the compiler along, so only processes that train do.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.factorization import Factorization, MatrixFactorizationConfig
from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.sgd_kernel import make_rows, n_blocks, sgd_epoch, shuffled
from recommender.algorithms.trainer import Epoch
from recommender.algorithms.uncertainty import film_variance


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
        self.data = data
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
        """One pass over all ratings, each error taken before its own update. Raises Diverged when a number stops being
        finite."""
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

    def epochs(self, held_out: Interactions | None = None) -> Iterator[Epoch]:
        """The epochs still to run, each as it is done, with the RMSE of the learned vectors on ``held_out``."""
        while self.n_epochs_done < self.config.n_epochs:
            epoch = self.train_epoch()
            if held_out is None or not len(held_out):
                yield epoch
                continue
            error = self.result().predict(held_out.user, held_out.item) - held_out.value
            yield Epoch(epoch.number, epoch.train_rmse, float(np.sqrt(np.mean(np.square(error)))))

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

    def films(self) -> FilmModel:
        """The films as one sample; a person's ridge λ is the noise, and their choice of films says nothing."""
        learned = self.result()
        n_items, k = learned.item_factors.shape
        return FilmModel(
            global_mean=learned.global_mean,
            offsets=(learned.global_mean + learned.item_bias)[:, None].astype(np.float32),
            features=np.hstack([np.ones((n_items, 1), np.float32), learned.item_factors])[:, None, :],
            noise=np.ones(1),
            film_noise=np.zeros(n_items, np.float32),
            watched=np.zeros((n_items, 0), np.float32),
            watched_link=np.zeros((0, 1, k + 1), np.float32),
            item_counts=self.data.item_counts,
        )

    def film_variance(self) -> NDArray[np.float64]:
        """What is not known of each film, in stars², (n_items,)."""
        return film_variance(self.result(), self.data, seed=self.config.seed)


def fit(config: MatrixFactorizationConfig, data: Interactions) -> Factorization:
    """All epochs at once."""
    trainer = MatrixFactorizationTrainer(config, data)
    for _ in trainer.epochs():
        pass
    return trainer.result()
