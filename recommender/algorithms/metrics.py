"""Measures of a ranked list and of predicted ratings, and their intervals.

The protocols (what is ranked, and for whom) live in ``evaluation``; here are the formulas. Every function takes one
person's data and returns one figure, or None where the measure is not defined for that person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A list of recommendations has this many places.
K = 10


def top_k(scores: NDArray[np.float64], k: int = K) -> NDArray[np.intp]:
    """Positions of the ``k`` highest scores, best first, ties by position: the same on every machine.

    Scores of −inf are left out, so that the result may be shorter.
    """
    n_eligible = int(np.count_nonzero(scores > -np.inf))
    k = min(k, n_eligible)
    if k <= 0:
        return np.empty(0, np.intp)
    if k == len(scores):
        best = np.arange(len(scores))
    else:
        # argpartition alone would cut a tie at the edge at random.
        edge = np.partition(scores, len(scores) - k)[len(scores) - k]
        best = np.flatnonzero(scores >= edge)
    return best[np.argsort(-scores[best], kind="stable")][:k]


def precision_at_k(relevant: NDArray[np.bool_], k: int = K) -> float | None:
    """Share of relevant films among the first min(k, n) of a ranking; None for an empty one.

    ``relevant``: (n,) whether the film at each place is relevant.
    """
    return float(relevant[:k].mean()) if len(relevant) else None


def recall_at_k(relevant: NDArray[np.bool_], n_relevant: int, k: int = K) -> float | None:
    """Share of all ``n_relevant`` relevant films that stand among the first k; None where there is none."""
    return float(relevant[:k].sum() / n_relevant) if n_relevant else None


def ndcg_at_k(relevant: NDArray[np.bool_], n_relevant: int, k: int = K) -> float | None:
    """Normalized discounted cumulative gain, binary gain: Σ 1/log2(place + 1) over hits, by its best possible value.

    K. Järvelin, J. Kekäläinen: Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002.
    """
    if not n_relevant:
        return None
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    return float(discount[: len(relevant[:k])][relevant[:k]].sum() / discount[: min(k, n_relevant)].sum())


def hit_rate_at_k(relevant: NDArray[np.bool_], n_relevant: int, k: int = K) -> float | None:
    """1 if a relevant film stands among the first k, else 0; None where there is none."""
    return float(relevant[:k].any()) if n_relevant else None


def novelty(shares: NDArray[np.float64]) -> float | None:
    """Mean −log2 of the share of people who rated each film of a list, in bits."""
    return float(-np.log2(shares).mean()) if len(shares) else None


def diversity(factors: NDArray[np.float64]) -> float | None:
    """Mean pairwise 1 − cosine of the films' factors in a list; None below two films with factors.

    ``factors``: (n, n_factors); films without factors (all zeros) are left out.
    """
    lengths = np.linalg.norm(factors, axis=1)
    unit = factors[lengths > 0] / lengths[lengths > 0, None]
    n = len(unit)
    if n < 2:
        return None
    # Σ over pairs of cosines, from the length of the sum of unit vectors: n² work without the pairs.
    return float(1 - (np.square(unit.sum(axis=0)).sum() - n) / (n * (n - 1)))


@dataclass(frozen=True)
class Estimate:
    """A mean over people with its 95 % interval."""

    value: float
    interval: tuple[float, float] | None
    n: int  # people behind it


def mean_with_interval(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64] | None = None,
    *,
    seed: int,
    resamples: int = 1000,
    root: bool = False,
) -> Estimate:
    """Σ numerator / Σ denominator over people (a plain mean without denominator), bootstrapped over people.

    ``root`` takes the square root at the end, for RMSE. Percentile bootstrap (Efron 1979), 95 %.
    """
    n = len(numerator)
    if not n:
        return Estimate(math.nan, None, 0)
    denominator = np.ones(n) if denominator is None else denominator
    finish = math.sqrt if root else float
    value = finish(numerator.sum() / denominator.sum())
    if n < 2:
        return Estimate(value, None, n)
    rng = np.random.default_rng(seed)
    # How often each person is drawn, in one go: people × resamples would not fit for large sets.
    means = np.empty(resamples)
    probabilities = np.full(n, 1.0 / n)
    for b in range(resamples):
        drawn = rng.multinomial(n, probabilities)
        means[b] = (drawn @ numerator) / (drawn @ denominator)
    if root:
        means = np.sqrt(means)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(value, (float(low), float(high)), n)


def shares_with_intervals(
    hits: NDArray[np.float64], cases: NDArray[np.float64], *, seed: int, resamples: int = 1000
) -> list[Estimate]:
    """Σ hits / Σ cases of each column over people, bootstrapped over people, all columns on the same draws.

    ``hits``, ``cases``: (n_people, n_columns), counts. A draw that leaves a column without cases says nothing about
    that column and is left out there. ``n`` counts the people who have cases in the column.
    """
    n, columns = hits.shape
    drawn_shares = np.full((resamples, columns), np.nan)
    if n > 1:
        rng = np.random.default_rng(seed)
        probabilities = np.full(n, 1.0 / n)
        for b in range(resamples):
            drawn = rng.multinomial(n, probabilities)
            drawn_cases = drawn @ cases
            np.divide(drawn @ hits, drawn_cases, out=drawn_shares[b], where=drawn_cases > 0)
    estimates = []
    for column in range(columns):
        people, total = int(np.count_nonzero(cases[:, column])), float(cases[:, column].sum())
        if not total:
            estimates.append(Estimate(math.nan, None, 0))
            continue
        interval = None
        if people > 1:
            low, high = np.nanquantile(drawn_shares[:, column], [0.025, 0.975])
            interval = (float(low), float(high))
        estimates.append(Estimate(float(hits[:, column].sum() / total), interval, people))
    return estimates
