"""Seconds that a fit takes: the built-in descent, the built-in sampler, and Spark's alternating least squares.

    python -m benchmarks.engines [RATINGS …]      by default 100000 and 1000000

Spark runs at SPARK_MASTER, local[2] by default. Its fit is what a training waits for: ratings written, all rounds,
factors read. Starting it is told apart, since a run does that once for its three fits. Of the sampler some sweeps are
timed and multiplied: they all take the same time.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from django.conf import settings

from benchmarks.made_ratings import Shape, interactions
from recommender.algorithms.alternating_least_squares import (
    AlternatingLeastSquaresConfig,
    AlternatingLeastSquaresTrainer,
)
from recommender.algorithms.bayesian_factorization import BayesianFactorizationTrainer
from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.matrix_factorization import MatrixFactorizationTrainer
from recommender.algorithms.posterior import BayesianFactorizationConfig
from recommender.algorithms.presets import PRESETS
from recommender.algorithms.trainer import Epoch

SIZES = (100_000, 1_000_000)
SWEEPS = 3  # timed, after a first one


def measure(*, quick: bool, sizes: tuple[int, ...] | None = None) -> dict[str, Any]:
    """By size, the seconds of each engine's fit; None for Spark where it is not installed."""
    from mlops.spark.cluster import missing

    sizes = sizes or (SIZES[:1] if quick else SIZES)
    _compiled()
    with tempfile.TemporaryDirectory(prefix="cinema-bench-") as folder:
        if not settings.configured:
            settings.configure(
                VAR_DIR=folder,
                BASE_DIR=os.getcwd(),
                SPARK_MASTER=os.environ.get("SPARK_MASTER") or "local[2]",
                SPARK_EXCHANGE=os.environ.get("SPARK_EXCHANGE", ""),
                SPARK_WAIT_SECONDS=int(os.environ.get("SPARK_WAIT_SECONDS") or 60),
            )
        spark = not missing()
        return {f"{n}": _of_size(interactions(Shape(n)), spark=spark) for n in sizes}


def _compiled() -> None:
    """Compiles the kernels, which is no part of a fit."""
    _descent(interactions(Shape(20_000)))
    _sampler(interactions(Shape(20_000)))


def _of_size(data: Interactions, *, spark: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"ratings": len(data), "descent": _descent(data), "sampler": _sampler(data)}
    started, fit = _spark(data) if spark else (None, None)
    return {**found, "spark": fit, "spark_start": started}


def _seconds(epochs: Iterator[Epoch]) -> float:
    started = time.perf_counter()
    for _ in epochs:
        pass
    return round(time.perf_counter() - started, 2)


def _descent(data: Interactions) -> float:
    started = time.perf_counter()
    trainer = MatrixFactorizationTrainer(MatrixFactorizationConfig(**PRESETS["classic"].hyperparameters), data)
    return round(time.perf_counter() - started + _seconds(trainer.epochs()), 2)


def _sampler(data: Interactions) -> float:
    config = BayesianFactorizationConfig(**PRESETS["balanced"].hyperparameters)
    side = SideInformation(np.zeros((data.n_items, 1), np.uint8), np.zeros(data.n_items, np.int64))
    started = time.perf_counter()
    trainer = BayesianFactorizationTrainer(config, data, side)
    epochs = trainer.epochs()
    next(epochs)
    prepared = time.perf_counter() - started
    started = time.perf_counter()
    for _ in range(SWEEPS):
        next(epochs)
    return round(prepared + (time.perf_counter() - started) / SWEEPS * (config.n_epochs - 1), 2)


def _spark(data: Interactions) -> tuple[float, float]:
    """Seconds of the start and of a fit in a JVM that has had one, as a run's second and third are."""
    from mlops.spark.cluster import SparkCluster

    config = AlternatingLeastSquaresConfig(**PRESETS["spark"].hyperparameters)
    with SparkCluster(lambda doing: None) as cluster:
        started = time.perf_counter()
        cluster.start()
        start = round(time.perf_counter() - started, 2)
        small = interactions(Shape(20_000))
        _seconds(AlternatingLeastSquaresTrainer(config, small, cluster.fit).epochs())
        return start, _seconds(AlternatingLeastSquaresTrainer(config, data, cluster.fit).epochs())


if __name__ == "__main__":
    print(json.dumps(measure(quick=False, sizes=tuple(int(one) for one in sys.argv[1:]) or None), indent=2))
