"""The years of the live version's films, as the catalogue has them. Every process remembers them for a minute."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from cinema.models import Movie
from recommender.algorithms.film_model import Array
from recommender.serving import LiveModel

SECONDS_UNTIL_STALE = 60.0


@dataclass(frozen=True, slots=True)
class _Remembered:
    label: str  # of the version whose films these are
    read_at: float
    years: Array


_remembered = _Remembered("", 0.0, np.empty(0))
_lock = threading.Lock()


def forget() -> None:
    """Drops what this process remembers, for tests."""
    global _remembered
    with _lock:
        _remembered = _Remembered("", 0.0, np.empty(0))


def film_years(live: LiveModel) -> Array:
    """(n_items,), NaN where the catalogue has no year or no such film."""
    global _remembered
    with _lock:
        known = _remembered
        if known.label != live.label or time.monotonic() - known.read_at > SECONDS_UNTIL_STALE:
            known = _remembered = _Remembered(live.label, time.monotonic(), _read(live))
        return known.years


def _read(live: LiveModel) -> Array:
    years = np.full(live.model.n_items, np.nan)
    dated = Movie.objects.filter(year__isnull=False).order_by().values_list("pk", "year")
    pairs = np.array(list(dated), dtype=np.int64).reshape(-1, 2)
    rows = live.model.rows(pairs[:, 0])
    years[rows[rows >= 0]] = pairs[rows >= 0, 1]
    return years
