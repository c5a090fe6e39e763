"""What an experiment has found so far: an effect, and its variance over people.

By A/B each person is assigned to one of two arms and the arms' engagement is compared; by interleaving each person sees
both rankings, and the mean preference of their lists is compared with none. Either way the person is the unit, since
assignment is by person and one person's lists are alike (``ratio_of_sums``). The intervals come from
``confidence_sequences``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ratio_of_sums import Array, Numbers, ratio_of_sums, variance_of

# With fewer effective people in an arm nothing is concluded: their variance is too uncertain itself. In
# recommender.benchmarks.experiments always-valid intervals err in 5 % of A/A experiments at most from 7 people on, even
# if tuned to decide at once, and in up to a fifth with hardly any; real crowds may be odder than the one made up there.
MIN_PEOPLE = 20


@dataclass(frozen=True)
class Effect:
    """``effective_people``: of the smaller arm, as if all came equally often. ``variance``: of the estimate; infinite
    where nothing is known about it."""

    estimate: float
    variance: float
    n_people: int
    n_lists: int
    effective_people: float

    @property
    def has_enough_people(self) -> bool:
        """Whether anything may be concluded from it."""
        return self.effective_people >= MIN_PEOPLE and math.isfinite(self.variance)


NOTHING_KNOWN = Effect(0.0, math.inf, 0, 0, 0.0)


@dataclass(frozen=True, eq=False)
class ArmsCompared:
    """``difference``: the second arm's engagement per list less the first's. ``relative``: that, by the first's;
    nothing is known of it where nobody engaged in the first arm. ``rates``: engagement per list, by arm.
    ``influences``: (n_people,), of the difference."""

    difference: Effect
    relative: Effect
    rates: tuple[float, float]
    influences: Array


def ab_effect(lists: Numbers, engaged: Numbers, arm: NDArray[np.integer[Any]]) -> ArmsCompared:
    """The difference of Σ engaged / Σ lists between two arms, and the relative one.

    All (n_people,): how many lists each person saw, how many of them were engaged with (or the sum of any reward), and
    0 or 1 for the arm. Variances by the jackknife over people (``ratio_of_sums``), those of the two arms adding up;
    that of the relative effect by the delta method (A. Deng, U. Knoblich, J. Lu: Applying the delta method in metric
    analytics, KDD 2018, section 2). ValueError where shapes differ or an arm is neither 0 nor 1.
    """
    lists, engaged = np.asarray(lists, np.float64), np.asarray(engaged, np.float64)
    in_second = arm == 1
    if arm.shape != lists.shape or not (in_second | (arm == 0)).all():
        raise ValueError("each person is in arm 0 or in arm 1")
    influences = np.zeros(len(lists))
    first, second = (ratio_of_sums(engaged * here, lists * here) for here in (~in_second, in_second))
    if not first.n_people or not second.n_people:
        return ArmsCompared(NOTHING_KNOWN, NOTHING_KNOWN, (first.value, second.value), influences)
    influences = second.influences - first.influences
    n_people, n_lists = first.n_people + second.n_people, int(lists.sum())
    fewest = min(first.effective_people, second.effective_people)
    # Where one of the arms has a single person, or people who are all alike, chance cannot be told from the difference.
    known = first.n_people > 1 and second.n_people > 1
    variance = variance_of(influences, n_people) if known else math.inf
    difference = Effect(second.value - first.value, variance, n_people, n_lists, fewest)
    if first.value <= 0:
        return ArmsCompared(difference, NOTHING_KNOWN, (first.value, second.value), influences)
    ratio = second.value / first.value
    of_ratio = (second.influences - ratio * first.influences) / first.value
    relative = Effect(ratio - 1, variance_of(of_ratio, n_people) if known else math.inf, n_people, n_lists, fewest)
    return ArmsCompared(difference, relative, (first.value, second.value), influences)


@dataclass(frozen=True, eq=False)
class Preference:
    """``effect``: the mean preference, positive for the second ranking. ``influences``: (n_people,)."""

    effect: Effect
    influences: Array


def interleaving_effect(outcomes: Numbers, lists: Numbers) -> Preference:
    """The mean of ``interleaving.preference`` over lists, Σ outcomes / Σ lists, its variance over people.

    ``outcomes``, ``lists``: (n_people,): the sum of each person's preferences, and of how many lists. Lists without a
    point count as 0: whether a list has one is itself a result.
    """
    ratio = ratio_of_sums(outcomes, lists)
    if not ratio.n_people:
        return Preference(NOTHING_KNOWN, ratio.influences)
    n_lists = int(np.asarray(lists).sum())
    effect = Effect(ratio.value, ratio.variance, ratio.n_people, n_lists, ratio.effective_people)
    return Preference(effect, ratio.influences)
