"""Discovery slots: places of a list given to films that would otherwise be shown to nobody, each to whom it suits best.

Somebody's score for a film is made comparable over films by standardizing it over people. A price per film, learned
when training like in an auction, rises with demand and falls without it, until each film finds its people; at serving
a slot shows the film with the highest score less price, so no assignment over people is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array
from recommender.algorithms.metrics import K, top_k
from recommender.algorithms.score_moments import mean_and_sd

# The share of recommendable films that somebody's list should show.
COVERAGE_TARGET = 0.70
MAX_SLOTS = 3
# Prices are learned on at most this many people.
MAX_PEOPLE = 2000
_ROUNDS = 150
_AT_ONCE = 16
_STEP = 0.05  # of the first round, in standard deviations of the values
SMALL = 1e-6


@dataclass(frozen=True, eq=False)
class Discovery:
    """``slots``: places in ten. ``offered``: uint8 (n_items,) 1 for films that the slots may show. ``mean``, ``sd``,
    ``price``: float32 (n_items,), of people's standardized scores."""

    slots: int
    offered: NDArray[np.uint8]
    mean: NDArray[np.float32]
    sd: NDArray[np.float32]
    price: NDArray[np.float32]

    @cached_property
    def ordinary_price(self) -> float:
        """That of half of the films that the slots may show."""
        offered = self.price[self.offered > 0]
        return float(np.median(offered)) if len(offered) else 0.0

    def spread(self, films: NDArray[np.intp], n_items: int) -> Discovery:
        """The same for a catalogue of ``n_items``, of which these arrays' films are ``films``."""

        def over(values: NDArray[np.floating[Any]] | NDArray[np.uint8]) -> Any:
            wide = np.zeros(n_items, values.dtype)
            wide[films] = values
            return wide

        return Discovery(self.slots, over(self.offered), over(self.mean), over(self.sd), over(self.price))

    def n_places(self, n: int, slots: int | None = None) -> int:
        """How many of a list's ``n`` places are discoveries: ``slots`` in every full ten."""
        return (self.slots if slots is None else slots) * (n // K)

    def values(self, scores: Array) -> Array:
        """What a slot is given by, (n_items,): −inf for films that are not offered or ruled out by ``scores``."""
        values = np.full(len(scores), -np.inf)
        mean, sd = _moments(scores[self._told])
        films = self._may_show
        standing = ((scores[films] - mean) / sd - self.mean[films]) / (self.sd[films] + SMALL)
        values[films] = standing - self.price[films]
        return values

    @cached_property
    def _told(self) -> NDArray[np.intp]:
        """Rows of the films whose scores differ between people: as in training, what is standardized over."""
        return np.flatnonzero(self.sd > 0)

    @cached_property
    def _may_show(self) -> NDArray[np.intp]:
        """Those of them that the slots may show."""
        return np.flatnonzero((self.offered > 0) & (self.sd > 0))

    def list_of(
        self, scores: Array, n: int = K, slots: int | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """A list of ``n`` films and which of its places are discoveries."""
        places = self.n_places(n, slots)
        ranked = top_k(scores, n)
        values = self.values(scores)
        values[ranked[: n - places]] = -np.inf
        return interleave(ranked, top_k(values, places), n)


def interleave(
    ranked: NDArray[np.intp], discoveries: NDArray[np.intp], n: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The discoveries at the end of each ten places, the ranked films before them; which places are discoveries.

    ``ranked`` may hold more films than there are places; none is shown twice.
    """
    tens = n // K
    per_ten = -(-len(discoveries) // tens) if tens else 0
    taken = set(discoveries.tolist())
    rest = iter([film for film in ranked.tolist() if film not in taken])
    waiting = iter(discoveries.tolist())
    films: list[int] = []
    marks: list[bool] = []
    for place in range(n):
        is_slot = place < tens * K and place % K >= K - per_ten
        film = next(waiting, None) if is_slot else next(rest, None)
        if film is None:
            # The one kind has run out; the other fills the list.
            is_slot = not is_slot
            film = next(waiting, None) if is_slot else next(rest, None)
        if film is None:
            break
        films.append(film)
        marks.append(is_slot)
    return np.array(films, dtype=np.intp), np.array(marks, dtype=np.bool_)


def _standardized(scores: Array) -> Array:
    """One person's scores less their mean, by their standard deviation, over films that are not ruled out."""
    mean, sd = _moments(scores)
    standardized: Array = (scores - mean) / sd
    return standardized


def _moments(scores: Array) -> tuple[float, float]:
    """Mean and standard deviation, SMALL more than it is, of the films that are not ruled out."""
    possible = scores[scores > -np.inf]
    if not len(possible):
        return 0.0, 1.0
    mean, sd = mean_and_sd(possible)
    return mean, sd + SMALL


def learn_discovery(scores: Array, recommendable: NDArray[np.bool_], slots: int | None = None) -> Discovery:
    """Prices from the order scores of people, and how many slots the coverage target needs (unless given).

    ``scores``: (n_people, n_items), −inf for films that a person has rated. ``recommendable``: (n_items,).
    """
    n_items = len(recommendable)
    # With nobody to show films to there is nothing to cover.
    needed = COVERAGE_TARGET * int(recommendable.sum()) if len(scores) else 0
    standardized = np.array([_standardized(row) for row in scores]).reshape(len(scores), n_items)
    possible = standardized > -np.inf
    known = np.maximum(possible.sum(axis=0), 1)
    mean = np.where(possible, standardized, 0.0).sum(axis=0) / known
    sd = np.sqrt((np.where(possible, standardized - mean, 0.0) ** 2).sum(axis=0) / known)
    values = np.where(possible, (standardized - mean) / (sd + SMALL), -np.inf).astype(np.float32)
    rankings = [top_k(row) for row in scores]
    best: tuple[int, NDArray[np.intp], NDArray[np.float32]] = (0, np.empty(0, np.intp), np.empty(0, np.float32))
    for count in range(MAX_SLOTS + 1) if slots is None else [slots]:
        shown = np.zeros(n_items, np.bool_)
        for ranking in rankings:
            shown[ranking[: K - count]] = True
        hidden = np.flatnonzero(recommendable & ~shown)
        # Without slots there are prices all the same, for whoever asks for one.
        prices, found = _prices(values[:, hidden], max(1, count))
        best = (count, hidden, prices)
        covered = int((shown & recommendable).sum()) + (found if count else 0)
        if covered >= needed:
            break
    count, hidden, prices = best
    offered, price = np.zeros(n_items, np.uint8), np.zeros(n_items, np.float32)
    offered[hidden], price[hidden] = 1, prices
    return Discovery(count, offered, mean.astype(np.float32), sd.astype(np.float32), price)


def _prices(values: NDArray[np.float32], slots: int) -> tuple[NDArray[np.float32], int]:
    """Prices under which people's choices spread over most films, and over how many.

    Subgradient steps on the logarithm of demand by its even share, with shrinking steps; the best round is kept.
    """
    n_people, n_films = values.shape
    prices = np.zeros(n_films, np.float32)
    if not n_people or n_films <= slots:
        return prices, n_films if n_people else 0
    even = max(1.0, n_people * slots / n_films)
    step = float(values[values > -np.inf].std())
    values = np.ascontiguousarray(values)  # columns that were picked out lie the other way
    best, most = prices.copy(), -1
    for number in range(_ROUNDS):
        # A few people at a time stay in the cache.
        chosen = [_chosen(values[first : first + _AT_ONCE] - prices, slots) for first in range(0, n_people, _AT_ONCE)]
        demand = np.bincount(np.concatenate(chosen), minlength=n_films)
        found = int(np.count_nonzero(demand))
        if found > most:
            best, most = prices.copy(), found
        push = np.clip(np.log((demand + 0.3) / even), -2, 3)
        prices = (prices + step * _STEP * push / np.sqrt(1 + number / 30)).astype(np.float32)
    return best, most


def _chosen(worth: NDArray[np.float32], slots: int) -> NDArray[np.intp]:
    """Columns of the ``slots`` highest values of each row, all in one; changes ``worth``. For so few, one search for
    the highest after the other takes a fraction of what a partition does."""
    rows, chosen = np.arange(len(worth)), []
    for _ in range(slots):
        highest = worth.argmax(axis=1)
        chosen.append(highest)
        worth[rows, highest] = -np.inf
    return np.concatenate(chosen)
