"""Ratings that several models may fairly be judged by: none of them was fitted on any.

Of each person, a model's twin was kept from the ratings from some moment on (``KeptFrom``). Whatever lies at or after
that moment for every model is the common test; what lies before is the history that all of them are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions
from recommender.algorithms.splits import Split

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class KeptFrom:
    """From which rating of each person on a model knows nothing: (time, film id), both (n_users,)."""

    time: NDArray[np.int64]
    film: NDArray[np.int64]

    @classmethod
    def newer_than(cls, seconds: int, n_users: int) -> KeptFrom:
        """A model without a twin knows every rating up to that second, and that second counts as known."""
        return cls(np.full(n_users, seconds + 1), np.full(n_users, -1))

    def unseen(self, data: Interactions, movie_ids: NDArray[np.int64]) -> Mask:
        """Which ratings the model cannot have been fitted on, (n,)."""
        time, film = self.time[data.user], self.film[data.user]
        later = data.time > time
        unseen: Mask = later | ((data.time == time) & (movie_ids[data.item] >= film))
        return unseen


def first_tests(split: Split, movie_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Of everybody with test ratings, the first by time and film: (users, times, film ids)."""
    test = split.test
    film = movie_ids[test.item]
    order = np.lexsort((film, test.time, test.user))
    users, first = np.unique(test.user[order], return_index=True)
    rows = order[first]
    return users.astype(np.int64), test.time[rows].astype(np.int64), film[rows]


@dataclass(frozen=True, eq=False)
class CommonTest:
    """``data`` divided into what every model is given and what every model is asked; both hold only films that all of
    them know."""

    given: Interactions
    asked: Interactions
    n_unknown: int  # test ratings left out because some model does not know the film
    rows_given: NDArray[np.intp]  # positions in ``data``

    @property
    def people(self) -> NDArray[np.intp]:
        """Who has anything to be judged by, and a history."""
        return np.flatnonzero((self.asked.user_counts > 0) & (self.given.user_counts > 0))


def common_test(data: Interactions, unseen: Sequence[Mask], known: Sequence[Mask]) -> CommonTest:
    """``unseen``: (n,) of each model, ``known``: (n_items,) which films each model has."""
    fair = np.logical_and.reduce(unseen)
    film_known = np.logical_and.reduce(known)[data.item]
    given = np.flatnonzero(~fair & film_known)
    return CommonTest(
        given=data.take(given),
        asked=data.take(fair & film_known),
        n_unknown=int((fair & ~film_known).sum()),
        rows_given=given,
    )


def renumbered(data: Interactions, rows: NDArray[np.int64], n_items: int) -> Interactions:
    """The same ratings with a model's own numbers of films. ``rows``: (data.n_items,), no −1 for a film of ``data``."""
    return Interactions(data.user, rows[data.item].astype(np.int32), data.value, data.time, data.n_users, n_items)
