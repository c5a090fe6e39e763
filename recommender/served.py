"""What a request served, noted on its way for whoever counts: nothing here writes, and nothing is kept of anybody.

Only a list that goes to its person is noted, not one that is thought up to compare or to explain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.recommend import RecommendationList
from recommender.serving import LiveModel, live_model

# Lists that show no more than these show nobody anything that they had not heard of.
MOST_RATED = 50


@dataclass
class Served:
    """Of one request."""

    version: str = ""  # its label; empty while there is none
    lists: int = 0
    fallbacks: int = 0
    places: int = 0
    popular_places: int = 0  # that hold one of the MOST_RATED films
    learned_ms: list[float] = field(default_factory=list)  # of ratings, until the new list was there


_collecting: ContextVar[Served | None] = ContextVar("served", default=None)


@contextmanager
def collecting() -> Iterator[Served]:
    """Within, what is served is noted in what this yields."""
    served = Served()
    token = _collecting.set(served)
    try:
        yield served
    finally:
        _collecting.reset(token)


def note_list(listed: RecommendationList) -> None:
    """That this list was served."""
    served = _collecting.get()
    if served is None:
        return
    served.version = listed.model_version or ""
    served.lists += 1
    served.fallbacks += listed.fallback
    served.places += len(listed.items)
    live = live_model()
    if live is not None and live.label == listed.model_version:
        popular = _most_rated(live)
        served.popular_places += sum(item.movie_id in popular for item in listed.items)


def note_learning(milliseconds: float, version: str | None) -> None:
    """That a rating was learned from, and how fast."""
    served = _collecting.get()
    if served is not None:
        served.version = version or served.version
        served.learned_ms.append(milliseconds)


@dataclass(frozen=True, slots=True)
class _Remembered:
    label: str
    movie_ids: frozenset[int]


_remembered = _Remembered("", frozenset())


def _most_rated(live: LiveModel) -> frozenset[int]:
    """Ids of the films with most ratings in the version's data; of the last version that was asked for, kept."""
    global _remembered
    known = _remembered
    if known.label != live.label:
        counts: NDArray[np.float64] = np.asarray(live.model.films.item_counts, np.float64)
        rows = np.argsort(-counts, kind="stable")[:MOST_RATED]
        known = _remembered = _Remembered(live.label, frozenset(live.model.movie_ids[rows].tolist()))
    return known.movie_ids
