"""What everybody's ratings say of each film: counted in the database, kept in the process for a few minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from django.db.models import BigIntegerField, Count, Exists, ExpressionWrapper, F, IntegerField, OuterRef
from django.db.models.functions import Cast
from django.utils import timezone
from numpy.typing import NDArray

from cinema.figure_cache import cached_figures
from cinema.models import MIN_PEOPLE, RATING_VALUES, Rating, User

# A rating is written with the time at which its transaction began, and seen a little later.
SETTLING_TIME = timedelta(minutes=1)
LEVELS = np.array(RATING_VALUES)
# More than there are values.
_STEP = 16


@dataclass(frozen=True, eq=False)
class Crowd:
    """``tallies``: (n_films, 10), how many people gave each film each of the ten values; the films are those with a
    rating. ``people_by_level``: (10,) how many people gave each value to some film, exact where they are fewer than
    MIN_PEOPLE, else perhaps fewer than there are."""

    as_of: datetime
    n_people: int
    movie_ids: NDArray[np.int64]  # (n_films,) ascending
    tallies: NDArray[np.int64]
    people_by_level: NDArray[np.int64]

    @property
    def settled_until(self) -> datetime:
        """Ratings that were last changed until then are counted as they are now."""
        return self.as_of - SETTLING_TIME

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Ratings of each film, (n_films,)."""
        return self.tallies.sum(axis=1)

    @cached_property
    def sums(self) -> NDArray[np.float64]:
        """Stars of each film together, (n_films,)."""
        return self.tallies @ LEVELS

    @property
    def n_ratings(self) -> int:
        return int(self.tallies.sum())

    @property
    def mean(self) -> float | None:
        """Of all ratings; None without one."""
        return float(self.sums.sum()) / self.n_ratings if self.n_ratings else None

    @property
    def is_shown(self) -> bool:
        """Whether there are enough people for anything to be said of all of them."""
        return self.n_people >= MIN_PEOPLE

    def distribution(self) -> list[int | None]:
        """Ratings at each of the ten values; None where fewer than MIN_PEOPLE people stand behind them."""
        return [
            int(n) if people >= MIN_PEOPLE or not n else None
            for n, people in zip(self.tallies.sum(axis=0), self.people_by_level, strict=True)
        ]

    def rows(self, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row numbers of films, −1 for one that nobody has rated."""
        if not len(self.movie_ids):
            return np.full(len(movie_ids), -1, np.int64)
        places = np.minimum(np.searchsorted(self.movie_ids, movie_ids), len(self.movie_ids) - 1)
        return np.where(self.movie_ids[places] == movie_ids, places, -1)


def crowd() -> Crowd:
    """As of at most a few minutes ago."""
    return cached_figures("crowd", Crowd, count_crowd)


def count_crowd() -> Crowd:
    """Counted now: one pass over all ratings, in the database."""
    as_of = timezone.now()
    # One whole number for film and value: SQLite would take the index of films for the pair, and look up every rating
    # by itself. On 2.75 million ratings this takes 2 s instead of 7.
    cell = F("movie_id") * _STEP + Cast(F("value") * 2, IntegerField())
    rated = Rating.objects.order_by().annotate(cell=ExpressionWrapper(cell, BigIntegerField()))
    rows = rated.values_list("cell").annotate(n=Count("pk")).iterator()
    cells = np.fromiter(rows, dtype=[("cell", np.int64), ("n", np.int64)])
    movie_ids, row = np.unique(cells["cell"] // _STEP, return_inverse=True)
    tallies = np.zeros((len(movie_ids), len(LEVELS)), np.int64)
    tallies[row, cells["cell"] % _STEP - 1] = cells["n"]
    people = User.objects.filter(Exists(Rating.objects.filter(user=OuterRef("pk"))))
    return Crowd(
        as_of=as_of,
        n_people=people.count(),
        movie_ids=movie_ids,
        tallies=tallies,
        people_by_level=_people_by_level(tallies),
    )


def _people_by_level(tallies: NDArray[np.int64]) -> NDArray[np.int64]:
    # Nobody rates a film twice, so a film's tally at a value is a number of people. Where no film's is large enough
    # there are few ratings, and the people can be counted.
    found = tallies.max(axis=0, initial=0)
    unclear = LEVELS[(found < MIN_PEOPLE) & (tallies.sum(axis=0) > 0)]
    if len(unclear):
        ratings = Rating.objects.filter(value__in=unclear.tolist()).order_by()
        for value, people in ratings.values_list("value").annotate(people=Count("user", distinct=True)):
            found[round(2 * value) - 1] = people
    return found
