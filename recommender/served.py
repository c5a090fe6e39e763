"""What a request served and what its person did, noted on its way for whoever counts and keeps: nothing here writes.

Only a list that goes to its person is noted, not one that is thought up to compare or to explain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cinema.models import Movie, User
from recommender.per_version import PerVersion
from recommender.recommend import Lot, RecommendationList
from recommender.serving import LiveModel, live_model

# Lists that show no more than these show nobody anything that they had not heard of.
MOST_RATED = 50


# A letter for each place of a list that is kept.
SLOTS = {"ranked": "r", "discovery": "d", "fallback": "f", "explored": "x", "rail": "l"}
HOME, START, API = "home", "start", "api"  # where a list stood; a rail stands under its key

Act = Literal["opened", "listed", "rated", "hidden"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One list as its person was shown it."""

    user_id: int
    surface: str
    version: str
    personal: bool
    movie_ids: list[int]
    slots: str  # a letter of SLOTS for each
    experiment: int | None = None  # the one that it counts for
    arms: str = ""  # the list's arm; where each place has its own, all of them, small where it says nothing
    lot: Lot | None = None
    where: str = ""  # the person is, if they say so


@dataclass(frozen=True, slots=True)
class Acted:
    """One thing that somebody did about a film."""

    user_id: int
    movie_id: int
    act: Act
    stars: float | None


@dataclass
class Served:
    """Of one request."""

    version: str = ""  # its label; empty while there is none
    lists: int = 0
    fallbacks: int = 0
    places: int = 0
    popular_places: int = 0  # that hold one of the MOST_RATED films
    learned_ms: list[float] = field(default_factory=list)  # of ratings, until the new list was there
    shown: list[Shown] = field(default_factory=list)
    acts: list[Acted] = field(default_factory=list)


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


def note_list(listed: RecommendationList, surface: str | None, user: User) -> None:
    """That this list was served; to its person ``user``, unless ``surface`` is None."""
    served = _collecting.get()
    if served is None:
        return
    if surface is not None:
        films = [item.movie_id for item in listed.items]
        slots = "".join([SLOTS[item.slot] for item in listed.items])
        served.shown.append(
            Shown(
                listed.user_id,
                surface,
                listed.model_version or "",
                not listed.fallback,
                films,
                slots,
                listed.experiment,
                _arms(listed),
                listed.lot,
                user.place,
            )
        )
    served.version = listed.model_version or ""
    served.lists += 1
    served.fallbacks += listed.fallback
    served.places += len(listed.items)
    live = live_model()
    if live is not None and live.label == listed.model_version:
        popular = _most_rated(live)
        served.popular_places += sum(item.movie_id in popular for item in listed.items)


def _arms(listed: RecommendationList) -> str:
    if listed.arm is not None or listed.experiment is None:
        return listed.arm or ""
    names = [(item.arm or "", tells) for item, tells in zip(listed.items, listed.tells, strict=True)]
    return "".join([name if tells else name.lower() for name, tells in names])


def note_films(user: User, surface: str, version: str, movie_ids: list[int], slot: str = "rail") -> None:
    """That films in this order were shown to ``user``, who are no list of the ten best."""
    served = _collecting.get()
    if served is not None and movie_ids:
        slots = SLOTS[slot] * len(movie_ids)
        served.shown.append(Shown(user.pk, surface, version, True, movie_ids, slots, where=user.place))


def note_act(user: User, movie: Movie, act: Act, stars: float | None = None) -> None:
    """What somebody did about a film."""
    served = _collecting.get()
    if served is not None:
        served.acts.append(Acted(user.pk, movie.pk, act, stars))


def note_learning(milliseconds: float, version: str | None) -> None:
    """That a rating was learned from, and how fast."""
    served = _collecting.get()
    if served is not None:
        served.version = version or served.version
        served.learned_ms.append(milliseconds)


_most_rated_of: PerVersion[frozenset[int]] = PerVersion()


def _most_rated(live: LiveModel) -> frozenset[int]:
    """Ids of the films with most ratings in the version's data."""
    known = _most_rated_of.get(live.label)
    if known is None:
        counts: NDArray[np.float64] = np.asarray(live.model.films.item_counts, np.float64)
        rows = np.argsort(-counts, kind="stable")[:MOST_RATED]
        known = frozenset(live.model.movie_ids[rows].tolist())
        _most_rated_of.set(live.label, known)
    return known
