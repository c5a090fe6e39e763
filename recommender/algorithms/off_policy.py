"""What a ranking would have been worth, from lists that another one has shown.

A place that is given away by lot, with the chance of each film written down, is an experiment with every film at once:
weighting each outcome by how much likelier a new policy would have shown that film tells what the new policy would have
earned, without showing it to anybody.

Films are drawn by their rank, with chances ∝ 1/(rank + offset): the chance depends on nothing but the order, so it is
of the same size for every person and every model, the best film is the likeliest, and the last of a pool still has one
that weights can bear. Films for several places are drawn one after the other, without those drawn before (R. Plackett:
The analysis of permutations, Applied Statistics 24, 1975; R. Luce: Individual choice behavior, 1959).

A. Swaminathan, T. Joachims: The self-normalized estimator for counterfactual learning, NeurIPS 2015 (SNIPS).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ratio_of_sums import Array, Numbers, ratio_of_sums

# Ranks start at 1: the first film of a pool of 20 is six times likelier than the last.
OFFSET = 3.0

# With fewer effective lists, or people behind them, there is no estimate. From here on the 95 % intervals cover the
# truth in 93 to 96 % of a thousand logs of recommender.benchmarks.experiments, and in fewer below.
MIN_EFFECTIVE = 100.0
MIN_EFFECTIVE_PEOPLE = 15.0


class TooFew(ValueError):
    """The lists are too few, or too unlike what the new policy would show, to say anything."""


def plackett_probabilities(n: int, offset: float = OFFSET, drawn: Sequence[int] = ()) -> Array:
    """(n,) the chance of each film of a pool to be drawn next, in the order of its ranking; they add up to 1.

    ∝ 1/(rank + offset), rank from 1; 0 for those at the positions ``drawn``. ValueError where no film is left, or for
    an offset of −1 or less.
    """
    if offset <= -1:
        raise ValueError("the first rank has no chance under this offset")
    chances = np.asarray(1.0 / (np.arange(1, n + 1) + offset), np.float64)
    chances[list(drawn)] = 0.0
    total = float(chances.sum())
    if not total > 0:
        raise ValueError("no film is left to draw")
    probabilities: Array = chances / total
    return probabilities


def draw(probabilities: Array, rng: np.random.Generator) -> tuple[int, float]:
    """A position and the chance that it had, which is to be stored. ``probabilities``: (n,), adding up to 1.

    By the inverse of the distribution function, one number of ``rng`` per draw. A film without a chance is never drawn.
    """
    edges = np.cumsum(probabilities)
    position = int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
    return position, float(probabilities[position])


@dataclass(frozen=True)
class PolicyValue:
    """``value``: reward per list under the new policy. ``interval``: 95 %, for one look. ``effective_sample_size``:
    (Σw)²/Σw², so many lists of the new policy itself would tell as much (L. Kish: Survey Sampling, 1965);
    ``effective_people``: the same of people's sums of weights.
    ``mean_weight``: 1 on average where the stored propensities are right and every film that the new policy may show
    could be logged (the control variate of Swaminathan and Joachims): if it is far off, something is
    broken."""

    value: float
    interval: tuple[float, float]
    effective_sample_size: float
    effective_people: float
    mean_weight: float
    n_lists: int
    n_people: int


def snips(
    reward: Numbers,
    propensity_logged: Numbers,
    propensity_new: Numbers,
    person: NDArray[np.integer[Any]] | None = None,
    *,
    min_effective: float = MIN_EFFECTIVE,
    min_effective_people: float = MIN_EFFECTIVE_PEOPLE,
) -> PolicyValue:
    """Σ w·reward / Σ w with w = propensity_new / propensity_logged: the self-normalised estimate.

    All (n_lists,). ``propensity_logged``: the chance with which the film was shown, above 0. ``propensity_new``: the
    chance that the new policy would have shown it with, in the same situation. ``person``: whose list it was; people
    are then the unit, else lists. Unlike the plain weighted mean it does not change where all rewards are moved, and
    never leaves their range; its bias vanishes as 1/n. The variance is that of a ratio of sums, by the jackknife
    (``ratio_of_sums``), to first order the delta method (A. Owen: Monte Carlo theory, methods and examples, 2013,
    section 9.2). Weights and people who come very often leave it resting on few of them, so the interval is Student's,
    with as many degrees of freedom as that: the normal quantile covered 90 to 93 % where few people stood behind it.

    TooFew where the effective sample size, over lists or over people, is below what the interval needs, or where the
    rewards do not differ. ValueError where shapes differ or a propensity is none.
    """
    rewards, logged, new = (np.asarray(each, np.float64) for each in (reward, propensity_logged, propensity_new))
    if not rewards.shape == logged.shape == new.shape or rewards.ndim != 1:
        raise ValueError("each list has one reward and two propensities")
    if ((logged <= 0) | (logged > 1) | (new < 0) | (new > 1)).any():
        raise ValueError("a logged propensity lies above 0, and none above 1")
    weight = new / logged
    squares = float(weight @ weight)
    effective = float(weight.sum()) ** 2 / squares if squares else 0.0
    if effective < min_effective or not squares:
        raise TooFew(f"{effective:.0f} effective lists of {min_effective:.0f}")
    numerator, denominator = weight * rewards, weight
    if person is not None:
        _, whose = np.unique(person, return_inverse=True)
        numerator = np.bincount(whose, numerator).astype(np.float64)
        denominator = np.bincount(whose, denominator).astype(np.float64)
    ratio = ratio_of_sums(numerator, denominator)
    if person is not None and ratio.effective_people < min_effective_people:
        raise TooFew(f"{ratio.effective_people:.0f} effective people of {min_effective_people:.0f}")
    if math.isinf(ratio.variance):
        raise TooFew("no two outcomes differ")
    half = _student_95(ratio.degrees_of_freedom) * math.sqrt(ratio.variance)
    return PolicyValue(
        ratio.value,
        (ratio.value - half, ratio.value + half),
        effective,
        ratio.effective_people,
        float(weight.mean()),
        len(rewards),
        len(numerator),
    )


def _student_95(degrees: float) -> float:
    """The two-sided 95 % quantile of Student's t, from two degrees of freedom on within 3 %, from four within 0.5 %.

    M. Abramowitz, I. Stegun: Handbook of mathematical functions, 1964, formula 26.7.5, z being the normal quantile.
    """
    z, n = 1.959963984540054, max(2.0, degrees)
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
