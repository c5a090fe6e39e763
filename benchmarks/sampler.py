"""The Bayesian sampler on one thread and on two: seconds for a sweep over all ratings, in turns. What is drawn is the
same to the last bit on both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import second_core
from benchmarks.made_ratings import Shape, interactions
from benchmarks.rounds import in_turn
from recommender.algorithms.bayesian_factorization import BayesianFactorizationTrainer
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.posterior import BayesianFactorizationConfig
from recommender.algorithms.presets import DEFAULT_PRESET, configuration


def measure(*, quick: bool) -> dict[str, Any]:
    """For each size, medians over the rounds."""
    sizes = {"ml-100k": 100_000} if quick else {"ml-100k": 100_000, "ml-1m": 1_000_000}
    return {name: _of_size(interactions(Shape(n)), rounds=5 if quick else 9) for name, n in sizes.items()}


def _of_size(data: Interactions, rounds: int) -> dict[str, Any]:
    config = configuration(DEFAULT_PRESET, None)
    assert isinstance(config, BayesianFactorizationConfig)
    trainers = {
        name: BayesianFactorizationTrainer(config, data, SideInformation(), n_threads=n_threads)
        for name, n_threads in (("1 thread", 1), ("2 threads", 2))
    }
    for trainer in trainers.values():
        trainer.train_epoch()  # compiles the kernel
    sweeps = {name: _sweep(trainer) for name, trainer in trainers.items()}
    times = in_turn(sweeps | second_core.contestants(), rounds)
    machine = second_core.gain(times)
    one, two = (np.array(taken) for taken in times.values())
    same = bool(np.array_equal(*(trainer.checkpoint()["items"] for trainer in trainers.values())))
    return {
        "ratings": len(data),
        "seconds_per_sweep": {name: round(float(np.median(taken)), 4) for name, taken in times.items()},
        "faster_with_two": round(float(np.median(one / two)), 3),
        "machine_with_two": machine,
        "same_bits": same,
    }


def _sweep(trainer: BayesianFactorizationTrainer) -> Callable[[], float]:
    def seconds() -> float:
        started = time.perf_counter()
        trainer.train_epoch()
        return time.perf_counter() - started

    return seconds
