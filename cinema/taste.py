"""What somebody's ratings tell of their taste, beside what others gave the same films. Pure computing.

Let r_i be the stars they gave film i and c_i the mean of what at least MIN_PEOPLE others gave it. d_i = r_i − c_i is
how far they are from the crowd there; films with fewer others have no d_i and count as rated only.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from cinema.models import RATING_VALUES
from cinema.own_ratings import OwnRating

# Films on which the person would have agreed with the crowd that are assumed of each genre and each decade beside the
# real ones: one film says little, twenty say nearly all.
SHRINKAGE = 5.0
# So many films that others rated as well before anybody is called generous or strict …
MIN_COMPARED = 5
# … and so many stars on average, for less would be felt by nobody.
NOTICEABLE = 0.1


@dataclass(frozen=True, slots=True)
class GroupTaste:
    """Ratings of one genre or decade."""

    name: str
    n: int
    mean: float
    n_compared: int  # of them with a difference to the crowd
    crowd_mean: float | None  # the crowd's mean on those
    shrunken: float | None  # Σ d_i / (n_compared + SHRINKAGE); None where n_compared is 0


def genre_tastes(ratings: Sequence[OwnRating]) -> list[GroupTaste]:
    """One for each genre, those rated higher than by the crowd first. A film counts for each of its genres."""
    tastes = _tastes(ratings, lambda rating: rating.genres)
    return sorted(tastes, key=lambda one: (one.shrunken is None, -(one.shrunken or 0.0), -one.n, one.name))


def decade_tastes(ratings: Sequence[OwnRating]) -> list[GroupTaste]:
    """One for each decade of film, by its first year, the oldest first. Films without a year are left out."""
    tastes = _tastes(ratings, lambda rating: () if rating.year is None else (str(rating.year // 10 * 10),))
    return sorted(tastes, key=lambda one: int(one.name))


def _tastes(ratings: Sequence[OwnRating], names: Callable[[OwnRating], Iterable[str]]) -> list[GroupTaste]:
    groups: dict[str, list[OwnRating]] = defaultdict(list)
    for rating in ratings:
        for name in names(rating):
            groups[name].append(rating)
    return [_taste(name, members) for name, members in groups.items()]


def _taste(name: str, members: Sequence[OwnRating]) -> GroupTaste:
    crowd = [rating.others_mean for rating in members if rating.others_mean is not None]
    differences = _differences(members)
    return GroupTaste(
        name=name,
        n=len(members),
        mean=sum(rating.value for rating in members) / len(members),
        n_compared=len(crowd),
        crowd_mean=sum(crowd) / len(crowd) if crowd else None,
        shrunken=sum(differences) / (len(differences) + SHRINKAGE) if differences else None,
    )


def _differences(ratings: Iterable[OwnRating]) -> list[float]:
    return [rating.difference for rating in ratings if rating.difference is not None]


class Verdict(StrEnum):
    UNKNOWN = "unknown"  # too few films that others rated as well
    ALIKE = "alike"
    GENEROUS = "generous"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Level:
    """Whether somebody gives more or fewer stars than others do for the same films.

    ``mean``: of d_i. ``low``, ``high``: its 95 % interval, mean ± 1.96·s/√n. ``distance``: mean of |d_i|.
    """

    n_compared: int
    mean: float
    low: float
    high: float
    distance: float

    @property
    def verdict(self) -> Verdict:
        if self.n_compared < MIN_COMPARED:
            return Verdict.UNKNOWN
        if self.mean >= NOTICEABLE and self.low > 0:
            return Verdict.GENEROUS
        if self.mean <= -NOTICEABLE and self.high < 0:
            return Verdict.STRICT
        return Verdict.ALIKE


def level(ratings: Iterable[OwnRating]) -> Level:
    differences = np.array(_differences(ratings))
    n = len(differences)
    if not n:
        return Level(0, 0.0, 0.0, 0.0, 0.0)
    mean = float(differences.mean())
    margin = 1.96 * float(differences.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Level(n, mean, mean - margin, mean + margin, float(np.abs(differences).mean()))


def against_the_crowd(ratings: Iterable[OwnRating], n: int) -> list[OwnRating]:
    """The ``n`` films on which the person is farthest from the others, the farthest first; of two equally far the one
    that more people rated."""
    compared = [rating for rating in ratings if rating.difference]
    return sorted(compared, key=lambda one: (-abs(one.difference or 0.0), -one.n_others, one.movie_id))[:n]


def counts_by_value(ratings: Iterable[OwnRating]) -> list[int]:
    """How often each of the ten values was given."""
    counts = dict.fromkeys(RATING_VALUES, 0)
    for rating in ratings:
        counts[rating.value] += 1
    return list(counts.values())
