"""Does the claimed confidence come true? Claims against what happened, tenth by tenth of the claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.metrics import Estimate, shares_with_intervals
from recommender.algorithms.uncertainty import WITHIN

DECILES = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Decile:
    """The predictions of one tenth of the claims: what was claimed of them on average, and how often it was so."""

    claimed: float
    observed: float
    interval: tuple[float, float] | None  # of the observed share, 95 %, bootstrap over people
    n: int  # predictions
    people: int


@dataclass(frozen=True)
class Reliability:
    """How often a true rating lay within ``within`` stars of its prediction, beside how often that was claimed."""

    within: float
    claimed: float  # over all predictions
    observed: float
    interval: tuple[float, float] | None
    n: int
    people: int
    gap: float  # mean of |claimed − observed| over deciles, each weighted by its predictions
    deciles: list[Decile]


def came_true(predicted: Floats, actual: Floats) -> NDArray[np.bool_]:
    """Whether each true rating lies within a star of its prediction, which is what confidence claims, (n,)."""
    return np.abs(predicted - actual) <= WITHIN + 1e-9


def reliability(claimed: Floats, observed: NDArray[np.bool_], person: NDArray[np.intp], *, seed: int) -> Reliability:
    """Deciles of at least one claim. ``claimed``: (n,) probabilities; ``observed``: (n,); ``person``: (n,) from 0.

    Equal claims are never separated, so that the order of the rows does not matter: calibration leaves plateaus, and a
    decile may then hold more than a tenth, and another none, which is left out.
    """
    edges = np.quantile(claimed, np.arange(1, DECILES) / DECILES)
    bins, decile = np.unique(np.searchsorted(edges, claimed, side="left"), return_inverse=True)
    n_people = int(person.max()) + 1
    # One more column for all of them together.
    cases, hits = np.zeros((n_people, len(bins) + 1)), np.zeros((n_people, len(bins) + 1))
    for column in (decile, np.full(len(claimed), len(bins))):
        np.add.at(cases, (person, column), 1.0)
        np.add.at(hits, (person, column), observed)
    rated = cases[:, -1] > 0
    *estimates, overall = shares_with_intervals(hits[rated], cases[rated], seed=seed)
    deciles = [_decile(claimed[decile == number], estimate) for number, estimate in enumerate(estimates)]
    gap = sum(one.n * abs(one.claimed - one.observed) for one in deciles) / len(claimed)
    return Reliability(
        within=WITHIN,
        claimed=float(claimed.mean()),
        observed=overall.value,
        interval=overall.interval,
        n=len(claimed),
        people=overall.n,
        gap=gap,
        deciles=deciles,
    )


def _decile(claims: Floats, observed: Estimate) -> Decile:
    return Decile(float(claims.mean()), observed.value, observed.interval, len(claims), observed.n)
