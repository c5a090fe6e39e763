"""Σ numerator / Σ denominator over people, and how much it owes to chance, the person being the unit.

One person's lists are alike: who engages readily does so every time. Lists are thus no independent cases, and a
variance over lists would promise several times too much. People are independent, so the variance is taken over them.

It is the delete-one-person jackknife, which for such a ratio has a closed form: leaving person i out moves it by
(numerator_i − ratio·denominator_i) / (Σ denominator − denominator_i). To first order that is the delta method (A. Deng,
U. Knoblich, J. Lu: Applying the delta method in metric analytics, KDD 2018, section 3), but the divisor leaves the
person's own lists out, which is what few people and one who comes very often need; in regression it is known as CR3
(J. MacKinnon, M. Nielsen, M. Webb: Cluster-robust inference: a guide to empirical practice, Journal of Econometrics
232, 2023). The jackknife's variance is not too small in expectation (B. Efron, C. Stein: The jackknife
estimate of variance, Annals of Statistics 9, 1981).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class RatioOfSums:
    """``influences``: float64 (n_people,), what each person's presence moved the value by, scaled so that their sum of
    squares is the variance; 0 for people without a denominator. ``effective_people``: Kish's number, (Σd)²/Σd²: so many
    people with equally many lists each would tell as much (L. Kish: Survey Sampling, 1965)."""

    value: float
    influences: Array
    n_people: int
    effective_people: float

    @property
    def variance(self) -> float:
        return variance_of(self.influences, self.n_people)

    @property
    def degrees_of_freedom(self) -> float:
        """How many people the variance rests on: (Σ influence²)² / Σ influence⁴, which is F. Satterthwaite's number (An
        approximate distribution of estimates of variance components, Biometrics Bulletin 2, 1946) with each person's
        square for their variance. It errs to the low side; 0 where the variance is unknown."""
        squares = np.square(self.influences)
        fourth = float(squares @ squares)
        return float(squares.sum()) ** 2 / fourth if fourth > 0 else 0.0


def variance_of(influences: Array, n_people: int) -> float:
    """The sum of squares; infinite where there is no telling: below two people, or where no two of them differ."""
    total = float(influences @ influences)
    return total if n_people > 1 and total > 0 else math.inf


def ratio_of_sums(numerator: Numbers, denominator: Numbers) -> RatioOfSums:
    """``numerator``, ``denominator``: (n_people,), denominators of at least 0. The value is NaN where all are 0.

    ValueError where their shapes differ, or a denominator is below 0.
    """
    above, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    if above.shape != below.shape or above.ndim != 1:
        raise ValueError("one numerator and one denominator for each person")
    if (below < 0).any():
        raise ValueError("a denominator is at least 0")
    n_people, total = int(np.count_nonzero(below)), float(below.sum())
    if not n_people:
        return RatioOfSums(math.nan, np.zeros(len(above)), 0, 0.0)
    value = float(above.sum()) / total
    effective = total**2 / float(below @ below)
    if n_people == 1:
        return RatioOfSums(value, np.zeros(len(above)), 1, effective)
    influences = (above - value * below) / (total - below)
    return RatioOfSums(value, influences * math.sqrt((n_people - 1) / n_people), n_people, effective)
