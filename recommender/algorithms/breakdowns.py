"""For whom and for which films a figure holds: groups of people by how much they rated, of films by how often.

One figure over everybody hides who pays for it. The thresholds are fixed, so that versions can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions

# Training ratings: a newcomer has fewer than the first, a heavy rater the second or more, casual is between.
CASUAL_FROM = 20
HEAVY_FROM = 100


@dataclass(frozen=True, eq=False)
class Group:
    """``members``: bool, (n_users,) of people or (n_items,) of films."""

    name: str
    of: Literal["people", "films"]
    definition: str
    members: NDArray[np.bool_]


@dataclass(frozen=True)
class GroupFigure:
    """A metric of one group: as the metric itself, without what is the same for all groups."""

    value: float
    interval: tuple[float, float] | None
    n: int  # people behind it
    baseline: float | None
    extra: dict[str, float] = field(default_factory=dict)


def people_groups(train: Interactions) -> list[Group]:
    """Newcomers, casual and heavy raters; people without a training rating are in none of them."""
    counts = train.user_counts
    newcomers = (counts > 0) & (counts < CASUAL_FROM)
    casual = (counts >= CASUAL_FROM) & (counts < HEAVY_FROM)
    return [
        Group("newcomers", "people", f"fewer than {CASUAL_FROM} training ratings", newcomers),
        Group("casual", "people", f"{CASUAL_FROM} to {HEAVY_FROM - 1} training ratings", casual),
        Group("heavy", "people", f"{HEAVY_FROM} training ratings or more", counts >= HEAVY_FROM),
    ]


def most_rated_half(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The fewest films that hold half of the ratings, ties by film number, (n_items,). ``counts``: (n_items,)."""
    most_rated_first = np.argsort(-counts, kind="stable")
    held_before = np.cumsum(counts[most_rated_first]) - counts[most_rated_first]
    popular = np.zeros(len(counts), np.bool_)
    popular[most_rated_first[2 * held_before < counts.sum()]] = True
    return popular


def film_groups(train: Interactions) -> list[Group]:
    """Popular films, the fewest that hold half of the training ratings (ties by film number), and the long tail."""
    popular = most_rated_half(train.item_counts)
    return [
        Group("popular", "films", "the most rated films that hold half of the training ratings", popular),
        Group("long_tail", "films", "all other films, those without a training rating included", ~popular),
    ]
