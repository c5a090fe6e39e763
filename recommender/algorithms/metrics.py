"""Measures of a ranked list and of predicted ratings, and their intervals.

The protocols (what is ranked, and for whom) live in ``evaluation``; here are the formulas. Every function takes one
person's data and returns one figure, or None where the measure is not defined for that person.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

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


# So many numbers are drawn at a time: people × resamples would not fit for large sets.
_DRAWN_AT_A_TIME = 2_000_000


def _draws(n: int, seed: int, resamples: int) -> Iterable[NDArray[np.float64]]:
    """How often each of ``n`` people is drawn, in blocks of (draws, n); the same ones for the same arguments."""
    if n * resamples <= _DRAWN_AT_A_TIME:
        return (_few_draws(n, seed, resamples),)
    rng, probabilities = np.random.default_rng(seed), np.full(n, 1.0 / n)
    size = max(1, _DRAWN_AT_A_TIME // n)
    blocks = (min(size, resamples - first) for first in range(0, resamples, size))
    return (rng.multinomial(n, probabilities, size=block).astype(np.float64) for block in blocks)


@lru_cache(maxsize=8)
def _few_draws(n: int, seed: int, resamples: int) -> NDArray[np.float64]:
    """Kept: an evaluation asks for the same ones for every measure of a group."""
    drawn: NDArray[np.float64] = (
        np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=resamples).astype(np.float64)
    )
    drawn.flags.writeable = False
    return drawn


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
    both = np.stack([numerator, denominator], axis=1)
    sums = np.concatenate([drawn @ both for drawn in _draws(n, seed, resamples)])
    means = sums[:, 0] / sums[:, 1]
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
