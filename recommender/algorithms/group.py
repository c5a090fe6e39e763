"""One list for a few people: average without misery, in fair turns.

*Average without misery*: a film is as good as the mean of what everybody is expected to give it, and one that anybody
is expected to give less than a threshold is ruled out (J. Masthoff: Group modeling: selecting a sequence of television
items to suit a group of viewers, UMUAI 14, 2004; Group recommender systems, in Recommender Systems Handbook, 2011).

*Fair turns*: the list is filled greedily as GreedyLM does, the best mean over people plus the least served one's share
(L. Xiao et al.: Fairness-aware group recommendation with Pareto-efficiency, RecSys 2017). Where they divide what
somebody gets by what they could have had, we take the difference, in stars, since that adds up over evenings: a
person's *balance* is the sum, over the films watched together and the places filled so far, of

    expected stars of that film − their reach (the mean of the films that a list for them alone would hold)

and the next film is the one with the highest mean over people of balances after it + fairness · the lowest of them.

Nothing here depends on the order in which the people come: sums over people are taken of sorted values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import MAX_RATING, MIN_RATING

Array = NDArray[np.float64]

# Nobody should sit through a film that they are expected to give less.
MISERY_THRESHOLD = 3.0
THRESHOLD_STEP = 0.5
# What a star for the least served counts beside a star for everybody. In lists of ten for sixty random groups of four
# of the demo's people it takes the worst-off's shortfall from 0.34 to 0.27 stars a film, for 0.01 of the mean; twice
# as much gains nothing more.
FAIRNESS = 0.5
# What is expected beyond the end of the scale makes nobody happier; it only tells films at the end apart.
_BEYOND_THE_SCALE = 1e-3


@dataclass(frozen=True, eq=False)
class GroupList:
    """``rows``: (n,) films, the first first. ``threshold``: nobody is expected to give one of them less;
    ``asked_threshold``: what it was before it had to be lowered."""

    rows: NDArray[np.intp]
    threshold: float
    asked_threshold: float

    @property
    def is_relaxed(self) -> bool:
        return self.threshold < self.asked_threshold


def group_list(
    stars: Array,
    eligible: NDArray[np.bool_],
    n: int,
    *,
    balance: Array | None = None,
    threshold: float = MISERY_THRESHOLD,
    fairness: float = FAIRNESS,
) -> GroupList:
    """The ``n`` films for all of them, fewer only if fewer are eligible.

    ``stars``: (n_people, n_items) what everybody is expected to give, unclipped. ``eligible``: (n_items,).
    ``balance``: (n_people,) what they bring from films watched before, in stars; none by default. The threshold is
    lowered step by step until ``n`` films remain. One person alone gets their own order by expected stars.
    """
    if not len(stars):
        raise ValueError("A list for nobody.")
    candidates = np.flatnonzero(eligible)
    n = min(n, len(candidates))
    if n <= 0:
        return GroupList(np.empty(0, np.intp), threshold, threshold)
    least = np.clip(stars[:, candidates].min(axis=0), MIN_RATING, MAX_RATING)
    held = threshold
    while np.count_nonzero(least >= held) < n:
        held = max(held - THRESHOLD_STEP, MIN_RATING)
    candidates = candidates[least >= held]
    gain = worth(stars[:, candidates]) - reach(stars, eligible, n)[:, None]
    balance = np.zeros(len(stars)) if balance is None else balance
    free = np.ones(len(candidates), np.bool_)
    places = []
    for _ in range(n):
        after = balance[:, None] + gain
        value = mean_over_people(after) + fairness * after.min(axis=0)
        place = int(np.argmax(np.where(free, value, -np.inf)))
        free[place] = False
        balance = after[:, place]
        places.append(place)
    return GroupList(candidates[places], held, threshold)


def worth(stars: Array) -> Array:
    """Expected stars within the scale, and a trace of what lies beyond it. Shape of ``stars``."""
    within = np.clip(stars, MIN_RATING, MAX_RATING)
    worth: Array = within + _BEYOND_THE_SCALE * (stars - within)
    return worth


def reach(stars: Array, eligible: NDArray[np.bool_], n: int) -> Array:
    """The mean of everybody's own best ``n`` eligible films, (n_people,); 0 where there is none."""
    own = np.sort(worth(stars[:, eligible]), axis=1)[:, ::-1][:, :n]
    if not own.shape[1]:
        return np.zeros(len(stars))
    mean: Array = own.mean(axis=1)
    return mean


def balances(stars: Array, present: NDArray[np.bool_], reach: Array) -> Array:
    """What everybody brings from films watched before, in stars, (n_people,).

    ``stars`` (n_people, n_films) of these films, ``present`` likewise: who was in the room. Somebody who was not is
    taken to have fared as the others did on average, so that coming late is neither a loss nor a gain.
    """
    total = np.zeros(len(stars))
    for film in range(stars.shape[1]):
        there = present[:, film]
        if not there.any():
            continue
        fared = worth(stars[:, film]) - reach
        total += np.where(there, fared, np.sort(fared[there]).mean())
    return total


def mean_over_people(values: Array) -> Array:
    """The mean over the first axis, the same to the last digit in whatever order the people come."""
    mean: Array = np.sort(values, axis=0).mean(axis=0)
    return mean
