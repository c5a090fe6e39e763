"""Seconds until a ranker orders lists as well as ours does, on the demo ratings: ours, and implicit's ALS and BPR,
which train until they reach our NDCG@10 or their own best.

The split is that of docs/quality.md: the last fifth of each person's ratings by time is the test part. Everybody has
the settings that were chosen on validation ratings, and one thread. Judging a peer between its iterations is not
counted.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rounds import in_turn
from recommender.algorithms.baselines import popularity
from recommender.algorithms.ease import fit_ease
from recommender.algorithms.film_model import history_of
from recommender.algorithms.implicit_als import fit_implicit_als
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.metrics import K, top_k
from recommender.algorithms.ranking import Ranker
from recommender.algorithms.splits import Split
from recommender.benchmarks import peers
from recommender.benchmarks.datasets import read_demo
from recommender.benchmarks.judging import Floats, judge_lists
from recommender.benchmarks.protocols import ranking_protocol

# By NDCG@10 on the validation slice of the demo's training part.
REGULARIZATION, HALF_LIFE = 150.0, 5.0
FACTOR_WEIGHT = 0.3
ALS = {"factors": 128, "regularization": 10.0, "alpha": 1.0, "feedback": "liked"}
BPR = {"factors": 16, "learning_rate": 0.01, "regularization": 0.001, "feedback": "liked"}
# Iterations that a peer may take at most, and after how many it is judged each time.
ALS_ITERATIONS, ALS_EVERY = 30, 1
BPR_ITERATIONS, BPR_EVERY = 200, 10


def measure(*, quick: bool) -> dict[str, Any]:
    """NDCG@10 of each and the seconds to it; ours as the median over the rounds."""
    data = read_demo().interactions
    (split,) = ranking_protocol("demo", data).splits
    train = split.train
    ways: dict[str, Callable[[], Ranker]] = {
        "EASE": lambda: Ranker(fit_ease(train, REGULARIZATION), HALF_LIFE),
        "EASE and factors": lambda: Ranker(
            fit_ease(train, REGULARIZATION), HALF_LIFE, fit_implicit_als(train, n_threads=1), FACTOR_WEIGHT
        ),
    }
    rankers = {name: way() for name, way in ways.items()}  # compiles
    times = in_turn({name: _seconds(way) for name, way in ways.items()}, 1 if quick else 5)
    ours = {
        name: {"ndcg": round(_ndcg(ranker, split), 4), "seconds": round(float(np.median(times[name])), 3)}
        for name, ranker in rankers.items()
    }
    goal = ours["EASE"]["ndcg"]
    without = Ranker(rankers["EASE"].weights, 0.0)
    figures: dict[str, Any] = {
        "ratings": len(train),
        "ours": ours,
        "ours_without_recency_ndcg": round(_ndcg(without, split), 4),
        "popularity_ndcg": round(judge_lists(_Popular(train), split).as_dict()["ndcg"], 4),
        "peers": {},
    }
    if importlib.util.find_spec("implicit") is not None:
        less = 5 if quick else 1
        figures["peers"] = {
            "implicit ALS": _course(
                peers.ImplicitAls, ALS, ALS_ITERATIONS // less, ALS_EVERY * (3 if quick else 1), split, goal
            ),
            "implicit BPR": _course(peers.ImplicitBpr, BPR, BPR_ITERATIONS // less, BPR_EVERY, split, goal),
        }
    return figures


def _seconds(way: Callable[[], Any]) -> Callable[[], float]:
    def seconds() -> float:
        started = time.perf_counter()
        way()
        return time.perf_counter() - started

    return seconds


class _Judged:
    def __init__(self, ranker: Ranker, train: Interactions) -> None:
        self._ranker, self._train = ranker, train

    def fit(self, train: Interactions) -> None:
        """It has been fitted."""

    def scores(self, user: int) -> Floats:
        return self._ranker.votes(history_of(self._train, user)).scores

    def list_of(self, scores: Floats) -> NDArray[np.intp]:
        return top_k(scores, K)


class _Popular(_Judged):
    def __init__(self, train: Interactions) -> None:
        self._counts = popularity(train)

    def scores(self, user: int) -> Floats:
        return self._counts


def _ndcg(ranker: Ranker, split: Split) -> float:
    return float(judge_lists(_Judged(ranker, split.train), split).as_dict()["ndcg"])


class _Enough(Exception):
    """The goal is reached."""


class _Watched:
    """The peer's model, judged every so many iterations while it trains; that time is taken off."""

    def __init__(self, model: Any, split: Split, every: int, goal: float) -> None:
        self._model, self._split, self._every, self._goal = model, split, every, goal
        self.course: list[tuple[float, float]] = []  # seconds of training, NDCG
        self._judging = 0.0
        self._began = time.perf_counter()

    @property
    def user_factors(self) -> Any:
        return self._model.user_factors

    @property
    def item_factors(self) -> Any:
        return self._model.item_factors

    def fit(self, *args: Any, **options: Any) -> None:
        self._began = time.perf_counter()
        self._model.fit(*args, callback=self._after, **options)

    def _after(self, iteration: int, *_told: Any) -> None:
        if (iteration + 1) % self._every:
            return
        trained = time.perf_counter() - self._began - self._judging
        began = time.perf_counter()
        figures = judge_lists(_Factors(self._model), self._split)
        self.course.append((trained, float(figures.ndcg.mean())))
        self._judging += time.perf_counter() - began
        if self.course[-1][1] >= self._goal:
            raise _Enough


class _Factors:
    def __init__(self, model: Any) -> None:
        self._people, self._films = np.asarray(model.user_factors), np.asarray(model.item_factors)

    def fit(self, train: Interactions) -> None:
        """It is being fitted."""

    def scores(self, user: int) -> Floats:
        scores: Floats = (self._films @ self._people[user]).astype(np.float64)
        return scores

    def list_of(self, scores: Floats) -> NDArray[np.intp]:
        return top_k(scores, K)


def _course(
    peer: Callable[[dict[str, Any]], Any],
    settings: dict[str, Any],
    iterations: int,
    every: int,
    split: Split,
    goal: float,
) -> dict[str, Any]:
    model = peer({**settings, "iterations": iterations})
    watched = model._model = _Watched(model._model, split, every, goal)
    with suppress(_Enough):
        model.fit(split.train)
    best = max(range(len(watched.course)), key=lambda place: watched.course[place][1])
    seconds, ndcg = watched.course[best]
    return {
        "ndcg": round(ndcg, 4),
        "seconds": round(seconds, 3),
        "iterations": (best + 1) * every,
        "reached": bool(ndcg >= goal),
        "course": [[round(seconds, 3), round(ndcg, 4)] for seconds, ndcg in watched.course],
    }
