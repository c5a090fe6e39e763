"""Nanoseconds for one rating update of the SGD kernel at 50 factors: ours on one thread and on two, beside Surprise's
and LIBMF's where they are installed, with the same settings, in turns."""

from __future__ import annotations

import importlib.util
import io
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import second_core
from benchmarks.made_ratings import Shape, interactions
from benchmarks.rounds import in_turn
from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.matrix_factorization import MatrixFactorizationTrainer

N_FACTORS, LEARNING_RATE, REGULARIZATION = 50, 0.01, 0.02
# As many as a training has: what is done once for all of them is shared out over these, and ours runs them all, so that
# what the others leave in the caches, and a thread's waking up, weigh as much as in a training.
PRESET_EPOCHS = MatrixFactorizationConfig().n_epochs
EPOCHS = 4  # of the others, beyond a first one that is not counted
# vbroadcastss into 256 bits, which LIBMF's SGD does for every rating where it was built with AVX.
_AVX_BROADCAST = b"\xc4\xe2\x7d\x18"

Timed = Callable[[], float]  # nanoseconds for an update


def measure(*, quick: bool) -> dict[str, Any]:
    """For each size, the median nanoseconds of each contestant, what two threads gain, and what the order costs."""
    sizes = {"ml-100k": 100_000} if quick else {"ml-100k": 100_000, "ml-1m": 1_000_000}
    return {name: _of_size(interactions(Shape(n)), rounds=3 if quick else 7) for name, n in sizes.items()}


def _of_size(data: Interactions, rounds: int) -> dict[str, Any]:
    contestants: dict[str, Timed] = {"ours, 1 thread": _Ours(data, 1), "ours, 2 threads": _Ours(data, 2)}
    for name, maker in (("Surprise SVD", _surprise), ("LIBMF", _libmf)):
        if (timed := maker(data)) is not None:
            contestants[name] = timed
    contestants["order"] = lambda: _order_costs(data)
    contestants["order"]()  # compiles
    times = in_turn(contestants | second_core.contestants(), rounds)
    machine = second_core.gain(times)
    order = float(np.median(times.pop("order")))
    ours = np.array(times["ours, 1 thread"])
    return {
        "ratings": len(data),
        "ns_per_update": {name: round(float(np.median(taken)), 2) for name, taken in times.items()},
        "ns_per_update_best": {name: round(min(taken), 2) for name, taken in times.items()},
        # Round by round, so that both had the same machine.
        "times_ours": {name: round(float(np.median(np.array(taken) / ours)), 3) for name, taken in times.items()},
        "faster_with_two": round(float(np.median(ours / np.array(times["ours, 2 threads"]))), 3),
        "machine_with_two": machine,
        "order_ns_per_rating": round(order, 2),
        "order_of_kernel": round(order / (PRESET_EPOCHS * float(np.median(ours))), 4),
        "libmf_uses_avx": libmf_uses_avx() if "LIBMF" in times else None,
    }


class _Ours:
    """A trainer that goes on and on: an update costs the same in every epoch."""

    def __init__(self, data: Interactions, n_threads: int) -> None:
        config = MatrixFactorizationConfig(
            n_factors=N_FACTORS, learning_rate=LEARNING_RATE, regularization=REGULARIZATION
        )
        self._trainer = MatrixFactorizationTrainer(config, data, n_threads=n_threads)
        self._trainer.train_epoch()  # compiles the kernel
        self._n = len(data)

    def __call__(self) -> float:
        started = time.perf_counter()
        for _ in range(PRESET_EPOCHS):
            self._trainer.train_epoch()
        return (time.perf_counter() - started) / (PRESET_EPOCHS * self._n) * 1e9


def _order_costs(data: Interactions) -> float:
    """Nanoseconds a rating to shuffle, divide and gather them, which is done once for all epochs."""
    from recommender.algorithms.rating_grid import rating_grid

    started = time.perf_counter()
    rating_grid(data, np.random.default_rng(0))
    return (time.perf_counter() - started) / len(data) * 1e9


def _surprise(data: Interactions) -> Timed | None:
    try:
        from surprise import SVD, Trainset
    except ImportError:
        return None
    by_user: dict[int, list[tuple[int, float]]] = {user: [] for user in range(data.n_users)}
    by_item: dict[int, list[tuple[int, float]]] = {item: [] for item in range(data.n_items)}
    for user, item, value in zip(data.user.tolist(), data.item.tolist(), data.value.tolist(), strict=True):
        by_user[user].append((item, value))
        by_item[item].append((user, value))
    users, items = dict(enumerate(range(data.n_users))), dict(enumerate(range(data.n_items)))
    trainset = Trainset(by_user, by_item, data.n_users, data.n_items, len(data), (0.5, 5), users, items)

    def seconds(n_epochs: int) -> float:
        model = SVD(
            n_factors=N_FACTORS, n_epochs=n_epochs, lr_all=LEARNING_RATE, reg_all=REGULARIZATION, random_state=0
        )
        np.random.seed(0)  # noqa: NPY002 - Surprise draws from the global generator
        started = time.perf_counter()
        model.fit(trainset)
        return time.perf_counter() - started

    # Two fits, so that what is done once for all epochs drops out.
    return lambda: (seconds(1 + EPOCHS) - seconds(1)) / (EPOCHS * len(data)) * 1e9


def libmf_uses_avx() -> bool:
    """Whether the LIBMF that is installed was built with AVX: its setup builds without unless it is told."""
    found = importlib.util.find_spec("libmf")
    if found is None or found.origin is None:
        return False
    return any(_AVX_BROADCAST in path.read_bytes() for path in Path(found.origin).parents[1].glob("libmf*.so"))


def _libmf(data: Interactions) -> Timed | None:
    try:
        with redirect_stdout(io.StringIO()):  # it tells where it lies
            from libmf import mf
    except ImportError:
        return None
    rows = np.column_stack([data.user, data.item, data.value]).astype(np.float64)

    def seconds(n_epochs: int) -> float:
        model = mf.MF(
            k=N_FACTORS, nr_iters=n_epochs, nr_threads=1, eta=LEARNING_RATE, lambda_p2=REGULARIZATION,
            lambda_q2=REGULARIZATION, quiet=True,
        )  # fmt: skip
        started = time.perf_counter()
        model.fit(rows)
        return time.perf_counter() - started

    return lambda: (seconds(1 + EPOCHS) - seconds(1)) / (EPOCHS * len(data)) * 1e9
