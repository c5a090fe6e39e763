"""The moment in which somebody asks, and what it adds to the order of a list.

A context is coarse on purpose: which quarter of the local day it is, whether it is the weekend, what kind of device
asks, and where the person is if they say so. Each of these is a cell, and each cell has additive effects: how much more
than usual films of a genre, and single films, are chosen in it (``context_learning``). They are added to the order
scores, so what a list is sorted by is still a sum, with one part for each cell and genre.

Where the effects are not worth anything on held-out choices (``context_fit``) the weight is 0: nothing is added, and
the verdict says by how little they would have changed lists.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, Floats
from recommender.algorithms.genre_affinity import GenreTable

HOUR_BANDS = ("night", "morning", "afternoon", "evening")  # six hours each, from midnight
UNKNOWN = 0  # what a device or a place is that nobody has told
DEVICES = ("unknown", "phone", "tablet", "computer", "other")
PLACES = ("unknown", "home", "away", "on the way")

# Rows of effects. What is unknown has none.
CELLS = (
    *(f"{day} {band}" for day in ("weekday", "weekend") for band in HOUR_BANDS),
    *(f"device: {device}" for device in DEVICES[1:]),
    *(f"place: {place}" for place in PLACES[1:]),
)
_TIMES, _DEVICES, _PLACES = 2 * len(HOUR_BANDS), len(DEVICES) - 1, len(PLACES) - 1
# The rows of each kind of cell; a moment is in at most one of each.
KINDS = (range(_TIMES), range(_TIMES, _TIMES + _DEVICES), range(_TIMES + _DEVICES, len(CELLS)))

_DAY, _HOURS_IN_BAND = 86_400, 6
_FRIDAY, _SATURDAY, _EVENING = 4, 5, 3
_THURSDAY = 3  # what the first day of 1970 was

Cells = NDArray[np.int8]


def time_cells(time: NDArray[np.integer[Any]], utc_offset: int | NDArray[np.int64] = 0) -> Cells:
    """Rows of the cells of moments, (n,). ``time``: seconds since 1970; ``utc_offset``: seconds that the local clock is
    ahead of UTC, one for all or (n,). Weekend: Saturday, Sunday and the evening of Friday."""
    local = time.astype(np.int64) + utc_offset
    band = local % _DAY // 3600 // _HOURS_IN_BAND
    weekday = (local // _DAY + _THURSDAY) % 7
    is_weekend = (weekday >= _SATURDAY) | ((weekday == _FRIDAY) & (band == _EVENING))
    return (is_weekend * len(HOUR_BANDS) + band).astype(np.int8)


def cells_of(
    time: NDArray[np.integer[Any]],
    utc_offset: int | NDArray[np.int64] = 0,
    *,
    device: NDArray[np.int64] | None = None,
    place: NDArray[np.int64] | None = None,
) -> Cells:
    """The row of the cell of each kind, (n, 3), −1 where it is unknown. ``device``, ``place``: places in DEVICES and
    PLACES, (n,); None: unknown throughout."""
    cells = np.full((len(time), len(KINDS)), -1, np.int8)
    cells[:, 0] = time_cells(time, utc_offset)
    for kind, codes in ((1, device), (2, place)):
        if codes is not None:
            cells[:, kind] = np.where(codes == UNKNOWN, -1, KINDS[kind].start + codes - 1)
    return cells


@dataclass(frozen=True, slots=True)
class Context:
    """One moment, as codes. Raises ValueError for a code that there is not."""

    hour_band: int  # place in HOUR_BANDS
    is_weekend: bool  # the evening of Friday included
    device: int = UNKNOWN  # place in DEVICES
    place: int = UNKNOWN  # place in PLACES

    def __post_init__(self) -> None:
        for name, codes in (("hour_band", HOUR_BANDS), ("device", DEVICES), ("place", PLACES)):
            if not 0 <= getattr(self, name) < len(codes):
                raise ValueError(f"{name} is {getattr(self, name)!r} and must be from 0 to {len(codes) - 1}")

    @classmethod
    def at(cls, time: int, *, utc_offset: int = 0, device: str = "unknown", place: str = "unknown") -> Context:
        """``time``: seconds since 1970. ValueError for a device or a place of another name."""
        cell = int(time_cells(np.array([time]), utc_offset)[0])
        is_weekend, hour_band = divmod(cell, len(HOUR_BANDS))
        return cls(hour_band, bool(is_weekend), DEVICES.index(device), PLACES.index(place))

    @property
    def cells(self) -> tuple[int, ...]:
        """Rows of the effects that apply, at most one of each kind."""
        rows = [self.is_weekend * len(HOUR_BANDS) + self.hour_band]
        for kind, code in ((1, self.device), (2, self.place)):
            if code != UNKNOWN:
                rows.append(KINDS[kind][code - 1])
        return tuple(rows)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether lists are better with the effects, on held-out choices, each in the context of its own moment."""

    ndcg_without: float = 0.0  # NDCG@10 over the full catalogue, mean over people
    ndcg_with: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)  # of the difference, 95 %, paired bootstrap over people
    n_people: int = 0
    helps: bool = False

    @property
    def difference(self) -> float:
        return self.ndcg_with - self.ndcg_without


NOT_JUDGED = Verdict()


class ContextPart(NamedTuple):
    """What one cell adds to a film's order score through one of its genres, or through the film itself."""

    cell: str  # one of CELLS
    genre: str  # "" for the film itself
    amount: float

    @property
    def name(self) -> str:
        return f"{self.cell}: {self.genre or 'this film'}"


@dataclass(frozen=True, eq=False)
class ContextEffects:
    """added_j = weight · Σ over cells of (Σ over the film's genres of genre_effect + film_effect).

    The effects are log ratios: at 0.1 a genre is chosen 10 % more often in the cell than usual. ``weight`` turns them
    into units of the order score, whose parts are of unit spread over films. Within each kind of cell they sum to 0,
    weighted by how much is chosen in each.
    """

    genres: GenreTable
    genre_effects: Floats  # (len(CELLS), n_genres)
    film_rows: NDArray[np.int64]  # (n_kept,) ascending: films with enough choices for effects of their own
    film_effects: Floats  # (len(CELLS), n_kept)
    prior_sd: float  # the standard deviation that the genres' effects were shrunk by
    weight: float  # ≥ 0; 0: off
    verdict: Verdict = NOT_JUDGED

    @classmethod
    def off(cls, genres: GenreTable, verdict: Verdict = NOT_JUDGED) -> ContextEffects:
        """Effects that add nothing."""
        none = np.empty(0, np.int64)
        shape = (len(CELLS), len(genres.names))
        return cls(genres, np.zeros(shape, np.float32), none, np.zeros((len(CELLS), 0), np.float32), 0.0, 0.0, verdict)

    @property
    def is_on(self) -> bool:
        return self.weight > 0

    def added(self, context: Context) -> Array:
        """What the moment adds to every film's order score, (n_items,). It is for the films that the version ranks:
        the caller leaves the others where they are."""
        return self.added_in(context.cells)

    def added_in(self, cells: tuple[int, ...]) -> Array:
        """The same for rows of cells, at most one of each kind."""
        added = np.zeros(len(self.genres.membership))
        if not self.is_on:
            return added
        rows = list(cells)
        of_genres = self.genre_effects[rows].sum(axis=0, dtype=np.float64)
        added += self.genres.membership @ of_genres
        added[self.film_rows] += self.film_effects[rows].sum(axis=0, dtype=np.float64)
        return self.weight * added

    def parts(self, context: Context, item: int) -> list[ContextPart]:
        """The same of one film, cell by cell and genre by genre; the amounts sum to what is added. Empty where the
        effects are off; parts of exactly 0 are left out."""
        if not self.is_on:
            return []
        place = int(np.searchsorted(self.film_rows, item))
        has_own = place < len(self.film_rows) and self.film_rows[place] == item
        parts = []
        for cell in context.cells:
            for genre in np.flatnonzero(self.genres.membership[item]).tolist():
                amount = self.weight * float(self.genre_effects[cell, genre])
                parts.append(ContextPart(CELLS[cell], self.genres.names[genre], amount))
            if has_own:
                parts.append(ContextPart(CELLS[cell], "", self.weight * float(self.film_effects[cell, place])))
        return [part for part in parts if part.amount]

    # Storage, as ``ensemble`` has it: arrays and plain numbers.

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "context_genre_effects": self.genre_effects,
            "context_film_rows": self.film_rows,
            "context_film_effects": self.film_effects,
        }

    def settings(self) -> dict[str, Any]:
        low, high = self.verdict.interval
        return {
            "context_prior_sd": self.prior_sd,
            "context_weight": self.weight,
            "context_ndcg_without": self.verdict.ndcg_without,
            "context_ndcg_with": self.verdict.ndcg_with,
            "context_interval_low": low,
            "context_interval_high": high,
            "context_people": self.verdict.n_people,
            "context_helps": self.verdict.helps,
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any], genres: GenreTable
    ) -> ContextEffects:
        """What ``arrays()`` and ``settings()`` describe. ValueError for a wrong shape, dtype or number."""
        by_genre, by_film = arrays["context_genre_effects"], arrays["context_film_effects"]
        rows = arrays["context_film_rows"]
        if by_genre.shape != (len(CELLS), len(genres.names)) or by_film.shape != (len(CELLS), len(rows)):
            raise ValueError("the effects of context do not belong to these cells, genres or films")
        if rows.dtype != np.int64 or by_genre.dtype != np.float32 or by_film.dtype != np.float32:
            raise ValueError("the effects of context are of another type")
        if len(rows) and (rows[0] < 0 or rows[-1] >= len(genres.membership) or (np.diff(rows) <= 0).any()):
            raise ValueError("the films with effects of context are out of order or out of range")
        if not (np.isfinite(by_genre).all() and np.isfinite(by_film).all()):
            raise ValueError("an effect of context is not finite")
        numbers = {name: _number(settings, name) for name in _NUMBERS}
        helps = settings.get("context_helps")
        if not isinstance(helps, bool) or numbers["weight"] < 0 or numbers["prior_sd"] < 0:
            raise ValueError("the weight of context is negative or its verdict is missing")
        verdict = Verdict(
            ndcg_without=numbers["ndcg_without"],
            ndcg_with=numbers["ndcg_with"],
            interval=(numbers["interval_low"], numbers["interval_high"]),
            n_people=int(numbers["people"]),
            helps=helps,
        )
        return cls(genres, by_genre, rows, by_film, numbers["prior_sd"], numbers["weight"], verdict)


_NUMBERS = ("prior_sd", "weight", "ndcg_without", "ndcg_with", "interval_low", "interval_high", "people")


def _number(settings: Mapping[str, Any], name: str) -> float:
    value = settings.get(f"context_{name}")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"setting context_{name} is {value!r}")
    return float(value)
