"""Biased matrix factorization by stochastic gradient descent.

    r̂_ui = μ + b_u + b_i + p_u·q_i

Y. Koren, R. Bell, C. Volinsky: Matrix Factorization Techniques for Recommender Systems, IEEE Computer 42(8), 2009.
This is the trainer, thrown away after use; its settings and what it learned are in ``factorization``. Importing this
module brings the compiler along, so only processes that train do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.factorization import Factorization, MatrixFactorizationConfig, film_model
from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.rating_grid import rating_grid
from recommender.algorithms.sgd_kernel import Rows, make_empty_rows, n_blocks, sgd_epoch
from recommender.algorithms.trainer import Epoch
from recommender.algorithms.uncertainty import film_variance

_ROWS_AT_A_TIME = 4096


class Diverged(ArithmeticError):
    """The descent ran away to infinity; a smaller learning rate helps."""


class MatrixFactorizationTrainer:
    """Runs the epochs. After each of them the state is a usable model.

    Films without a rating keep zero bias and zero factors, so that they are predicted by what is known of the person.
    """

    def __init__(self, config: MatrixFactorizationConfig, data: Interactions, *, n_threads: int | None = None) -> None:
        """``n_threads``: as many as there are cores, unless said; their number changes no bit of the result."""
        if not len(data):
            raise ValueError("there is no rating to learn from")
        self.config = config
        self.data = data
        self._rng = np.random.default_rng(config.seed)
        self._grid = rating_grid(data, self._rng)
        self._global_mean = float(data.value.mean(dtype=np.float64))
        self._users = self._initial_rows(data.user_counts, self._grid.user_row, bias_column=0)
        self._items = self._initial_rows(data.item_counts, self._grid.item_row, bias_column=1)
        self._kernel = sgd_epoch(config.n_factors)
        self.n_epochs_done = 0
        n_threads = min(n_threads or len(os.sched_getaffinity(0)), self._grid.n_groups)
        self._executor = ThreadPoolExecutor(n_threads) if n_threads > 1 else None

    def _initial_rows(self, counts: NDArray[np.int64], place: NDArray[np.int32], *, bias_column: int) -> Rows:
        k = self.config.n_factors
        rows = make_empty_rows(len(counts), k, bias_column=bias_column)
        seen = place[counts > 0]
        # Not all at once: there may be as many people as fit into memory once.
        for start in range(0, len(seen), _ROWS_AT_A_TIME):
            some = seen[start : start + _ROWS_AT_A_TIME]
            drawn = self._rng.standard_normal((len(some), k), dtype=np.float32)
            rows[some, :k] = np.float32(self.config.init_std) * drawn
        return rows

    def train_epoch(self) -> Epoch:
        """One pass over all ratings, each error taken before its own update. Raises Diverged when a number stops being
        finite."""
        g = self._grid.n_groups
        loss = 0.0
        for cells in self._grid.rounds(int(self._rng.integers(g)) if g > 1 else 0):
            # Drawn here, so that it does not matter which thread is the first.
            orders = [self._rng.permutation(n_blocks(self._size(cell))) for cell in cells]
            if self._executor is None:
                loss += sum(map(self._work, cells, orders))
            else:
                loss += sum(self._executor.map(self._work, cells, orders))
        if not np.isfinite(loss):
            raise Diverged("The training diverged. Choose a smaller learning rate.")
        self.n_epochs_done += 1
        return Epoch(number=self.n_epochs_done, train_rmse=float(np.sqrt(loss / len(self.data))))

    def _size(self, cell: int) -> int:
        return int(self._grid.starts[cell + 1] - self._grid.starts[cell])

    def _work(self, cell: int, blocks: NDArray[np.int64]) -> float:
        """One pass over the ratings of a cell, in the order of ``blocks``; their squared errors."""
        grid = self._grid
        return self._kernel(
            grid.user,
            grid.item,
            grid.value,
            grid.starts[cell],
            grid.starts[cell + 1],
            blocks,
            np.float32(self._global_mean),
            self._users,
            self._items,
            np.float32(self.config.learning_rate),
            np.float32(self.config.regularization),
        )

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
        user, item = self._grid.user_row, self._grid.item_row
        return Factorization(
            global_mean=self._global_mean,
            user_bias=self._users[user, k],
            item_bias=self._items[item, k + 1],
            user_factors=self._users[user, :k],
            item_factors=self._items[item, :k],
        )

    def films(self) -> FilmModel:
        return film_model(self.result(), self.data.item_counts)

    def film_variance(self) -> NDArray[np.float64]:
        """What is not known of each film, in stars², (n_items,)."""
        return film_variance(self.result(), self.data, seed=self.config.seed)


def fit(config: MatrixFactorizationConfig, data: Interactions) -> Factorization:
    """All epochs at once."""
    trainer = MatrixFactorizationTrainer(config, data)
    for _ in trainer.epochs():
        pass
    return trainer.result()
