"""One step of the growth benchmark in a process of its own, on the database and folder that the environment names; what
it took goes to standard output as JSON.

    python -m benchmarks.growth_step prepare             an empty database, migrated
    python -m benchmarks.growth_step import FOLDER NAME  a MovieLens set, under the name NAME
    python -m benchmarks.growth_step train               the ratings read and one epoch of the classic preset
    python -m benchmarks.growth_step write               a rating every 50 ms until standard input ends
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import numpy as np

PAUSE_SECONDS = 0.05


def memory(name: str) -> int:
    """VmRSS or VmHWM of this process in bytes: what it holds, and the most that it has held."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"The system does not tell {name}.")


def forget_peak() -> None:
    """From now on VmHWM counts anew."""
    Path("/proc/self/clear_refs").write_text("5")


def prepare() -> dict[str, Any]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    return {}


def import_set(folder: str, name: str) -> dict[str, Any]:
    from django.db import connection

    from cinema.importing.movielens import load_movielens

    connection.ensure_connection()
    base = memory("VmRSS")
    forget_peak()
    started = time.perf_counter()
    report = load_movielens(Path(folder), source=name)
    seconds = time.perf_counter() - started
    return {
        "ratings": report.ratings_added,
        "seconds": seconds,
        "rating_seconds": report.rating_seconds,
        "peak_bytes": memory("VmHWM") - base,
    }


def train() -> dict[str, Any]:
    from django.db import connection

    from recommender.algorithms.factorization import MatrixFactorizationConfig
    from recommender.algorithms.matrix_factorization import MatrixFactorizationTrainer
    from recommender.algorithms.sgd_kernel import row_width
    from recommender.dataset import snapshot

    _load_kernels()
    connection.ensure_connection()
    base = memory("VmRSS")
    forget_peak()
    started = time.perf_counter()
    data = snapshot().interactions
    read = time.perf_counter()
    trainer = MatrixFactorizationTrainer(MatrixFactorizationConfig(), data)
    ordered = time.perf_counter()
    trainer.train_epoch()
    ended = time.perf_counter()
    return {
        "ratings": len(data),
        "seconds": ended - started,
        "read_seconds": read - started,
        "order_seconds": ordered - read,
        "epoch_seconds": ended - ordered,
        "peak_bytes": memory("VmHWM") - base,
        "factor_bytes": 4 * row_width(trainer.config.n_factors) * (data.n_users + data.n_items),
    }


def _load_kernels() -> None:
    """So that the compiler's memory is not taken for the training's."""
    from recommender.algorithms.factorization import MatrixFactorizationConfig
    from recommender.algorithms.interactions import Interactions
    from recommender.algorithms.matrix_factorization import fit
    from recommender.algorithms.rating_grid import rating_grid

    n = 100
    item, value = np.arange(n, dtype=np.int32), np.ones(n, np.float32)
    few = Interactions(np.zeros(n, np.int32), item, value, np.zeros(n, np.int64), 1, n)
    fit(MatrixFactorizationConfig(n_epochs=1), few)
    rating_grid(few, np.random.default_rng(0), n_groups=2)


def write() -> dict[str, Any]:
    """Ratings of an account of ours, each as the site writes it; how long each took, the longest first of all."""
    from cinema.models import Movie, User
    from cinema.ratings import rate_movie

    user, _ = User.objects.get_or_create(username="bench-writer")
    movies = list(Movie.objects.order_by("pk")[:500])
    took: list[float] = []
    print("writing", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        started = time.perf_counter()
        rate_movie(user=user, movie=movies[len(took) % len(movies)], value=(1 + len(took) % 10) / 2)
        took.append(time.perf_counter() - started)
    seconds = np.array(took)
    return {
        "written": len(took),
        "longest_wait_seconds": float(seconds.max()),
        "p95_seconds": float(np.percentile(seconds, 95)),
    }


if __name__ == "__main__":
    django.setup()
    steps: dict[str, Callable[..., dict[str, Any]]] = {
        "prepare": prepare,
        "import": import_set,
        "train": train,
        "write": write,
    }
    print(json.dumps(steps[sys.argv[1]](*sys.argv[2:])))
