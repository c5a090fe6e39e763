"""How sure a predicted rating is.

The variance of a true rating around its prediction has three parts: the noise of ratings as such (σ²), what is not
known of the person (σ² x_jᵀA⁻¹x_j, from the same solve) and what is not known of the film. Without the last, a film
that nobody has rated would look the surest of all. Their weights are fitted, and the resulting probability is
calibrated, on ratings that the films were not trained on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.factorization import Factorization
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, Interactions

Array = NDArray[np.float64]

LEVELS = np.arange(1, 11) / 2  # the ratings that exist
WITHIN = 1.0  # confidence: the true rating lies within this many stars
INTERVAL_COVERAGE = 0.9
# More raters than this say no more about a film than we need to know.
MAX_RATERS = 200

_erf = np.vectorize(math.erf, otypes=[float])


def _normal_cdf(z: Array) -> Array:
    cdf: Array = 0.5 * (1.0 + _erf(z / math.sqrt(2.0)))
    return cdf


def film_variance(factorization: Factorization, data: Interactions, *, seed: int = 0) -> Array:
    """What is not known of each film, as variance of a rating by an average person, in stars², (n_items,).

    With y_u = [1, p_u], the posterior covariance of a film's [b_j, q_j] given its raters is
    S_j = σ²(Σ_u y_u y_uᵀ + σ² diag(τ)⁻²)⁻¹, and the variance it causes is tr(M S_j), M the mean of y yᵀ over ratings.
    The prior variances τ² are those of the biases and factors that the descent found for well-known films.
    """
    n_items = len(factorization.item_bias)
    y = np.hstack([np.ones((data.n_users, 1)), factorization.user_factors.astype(np.float64)])
    residual = data.value - factorization.predict(data.user, data.item)
    noise = float(np.mean(np.square(residual))) + 1e-6
    known = data.item_counts >= max(2, int(np.quantile(data.item_counts[data.item_counts > 0], 0.5)))
    learned = np.hstack([factorization.item_bias[:, None], factorization.item_factors]).astype(np.float64)
    prior = np.square(learned[known]).mean(axis=0) + 1e-6
    moment = (y * (data.user_counts / max(1, len(data)))[:, None]).T @ y
    precision_prior = np.diag(noise / prior)
    order = np.random.default_rng(seed).permutation(len(data))
    order = order[np.argsort(data.item[order], kind="stable")]
    ends = np.cumsum(data.item_counts)
    variance = np.empty(n_items)
    variance[:] = np.trace(moment @ np.diag(prior))  # a film without ratings: the prior alone
    for item in np.flatnonzero(data.item_counts):
        start = ends[item] - data.item_counts[item]
        raters = y[data.user[order[start : min(ends[item], start + MAX_RATERS)]]]
        # Scaled up where only a part of the raters was taken.
        scale = data.item_counts[item] / len(raters)
        precision = scale * (raters.T @ raters) + precision_prior
        variance[item] = noise * np.trace(np.linalg.solve(precision, moment))
    return variance


def chance_within(predicted: Array, sd: Array, within: float = WITHIN) -> Array:
    """P(|r − p| ≤ within) for a true rating r on the half-star grid whose latent value is normal around p.

    ``predicted``, ``sd``: (n,). The outermost levels take all of the mass beyond them.
    """
    edges = np.concatenate([[-np.inf], (LEVELS[1:] + LEVELS[:-1]) / 2, [np.inf]])
    cdf = _normal_cdf((edges[None, :] - predicted[:, None]) / sd[:, None])
    mass = np.diff(cdf, axis=1)
    near = np.abs(LEVELS[None, :] - np.clip(predicted, MIN_RATING, MAX_RATING)[:, None]) <= within + 1e-9
    chance: Array = (mass * near).sum(axis=1)
    return chance


def fit_variance_weights(squared_errors: Array, parts: Array, iterations: int = 200) -> Array:
    """Weights a ≥ 0 of variance components: e² ~ N(0, Σ_c a_c·parts_c)² by maximum likelihood.

    ``parts``: (n, n_components) ≥ 0. Multiplicative minorize-maximize steps, which never leave a ≥ 0 nor lower the
    likelihood (the variance-component MM algorithm of Zhou, Hu, Zhou & Lange 2019).
    """
    weights = np.full(parts.shape[1], squared_errors.mean() / max(parts.sum(axis=1).mean(), 1e-12))
    for _ in range(iterations):
        total = parts @ weights + 1e-12
        weights = weights * np.sqrt(parts.T @ (squared_errors / total**2) / np.maximum(parts.T @ (1 / total), 1e-12))
    return weights


def isotonic(x: Array, y: Array) -> tuple[Array, Array]:
    """The increasing step function closest to the points, as knots (x ascending, y ascending) to interpolate.

    Pool adjacent violators (Ayer et al. 1955). Each pooled block becomes one knot at its mean x.
    """
    order = np.argsort(x, kind="stable")
    sums: list[list[float]] = []  # Σx, Σy, n
    for a, b in zip(x[order], y[order], strict=True):
        sums.append([float(a), float(b), 1.0])
        while len(sums) > 1 and sums[-2][1] / sums[-2][2] >= sums[-1][1] / sums[-1][2]:
            last = sums.pop()
            for position in range(3):
                sums[-1][position] += last[position]
    blocks = np.array(sums)
    return blocks[:, 0] / blocks[:, 2], blocks[:, 1] / blocks[:, 2]


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """A version's calibrated uncertainty. All variances in stars²."""

    noise_variance: float  # of a rating as such
    person_scale: float  # turns x_jᵀA⁻¹x_j into stars²
    film_variance: Array  # (n_items,), already scaled
    interval_z: float  # half-width of the 90 % interval, in standard deviations
    raw_knots: Array  # chance_within before calibration, ascending
    true_knots: Array  # how often it was so, ascending

    def sd(self, person_variance: Array, items: NDArray[np.int64]) -> Array:
        """Standard deviation of the true rating around its prediction, in stars, (n,)."""
        sd: Array = np.sqrt(self.noise_variance + self.person_scale * person_variance + self.film_variance[items])
        return sd

    def confidence(self, predicted: Array, sd: Array) -> Array:
        """Calibrated probability that the true rating lies within one star of the prediction."""
        return np.interp(chance_within(predicted, sd), self.raw_knots, self.true_knots)

    def interval(self, predicted: float, sd: float) -> tuple[float, float]:
        """Holds the true rating in 90 % of cases; within the scale."""
        half = self.interval_z * sd
        return max(MIN_RATING, predicted - half), min(MAX_RATING, predicted + half)


def calibrate(
    *, predicted: Array, actual: Array, person_variance: Array, items: NDArray[np.int64], film_variance: Array
) -> Uncertainty:
    """Fits all of it on held-out ratings; every argument but the last has shape (n,), the last (n_items,)."""
    errors = np.abs(actual - predicted)
    parts = np.column_stack([np.ones(len(errors)), person_variance, film_variance[items]])
    noise, person_scale, film_scale = fit_variance_weights(np.square(errors), parts)
    sd = np.sqrt(parts @ np.array([noise, person_scale, film_scale]))
    raw = chance_within(predicted, sd)
    # Fifty points a block at the least: a knot from three ratings would be noise. Ties of the sort do not matter.
    order = np.argsort(raw, kind="stable")
    chunks = np.array_split(order, max(1, len(order) // 50))
    x = np.array([raw[chunk].mean() for chunk in chunks])
    y = np.array([(errors[chunk] <= WITHIN + 1e-9).mean() for chunk in chunks])
    raw_knots, true_knots = isotonic(x, y)
    return Uncertainty(
        noise_variance=float(noise),
        person_scale=float(person_scale),
        film_variance=film_scale * film_variance,
        interval_z=float(np.quantile(errors / sd, INTERVAL_COVERAGE)),
        raw_knots=raw_knots,
        true_knots=true_knots,
    )
