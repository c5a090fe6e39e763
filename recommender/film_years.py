"""The years of the live version's films, as the catalogue has them: read once in a process for each edition of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinema.models import Movie
from recommender.algorithms.film_model import Array
from recommender.per_version import PerVersion
from recommender.serving import LiveModel


@dataclass(frozen=True, slots=True)
class _Remembered:
    edition: int | None
    years: Array


_remembered: PerVersion[_Remembered] = PerVersion()
_lock = threading.Lock()


def forget() -> None:
    """Drops what this process remembers, for tests."""
    with _lock:
        _remembered.clear()


def film_years(live: LiveModel) -> Array:
    """(n_items,), NaN where the catalogue has no year or no such film."""
    with _lock:
        known = _remembered.get(live.label)
        if known is None or known.edition != live.catalogue or live.catalogue is None:
            known = _Remembered(live.catalogue, _read(live))
            _remembered.set(live.label, known)
        return known.years


def _read(live: LiveModel) -> Array:
    years = np.full(live.model.n_items, np.nan)
    dated = Movie.objects.filter(year__isnull=False).order_by().values_list("pk", "year")
    pairs: NDArray[np.int64] = np.fromiter(dated.iterator(chunk_size=10_000), np.dtype((np.int64, 2)))
    rows = live.model.rows(pairs[:, 0])
    years[rows[rows >= 0]] = pairs[rows >= 0, 1]
    return years
