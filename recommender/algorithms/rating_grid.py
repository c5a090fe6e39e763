"""Ratings in an order that several threads can learn from at once and that nevertheless is one order.

People and films are each divided into g groups, so that the ratings fall into g × g cells. Cells that share neither a
group of people nor one of films touch no row in common: g of them can be worked on at the same time, and whether they
are changes nothing, not a bit (Gemulla et al. 2011, "Large-scale matrix factorization with distributed stochastic
gradient descent"). g depends on the number of ratings alone, so the result does not depend on the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions

# Below this many ratings a thread's share of a round is over before another thread has begun.
RATINGS_FOR_GROUPS = ((300_000, 1), (5_000_000, 2))
MOST_GROUPS = 8
# Ratings are put on so many heaps, by cell and by chance, in two passes without an array of positions. What lies on one
# heap stays in its old order: a few hundred ratings, of nearly as many people where a million are divided.
N_HEAPS = 8192


@dataclass(frozen=True, eq=False)
class RatingGrid:
    """n ratings, cell by cell, in random order within a cell.

    ``user``, ``item``: int32 (n,), row numbers that run group by group, so that threads write to rows far apart;
    ``value``: float32 (n,). Cell (a, b), of the people's group a and the films' group b, is
    ``starts[a * n_groups + b]`` to before the next of ``starts``. Person u has row ``user_row[u]``, film i
    ``item_row[i]``.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    value: NDArray[np.float32]
    starts: NDArray[np.int64]
    n_groups: int
    user_row: NDArray[np.int32]
    item_row: NDArray[np.int32]

    def rounds(self, first: int) -> list[list[int]]:
        """All cells, as rounds of cells that touch no row in common; ``first`` says which round begins."""
        g = self.n_groups
        return [[a * g + (a + first + shift) % g for a in range(g)] for shift in range(g)]


def n_groups_for(n_ratings: int) -> int:
    return next((groups for below, groups in RATINGS_FOR_GROUPS if n_ratings < below), MOST_GROUPS)


def rating_grid(data: Interactions, rng: np.random.Generator, n_groups: int | None = None) -> RatingGrid:
    """``data`` in random order, divided into ``n_groups``² cells of about the same size."""
    g = n_groups or n_groups_for(len(data))
    if g == 1:
        order = rng.permutation(len(data))
        return RatingGrid(
            user=data.user[order],
            item=data.item[order],
            value=data.value[order],
            starts=np.array([0, len(data)], np.int64),
            n_groups=1,
            user_row=np.arange(data.n_users, dtype=np.int32),
            item_row=np.arange(data.n_items, dtype=np.int32),
        )
    user_group, user_row = _groups(data.user_counts, g)
    item_group, item_row = _groups(data.item_counts, g)
    n_cells = g * g
    chances = max(1, N_HEAPS // n_cells)
    seed = rng.integers(0, 2**64, dtype=np.uint64)
    heap_counts = _count_heaps(data.user, data.item, user_group, item_group, seed, g, chances)
    ends = np.cumsum(heap_counts)
    user, item = np.empty_like(data.user), np.empty_like(data.item)
    value = np.empty_like(data.value)
    places = ends - heap_counts
    _to_heaps(data.user, data.item, data.value, user_group, item_group, user_row, item_row, seed, g, chances, places,
              user, item, value)  # fmt: skip
    return RatingGrid(
        user=user,
        item=item,
        value=value,
        starts=np.concatenate([[0], ends[chances - 1 :: chances]]),
        n_groups=g,
        user_row=user_row,
        item_row=item_row,
    )


@numba.njit(nogil=True, cache=True)
def _chance(seed, t, chances):  # type: ignore[no-untyped-def]
    """A number below ``chances``, by chance but the same in both passes: SplitMix64 (Steele, Lea & Flood 2014)."""
    z = seed + np.uint64(t + 1) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((z ^ (z >> np.uint64(31))) % np.uint64(chances))


@numba.njit(nogil=True, cache=True)
def _count_heaps(user, item, user_group, item_group, seed, g, chances):  # type: ignore[no-untyped-def]
    counts = np.zeros(g * g * chances, np.int64)
    for t in range(len(user)):
        cell = user_group[user[t]] * g + item_group[item[t]]
        counts[cell * chances + _chance(seed, t, chances)] += 1
    return counts


@numba.njit(nogil=True, cache=True)
def _to_heaps(  # type: ignore[no-untyped-def]
    user, item, value, user_group, item_group, user_row, item_row, seed, g, chances, places,
    user_out, item_out, value_out,
):  # fmt: skip
    """Puts each rating on its heap; ``places`` are the heaps' beginnings, and move to their ends."""
    for t in range(len(user)):
        u, i = user[t], item[t]
        heap = (user_group[u] * g + item_group[i]) * chances + _chance(seed, t, chances)
        place = places[heap]
        places[heap] = place + 1
        user_out[place] = user_row[u]
        item_out[place] = item_row[i]
        value_out[place] = value[t]


def _groups(counts: NDArray[np.int64], n_groups: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Each one's group, (n,), so that the groups have about as many ratings; and its row, group by group."""
    by_count = np.argsort(-counts, kind="stable")
    place = np.arange(len(counts))
    lap, seat = np.divmod(place, n_groups)
    group = np.empty(len(counts), np.uint8)
    # There and back again: whoever chose first in one lap chooses last in the next.
    group[by_count] = np.where(lap % 2 == 0, seat, n_groups - 1 - seat)
    row = np.empty(len(counts), np.int32)
    row[np.argsort(group, kind="stable")] = place
    return group, row
