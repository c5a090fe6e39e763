"""Whether one model is better than another for the same people: paired differences and their intervals.

People are drawn once for all measures and both models, so that what makes a person easy or hard for both cancels out.
Two trainings that differ in nothing but their seed differ a little too. What that does to each person by itself is in
the spread over people already; what it does to all of them at once (``shared_seed_variance``) has to be added, since no
bootstrap over people can see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.person_figures import Floats, People, PersonFigures

RESAMPLES = 2000
_DRAWS_AT_A_TIME = 50


@dataclass(frozen=True, eq=False)
class Pair:
    """One measure of two models as sums over people: Σ numerator / Σ denominator, its root if ``root``.

    All arrays (n_people,); NaN where the measure is not defined for somebody.
    """

    before: Floats
    before_cases: Floats
    after: Floats
    after_cases: Floats
    root: bool = False
    smaller_is_better: bool = False
    seed_variance: float = 0.0  # of the difference, shared by everybody

    @classmethod
    def of(
        cls,
        before: PersonFigures,
        after: PersonFigures,
        measure: str,
        order: str,
        *,
        films: str = "",
        people: People | None = None,
        smaller_is_better: bool = False,
        seed_variance: float = 0.0,
    ) -> Pair:
        """The measure for ``people`` (mask, everybody by default) and the group of films."""
        numerator, cases, root = before.terms(measure, order, films=films)
        other, other_cases, _ = after.terms(measure, order, films=films)
        defined = ~np.isnan(numerator) & ~np.isnan(other) & (True if people is None else people)
        return cls(
            np.where(defined, numerator, np.nan),
            np.where(defined, cases, np.nan),
            np.where(defined, other, np.nan),
            np.where(defined, other_cases, np.nan),
            root=root,
            smaller_is_better=smaller_is_better,
            seed_variance=seed_variance,
        )

    @property
    def defined(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.before)


@dataclass(frozen=True)
class Difference:
    """``after`` − ``before``, with its 95 % interval and for which share of people it is which way."""

    before: float
    after: float
    value: float
    interval: tuple[float, float] | None  # None below two people
    n: int
    better: float
    worse: float
    smaller_is_better: bool

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``open``: what the interval allows to say."""
        if self.interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return "open"
        return "better" if (self.value < 0) == self.smaller_is_better else "worse"

    @property
    def worst(self) -> float:
        """The end of the interval that is bad for ``after``, as a loss: positive where it may be worse."""
        if self.interval is None:
            return float("inf")
        return self.interval[1] if self.smaller_is_better else -self.interval[0]

    @property
    def best(self) -> float:
        """The other end, as a loss: positive where it is worse even there."""
        if self.interval is None:
            return float("-inf")
        return self.interval[0] if self.smaller_is_better else -self.interval[1]


def paired_differences(pairs: Sequence[Pair], *, seed: int, resamples: int = RESAMPLES) -> list[Difference | None]:
    """Every pair's difference, percentile bootstrap over people (Efron 1979) on the same draws; None without people."""
    if not pairs:
        return []
    # Columns: numerator and cases before, numerator and cases after, of each pair.
    table = np.stack(
        [part for pair in pairs for part in (pair.before, pair.before_cases, pair.after, pair.after_cases)], axis=1
    )
    table = np.nan_to_num(table, nan=0.0)
    n_people = len(table)
    roots = np.array([pair.root for pair in pairs])
    rng = np.random.default_rng(seed)
    drawn = np.full((resamples, len(pairs)), np.nan)
    if n_people:
        probabilities = np.full(n_people, 1.0 / n_people)
        for first in range(0, resamples, _DRAWS_AT_A_TIME):
            size = min(_DRAWS_AT_A_TIME, resamples - first)
            weights = rng.multinomial(n_people, probabilities, size=size).astype(np.float64)
            drawn_before, drawn_after = _values(weights @ table, roots)
            drawn[first : first + size] = drawn_after - drawn_before
    whole_before, whole_after = _values(table.sum(axis=0)[None], roots)
    drawn += np.sqrt([pair.seed_variance for pair in pairs]) * rng.standard_normal(drawn.shape)
    results: list[Difference | None] = []
    for column, pair in enumerate(pairs):
        n = int(pair.defined.sum())
        if not n:
            results.append(None)
            continue
        interval = None
        if n > 1:
            low, high = np.nanquantile(drawn[:, column], [0.025, 0.975])
            interval = (float(low), float(high))
        better, worse = _shares(pair)
        before, after = float(whole_before[0, column]), float(whole_after[0, column])
        results.append(Difference(before, after, after - before, interval, n, better, worse, pair.smaller_is_better))
    return results


def _values(sums: Floats, roots: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(n, 4·pairs) sums → the measures before and after, (n, pairs) each; NaN where nobody was drawn."""
    parts = sums.reshape(len(sums), -1, 4)
    with np.errstate(invalid="ignore", divide="ignore"):
        before, after = parts[:, :, 0] / parts[:, :, 1], parts[:, :, 2] / parts[:, :, 3]
        return np.where(roots, np.sqrt(before), before), np.where(roots, np.sqrt(after), after)


def _shares(pair: Pair) -> tuple[float, float]:
    """For which share of people the second model is better, and worse; the others see no difference."""
    known = pair.defined
    change = pair.after[known] / pair.after_cases[known] - pair.before[known] / pair.before_cases[known]
    up, down = float((change > 0).mean()), float((change < 0).mean())
    return (down, up) if pair.smaller_is_better else (up, down)


def overlap(before: NDArray[np.int64], after: NDArray[np.int64]) -> Floats:
    """Share of a person's places that hold a film of their other list too, (n_people,); NaN without a list.

    ``before``, ``after``: (n_people, K) film ids, −1 behind the last.
    """
    shares = np.full(len(before), np.nan)
    for row, (one, other) in enumerate(zip(before, after, strict=True)):
        one, other = one[one >= 0], other[other >= 0]
        if longest := max(len(one), len(other)):
            shares[row] = len(np.intersect1d(one, other)) / longest
    return shares


def shared_seed_variance(trainings: Sequence[PersonFigures], measure: str, order: str) -> float:
    """Variance of the measure between trainings that differ only in their seed, as far as it hits everybody at once.

    The variance of the measure over seeds, less what independent changes of single persons explain:
    Var_s(m_s) − Σ_u Var_s(n_su) / D² (D: Σ of cases; for a root over 4m² by the delta method), not below 0. It is to be
    added once for each of two models that are compared. Needs two trainings on the same people.
    """
    terms = [figures.terms(measure, order) for figures in trainings]
    root = terms[0][2]
    numerators, cases = np.array([term[0] for term in terms]), np.array([term[1] for term in terms])
    defined = ~np.isnan(numerators).any(axis=0)
    numerators, total = numerators[:, defined], cases[0, defined].sum()
    ratios = numerators.sum(axis=1) / total
    alone = numerators.var(axis=0, ddof=1).sum() / total**2
    if root:
        alone /= 4 * ratios.mean()
        ratios = np.sqrt(ratios)
    return max(0.0, float(ratios.var(ddof=1) - alone))
