"""What a person may ask of their list beside what suits them best: better or less known films, new ground, an age.

A control adds to the order score of the films that the version ranks. Scores are sums of parts of unit spread over
films, and so is every trait that a control goes by: at 1, a film one standard deviation from the average one gains
STRENGTH times the spread of the ranker's word. Films that the version does not rank are left where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, Floats
from recommender.algorithms.ranking import inverse_spread

# Measured on the demo ratings: at 1, novelty and obscurity exchange about eight films of ten, age three to five.
STRENGTH = 2.0
# So many standard deviations from the average year count at most: the oldest films are few and very old.
_MAX_YEARS_APART = 2.0


@dataclass(frozen=True, slots=True)
class Controls:
    """How somebody has set them. Raises ValueError for what is out of range, NaN included."""

    popularity: float = 0.0  # from −1, obscure, to 1, well known
    novelty: float = 0.0  # to 1, far from what one rated
    recency: float = 0.0  # from −1, older, to 1, newer
    diversity: float = 0.0  # to 1, each film unlike those before it
    since: int | None = None  # the first year whose ratings count; None: all

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "popularity": (-1.0, 1.0),
        "novelty": (0.0, 1.0),
        "recency": (-1.0, 1.0),
        "diversity": (0.0, 1.0),
    }

    def __post_init__(self) -> None:
        for name, (low, high) in self.RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)!r} and must be from {low} to {high}")

    @property
    def moves_scores(self) -> bool:
        """Whether any of them adds to scores."""
        return bool(self.popularity or self.novelty or self.recency)


UNCHANGED = Controls()


@dataclass(frozen=True, eq=False)
class Trait:
    """Something that films differ in, of unit spread over the films that are ranked.

    ``centre`` and ``factor`` make any film's figure comparable; ``bound`` is how far from 0 one may be at most.
    """

    centre: float
    factor: float
    bound: float = np.inf

    @classmethod
    def over(cls, figures: Array, bound: float = np.inf) -> Trait:
        """``figures``: (n,), NaN where unknown. Where nothing differs, no film stands out."""
        known = figures[~np.isnan(figures)]
        return cls(float(known.mean()) if len(known) else 0.0, inverse_spread(known), bound)

    def of(self, figures: Array) -> Array:
        """(n,), 0 for films of which it is not known."""
        apart = np.clip((figures - self.centre) * self.factor, -self.bound, self.bound)
        return np.where(np.isnan(figures), 0.0, apart)


def known_by(counts: NDArray[np.int64]) -> Array:
    """How well known films are, (n,): log₂(1 + ratings)."""
    return np.log2(1.0 + counts)


def popularity_trait(counts: NDArray[np.int64]) -> Trait:
    """``counts``: (n_ranked,) ratings of the ranked films."""
    return Trait.over(known_by(counts))


def recency_trait(years: Array) -> Trait:
    """``years``: (n_ranked,) of the ranked films, NaN where unknown."""
    return Trait.over(years, _MAX_YEARS_APART)


def distance_from(history: Floats, films: Floats) -> Array:
    """How far each film is from the nearest one of a history, (n,): 1 − the largest cosine; 0 without a history.

    ``history`` (m, d), ``films`` (n, d): rows of length 1.
    """
    if not len(history):
        return np.zeros(len(films))
    return 1.0 - (history @ films.T).max(axis=0).astype(np.float64)


def novelty(distances: Array, candidates: NDArray[np.bool_]) -> Array:
    """``distances`` (n,) with unit spread over the ``candidates`` (n,): films that one has rated would stretch it."""
    return Trait.over(np.where(candidates, distances, np.nan)).of(distances)


def directions(characters: Any) -> Floats:
    """Rows of length 1, (n, d); a row of zeros stays one."""
    lengths = np.linalg.norm(characters, axis=1, keepdims=True)
    unit: Floats = (characters / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return unit
