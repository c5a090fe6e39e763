"""How many ratings of new accounts a film may have: what keeps a group of fresh accounts from pushing it.

Of all ratings, a share p is by accounts younger than NEW_FOR. A film with n ratings by everybody else may expect
p / (1 − p) · n of them; up to ALLOWANCE + FACTOR times that many count, the earliest first, in trainings, with films
that came since, in what is popular and in what is best rated. On a young site nearly everybody is new, p is near 1, and
all count. What a person rated counts for that person in any case.

People who came with an import count as established: an operator brought them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from numpy.typing import NDArray

from cinema.models import Rating, User

NEW_FOR = timedelta(days=30)
ALLOWANCE = 5
FACTOR = 3.0


def new_accounts(until: datetime) -> QuerySet[User]:
    """Accounts that were younger than NEW_FOR at ``until``."""
    return User.objects.people().filter(date_joined__gt=until - NEW_FOR)


def odds_of_new(n_new: int, n_all: int) -> float:
    """p / (1 − p) of the module's text; infinite where there is nobody else."""
    return n_new / (n_all - n_new) if n_all > n_new else np.inf


def allowed_new(n_established: NDArray[np.int64] | int, odds: float) -> NDArray[np.float64]:
    """How many ratings by new accounts count, for films with ``n_established`` others, (n_films,)."""
    if not settings.INFLUX_GUARD or np.isinf(odds):
        return np.full(np.shape(n_established), np.inf)
    allowed: NDArray[np.float64] = ALLOWANCE + FACTOR * odds * np.asarray(n_established, np.float64)
    return allowed


def counting(
    film: NDArray[np.integer], is_new: NDArray[np.bool_], time: NDArray[np.integer], n_films: int
) -> NDArray[np.bool_]:
    """Which of n ratings count, (n,). ``film``: row numbers below ``n_films``; ``time`` decides who came first, then
    the order in which they stand."""
    keep = np.ones(len(film), np.bool_)
    new = np.flatnonzero(is_new)
    if not len(new):
        return keep
    allowed = allowed_new(np.bincount(film[~is_new], minlength=n_films), odds_of_new(len(new), len(film)))
    by_film = new[np.lexsort((new, time[new], film[new]))]
    films = film[by_film]
    starts = np.flatnonzero(np.r_[True, films[1:] != films[:-1]])
    place = np.arange(len(films)) - np.repeat(starts, np.diff(np.r_[starts, len(films)]))
    keep[by_film[place >= allowed[films]]] = False
    return keep


def beyond(until: datetime, movie_ids: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Ratings that do not count, as rows of ``movie_ids`` (ascending) and their stars doubled, (n,) each.

    ``counts``: how many ratings each film has. Reads the ratings of new accounts and no others.
    """
    found = Rating.objects.filter(user__in=new_accounts(until), rated_at__lte=until).order_by("rated_at", "pk")
    rows = np.array([(film, 2 * value) for film, value in found.values_list("movie_id", "value")], np.int64)
    rows = rows.reshape(-1, 2)
    film = np.searchsorted(movie_ids, rows[:, 0])
    known = (film < len(movie_ids)) & (movie_ids[np.minimum(film, len(movie_ids) - 1)] == rows[:, 0])
    film, halves = film[known], rows[known, 1]
    n_new = np.bincount(film, minlength=len(movie_ids))
    allowed = allowed_new(np.maximum(0, counts - n_new), odds_of_new(len(film), int(counts.sum())))
    order = np.argsort(film, kind="stable")
    place = np.empty(len(film), np.int64)
    sorted_films = film[order]
    place[order] = np.arange(len(film)) - np.searchsorted(sorted_films, sorted_films)
    out = place >= allowed[film]
    return film[out], halves[out]
