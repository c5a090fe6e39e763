"""``manage.py benchmark_training``: nanoseconds for an update of the SGD kernel, beside Surprise's where installed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.matrix_factorization import fit
from recommender.dataset import snapshot

N_FACTORS = 50

Fit = Callable[[int], float]  # number of epochs → seconds


class Command(BaseCommand):
    help = "Times SGD at 50 factors on this catalogue's ratings, on one core, side by side with scikit-surprise."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--epochs", type=int, default=20, help="epochs a round (default 20)")
        parser.add_argument("--rounds", type=int, default=3, help="rounds, ours and theirs in turn (default 3)")

    def handle(self, *args: Any, **options: Any) -> None:
        epochs, rounds = options["epochs"], options["rounds"]
        if epochs < 1 or rounds < 1:
            raise CommandError("--epochs and --rounds must be 1 or more.")
        data = snapshot().interactions
        if not len(data):
            raise CommandError("There are no ratings. Load some first: manage.py load_movielens PATH.")
        contestants: dict[str, Fit] = {"CINÉMA": lambda n: _ours(data, n)}
        trainset = _surprise_trainset(data)
        if trainset is not None:
            contestants["Surprise SVD"] = lambda n: _theirs(trainset, n)
        _ours(data, 1)  # compiles the kernel
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, run in contestants.items():
                times[name].append((run(epochs), run(2 * epochs)))
        self.stdout.write(f"{len(data)} ratings, k = {N_FACTORS}, learning rate 0.01, regularization 0.02, one core")
        self.stdout.write(
            f"best of {rounds} rounds in turn; an update: {2 * epochs} epochs less {epochs}, without set-up"
        )
        updates = epochs * len(data)
        per_update: dict[str, float] = {}
        for name, pairs in times.items():
            short, long = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
            per_update[name] = (long - short) / updates * 1e9
            self.stdout.write(
                f"  {name:13} {per_update[name]:7.1f} ns per rating update, whole fit of {epochs} epochs {short:6.3f} s"
            )
        if trainset is None:
            self.stdout.write("  scikit-surprise is not installed: pip install -r requirements-bench.txt to compare.")
            return
        self.stdout.write(f"  {per_update['Surprise SVD'] / per_update['CINÉMA']:.1f} times faster an update")


def _ours(data: Interactions, epochs: int) -> float:
    """Seconds of one fit."""
    config = MatrixFactorizationConfig(n_factors=N_FACTORS, n_epochs=epochs)
    started = time.perf_counter()
    fit(config, data)
    return time.perf_counter() - started


def _surprise_trainset(data: Interactions) -> Any:
    try:
        from surprise import Trainset
    except ImportError:
        return None
    by_user: dict[int, list[tuple[int, float]]] = {user: [] for user in range(data.n_users)}
    by_item: dict[int, list[tuple[int, float]]] = {item: [] for item in range(data.n_items)}
    for user, item, value in zip(data.user.tolist(), data.item.tolist(), data.value.tolist(), strict=True):
        by_user[user].append((item, value))
        by_item[item].append((user, value))
    users, items = dict(enumerate(range(data.n_users))), dict(enumerate(range(data.n_items)))
    return Trainset(by_user, by_item, data.n_users, data.n_items, len(data), (0.5, 5), users, items)


def _theirs(trainset: Any, epochs: int) -> float:
    """Seconds of one fit."""
    from surprise import SVD

    model = SVD(n_factors=N_FACTORS, n_epochs=epochs, lr_all=0.01, reg_all=0.02, random_state=0)
    np.random.seed(0)  # noqa: NPY002 - Surprise draws from the global generator
    started = time.perf_counter()
    model.fit(trainset)
    return time.perf_counter() - started
