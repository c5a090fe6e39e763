"""Microseconds to solve a person against the films and to find their best ten, for people with few and many ratings and
catalogues small and large: our classes beside the floor, which is the same solve, product and partition in bare numpy
without residuals, variance, noise or a check. The database is left out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import available_bytes
from benchmarks.rounds import in_turn
from recommender.algorithms.film_model import FilmModel, History
from recommender.algorithms.metrics import K, top_k

RATED = (20, 200, 2_000)
FILMS = (10_000, 60_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Kind:
    """The shape that a preset gives its films."""

    name: str
    n_samples: int
    n_features: int


KINDS = (Kind("one sample of rank 32", 1, 32), Kind("twelve samples of rank 17", 12, 17))
# While scores are taken, the vectors lie in memory as float32 and once more as float64, with room to spare.
BYTES_A_FLOAT = 24


def measure(*, quick: bool) -> dict[str, Any]:
    """For each kind, catalogue and number of ratings, medians in microseconds; a catalogue that memory has no room for
    is named and left out."""
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for kind in KINDS:
        for n_films in FILMS[:2] if quick else FILMS:
            if n_films * kind.n_samples * kind.n_features * BYTES_A_FLOAT > available_bytes():
                left_out.append(f"{kind.name}, {n_films:,} films: not enough memory")
                continue
            films = _films(kind, n_films)
            for n_rated in RATED:
                rows.append({"kind": kind.name, "films": n_films, "rated": n_rated, **_of(films, n_rated, quick)})
    return {"rows": rows, "left_out": left_out}


def _films(kind: Kind, n_films: int) -> FilmModel:
    rng = np.random.default_rng(0)
    shape = (n_films, kind.n_samples, kind.n_features)
    features = rng.standard_normal(shape, dtype=np.float32) * np.float32(0.2)
    return FilmModel(
        global_mean=3.5,
        offsets=3.5 + 0.4 * rng.standard_normal(shape[:2], dtype=np.float32),
        features=features,
        noise=np.full(kind.n_samples, 0.7),
        film_noise=np.zeros(n_films, np.float32),
        watched=np.zeros((n_films, 0), np.float32),
        watched_link=np.zeros((0, kind.n_samples, kind.n_features), np.float32),
        item_counts=np.full(n_films, 20),
    )


def _of(films: FilmModel, n_rated: int, quick: bool) -> dict[str, float]:
    rng = np.random.default_rng(n_rated)
    item = np.sort(rng.choice(films.n_items, n_rated, replace=False)).astype(np.int64)
    value = rng.integers(1, 11, n_rated) / 2
    history = History(item, value, np.zeros(n_rated, np.bool_), np.arange(n_rated, dtype=np.int64))
    floor = _Floor(films, item, value)
    ways: dict[str, Callable[[], object]] = {
        "solve": lambda: films.solve(history),
        "floor_solve": floor.solve,
        "ours": lambda: top_k(films.solve(history).raw_scores(), K),
        "floor": floor.best,
    }
    for way in ways.values():
        way()
    slow = films.features.size > 30_000_000
    rounds = 3 if quick or slow else 15
    times = in_turn({name: _timed(way, 1 if slow else 5) for name, way in ways.items()}, rounds)
    told = {f"{name}_us": round(float(np.median(taken)), 1) for name, taken in times.items()}
    return {**told, "times_floor": round(told["ours_us"] / told["floor_us"], 2)}


def _timed(way: Callable[[], object], times: int) -> Callable[[], float]:
    def microseconds() -> float:
        started = time.perf_counter()
        for _ in range(times):
            way()
        return (time.perf_counter() - started) / times * 1e6

    return microseconds


class _Floor:
    """Solve, product, partition, in float32."""

    def __init__(self, films: FilmModel, item: NDArray[np.int64], value: NDArray[np.float64]) -> None:
        self._x = films.features
        self._flat = films.features.reshape(films.n_items, -1)
        self._item, self._value = item, value.astype(np.float32)
        self._ridge = np.eye(films.features.shape[2], dtype=np.float32)

    def solve(self) -> NDArray[np.float32]:
        """(n_samples, n_features)"""
        x = self._x[self._item].transpose(1, 0, 2)
        right = x.transpose(0, 2, 1) @ self._value[:, None]
        return np.linalg.solve(x.transpose(0, 2, 1) @ x + self._ridge, right)[:, :, 0]

    def best(self) -> NDArray[np.intp]:
        scores = self._flat @ self.solve().ravel()
        return np.argpartition(scores, len(scores) - K)[-K:]
