"""Do the lists find what people went on to like? The place of every newly liked film among all they had not rated.

For each rating of a liked film, the person is taken as they were before it. The film's percentile is the share of the
other films that stand below it: 0.5 is what chance gives, whatever the catalogue. The same is asked of the order by
popularity. People are drawn again (not ratings, which are not independent) for the 95 % intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.metrics import mean_with_interval

CHANCE = 0.5


@dataclass(frozen=True)
class Case:
    """One newly liked film: its percentile by the version and by popularity."""

    person: int
    by_model: float
    by_popularity: float


@dataclass(frozen=True)
class ShuffleTest:
    n: int
    people: int
    model: float
    model_interval: tuple[float, float] | None
    popularity: float
    gain: float  # of the model over popularity
    gain_interval: tuple[float, float] | None

    @property
    def beats_chance(self) -> bool | None:
        """None where the interval allows either."""
        return _beyond(self.model_interval, CHANCE)

    @property
    def beats_popularity(self) -> bool | None:
        return _beyond(self.gain_interval, 0.0)


def _beyond(interval: tuple[float, float] | None, value: float) -> bool | None:
    if interval is None or interval[0] <= value <= interval[1]:
        return None
    return interval[0] > value


def percentile(scores: NDArray[np.float64], row: int) -> float:
    """Share of the other films that stand below film ``row``, ties counting half; −inf are not in the contest."""
    others = scores > -np.inf
    others[row] = False
    n = int(others.sum())
    if not n:
        return CHANCE
    below = int((scores[others] < scores[row]).sum())
    level = int((scores[others] == scores[row]).sum())
    return (below + 0.5 * level) / n


def shuffle_test(cases: Sequence[Case], *, seed: int = 0) -> ShuffleTest:
    """Means over the cases, intervals over people. ``cases`` must not be empty."""
    people, place = np.unique([case.person for case in cases], return_inverse=True)
    model, popular, n = (np.zeros(len(people)) for _ in range(3))
    for at, case in zip(place, cases, strict=True):
        model[at] += case.by_model
        popular[at] += case.by_popularity
        n[at] += 1
    of_model = mean_with_interval(model, n, seed=seed)
    gain = mean_with_interval(model - popular, n, seed=seed)
    return ShuffleTest(
        n=len(cases),
        people=len(people),
        model=of_model.value,
        model_interval=of_model.interval,
        popularity=float(popular.sum() / n.sum()),
        gain=gain.value,
        gain_interval=gain.interval,
    )
