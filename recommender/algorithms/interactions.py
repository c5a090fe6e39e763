"""Ratings as arrays: the one form in which the algorithms see data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The scale of every rating in the system; predictions are clipped to it.
MIN_RATING = 0.5
MAX_RATING = 5.0
# A film rated this high is one the person liked: "relevant" in the ranking measures.
RELEVANT = 4.0

_BLOCK_ROWS = 1_000_000


@dataclass(frozen=True, eq=False)
class Interactions:
    """n ratings in coordinate form.

    ``user``, ``item``: int32, shape (n,), row numbers below ``n_users`` and ``n_items``. ``value``: float32, stars.
    ``time``: seconds since 1970, when the person first rated the film; int64, or uint32 where all of them fit, which
    are to be compared and sorted, not reckoned with. At most one rating a (user, item).
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    value: NDArray[np.float32]
    time: NDArray[np.integer[Any]]
    n_users: int
    n_items: int

    def __post_init__(self) -> None:
        n = len(self.user)
        if not (len(self.item) == len(self.value) == len(self.time) == n):
            raise ValueError("user, item, value and time must have the same length")
        if n and not (self.user.min() >= 0 and self.user.max() < self.n_users):
            raise ValueError("a user number is out of range")
        if n and not (self.item.min() >= 0 and self.item.max() < self.n_items):
            raise ValueError("an item number is out of range")

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Interactions:
        """The given rows (mask or positions), with the same numbering of users and items."""
        return Interactions(
            self.user[rows], self.item[rows], self.value[rows], self.time[rows], self.n_users, self.n_items
        )

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """Ratings a film has, shape (n_items,)."""
        return _counts(self.item, self.n_items)

    @cached_property
    def user_counts(self) -> NDArray[np.int64]:
        """Ratings a person gave, shape (n_users,)."""
        return _counts(self.user, self.n_users)

    @cached_property
    def _order_by_user(self) -> NDArray[np.intp]:
        return np.argsort(self.user, kind="stable")

    @cached_property
    def _user_starts(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.user_counts)])

    def rows_of(self, user: int | np.integer[Any]) -> NDArray[np.intp]:
        """Positions of one person's ratings, in the order in which they are stored."""
        return self.rows_between(user, user + 1)

    def rows_between(self, first: int | np.integer[Any], end: int | np.integer[Any]) -> NDArray[np.intp]:
        """Positions of the ratings of the people from ``first`` to before ``end``, person by person."""
        return self._order_by_user[self._user_starts[first] : self._user_starts[end]]


def _counts(rows: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """How often each row number below ``n`` occurs; in blocks, since bincount copies what it counts to 64 bits."""
    counts = np.zeros(n, np.int64)
    for start in range(0, len(rows), _BLOCK_ROWS):
        counts += np.bincount(rows[start : start + _BLOCK_ROWS], minlength=n)
    return counts
