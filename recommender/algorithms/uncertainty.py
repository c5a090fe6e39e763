"""How sure a predicted rating is.

The variance of a true rating around its prediction has these parts: the noise of ratings, which some people have more
of than others; what is not known of the person (x_jᵀA⁻¹x_j, from the same solve); and what is not known of the film,
without which a film that nobody has rated would look the surest of all: where the samples of the films disagree, and
a variance of the film's own. Their weights are fitted, and the resulting probability is calibrated, on ratings that
the films were not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.factorization import Factorization
from recommender.algorithms.film_model import Person
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, Interactions
from recommender.algorithms.new_films import NewFilm

Array = NDArray[np.float64]

HALF_STARS = np.arange(1, 11) / 2
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


def chance_within(predicted: Array, sd: Array, levels: Array = HALF_STARS) -> Array:
    """P(|r − p| ≤ WITHIN) for a true rating r on the given ``levels`` whose latent value is normal around p.

    ``predicted``, ``sd``: (n,). The outermost levels take all of the mass beyond them.
    """
    edges = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
    cdf = _normal_cdf((edges[None, :] - predicted[:, None]) / sd[:, None])
    mass = np.diff(cdf, axis=1)
    near = np.abs(levels[None, :] - np.clip(predicted, MIN_RATING, MAX_RATING)[:, None]) <= WITHIN + 1e-9
    chance: Array = (mass * near).sum(axis=1)
    return chance


def levels_of(values: NDArray[np.floating[Any]]) -> Array:
    """The ratings that people really give: many use whole stars only. Half stars where there is nothing to go by."""
    used = HALF_STARS[np.isin(HALF_STARS, values)]
    return used if len(used) > 1 else HALF_STARS


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
    """The increasing step function closest to the points, as knots (x strictly ascending, y ascending) to interpolate.

    Pool adjacent violators (Ayer et al. 1955), after points of equal x became one of their mean y. Each pooled block
    becomes one knot at its mean x.
    """
    places, block_of, counts = np.unique(x, return_inverse=True, return_counts=True)
    blocks: list[tuple[int, int, float, int]] = []  # first place, last place, Σy, n
    for place, (total, n) in enumerate(zip(np.bincount(block_of, y), counts, strict=True)):
        blocks.append((place, place, float(total), int(n)))
        while len(blocks) > 1 and blocks[-2][2] / blocks[-2][3] >= blocks[-1][2] / blocks[-1][3]:
            _, last, above, m = blocks.pop()
            first, _, below, k = blocks.pop()
            blocks.append((first, last, below + above, k + m))
    # The mean is kept between its block's ends, where rounding could push it past a neighbour.
    knots = [
        np.clip(np.average(places[a : b + 1], weights=counts[a : b + 1]), places[a], places[b]) for a, b, _, _ in blocks
    ]
    return np.array(knots), np.array([total / n for _, _, total, n in blocks])


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """A version's calibrated uncertainty. All variances in stars²."""

    noise_variance: float  # of a rating as such, by a person of average steadiness
    surprise: float  # mean squared error with which people's known ratings are predicted without each
    steadiness_ratings: float  # so many ratings of average surprise are assumed of everybody; 0: all are alike
    person_scale: float  # weight of x_jᵀA⁻¹x_j
    disagreement_scale: float  # weight of the variance over the films' samples
    film_variance: Array  # (n_items,), already scaled
    interval_z: float  # half-width of the 90 % interval, in standard deviations
    levels: Array  # the ratings that people give, ascending
    raw_knots: Array  # chance_within before calibration, ascending
    true_knots: Array  # how often it was so, ascending

    def noise_factor(self, person: Person) -> float:
        """How much noisier this person's ratings are than the average, shrunk towards 1."""
        return _noise_factor(person, self.surprise, self.steadiness_ratings)

    def sd(self, person: Person, items: NDArray[np.int64]) -> Array:
        """Standard deviation of the true rating around its prediction, in stars, (n,)."""
        variance = (
            self.noise_variance * self.noise_factor(person)
            + self.person_scale * person.person_variance(items)
            + self.disagreement_scale * person.disagreement(items)
            + self.film_variance[items]
        )
        return np.sqrt(variance)

    def sd_of_new_film(self, person: Person, film: NewFilm) -> float:
        """The same for a film that came after the training and was solved since."""
        variance = self.noise_variance * self.noise_factor(person)
        variance += self.person_scale * person.person_variance_of(film.features)
        return math.sqrt(variance + film.film_variance(person))

    def sd_of_unknown_film(self, person: Person) -> float:
        """The same for a film of which the version knows nothing."""
        variance = self.noise_variance * self.noise_factor(person)
        variance += self.person_scale * person.average_film_variance()
        return math.sqrt(variance + float(self.film_variance.max(initial=0.0)))

    def confidence(self, predicted: Array, sd: Array) -> Array:
        """Calibrated probability that the true rating lies within one star of the prediction."""
        return np.interp(chance_within(predicted, sd, self.levels), self.raw_knots, self.true_knots)

    def interval(self, predicted: float, sd: float) -> tuple[float, float]:
        """Holds the true rating in 90 % of cases; within the scale."""
        half = self.interval_z * sd
        return max(MIN_RATING, predicted - half), min(MAX_RATING, predicted + half)


def _noise_factor(person: Person, surprise: float, steadiness_ratings: float) -> float:
    if not steadiness_ratings:
        return 1.0
    seen = person.squared_surprise / surprise
    return (steadiness_ratings + seen) / (steadiness_ratings + len(person.history))


# How many ratings of average surprise to assume of everybody; 0: do without.
STEADINESS_RATINGS = (0.0, 5.0, 10.0, 20.0, 50.0)
# Each knot of the calibration stands for so many ratings at the least: one from three would be noise.
_POINTS_PER_KNOT = 50


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One solved person and what they really gave to films that they are predicted."""

    person: Person
    items: NDArray[np.int64]  # (n,)
    actual: Array  # (n,)


def calibrate(held_out: list[HeldOut], film_variance: Array, levels: Array = HALF_STARS) -> Uncertainty:
    """Fits all of it on ratings that the films were not trained on. ``film_variance``: (n_items,)."""
    n_rated = sum(len(case.person.history) for case in held_out)
    surprise = sum(case.person.squared_surprise for case in held_out) / max(1, n_rated) or 1.0

    def gathered(part: Callable[[HeldOut], Array]) -> Array:
        return np.concatenate([np.empty(0), *(part(case) for case in held_out)])

    predicted = gathered(lambda case: case.person.predicted_ratings(case.items))
    errors = np.abs(gathered(lambda case: case.actual) - predicted)
    parts = np.column_stack(
        [
            np.ones(len(errors)),
            gathered(lambda case: case.person.person_variance(case.items)),
            gathered(lambda case: case.person.disagreement(case.items)),
            gathered(lambda case: film_variance[case.items]),
        ]
    )
    best: tuple[float, float, Array, Array] | None = None
    for steadiness_ratings in STEADINESS_RATINGS:
        parts[:, 0] = gathered(
            lambda case, ratings=steadiness_ratings: np.full(  # type: ignore[misc]
                len(case.items), _noise_factor(case.person, surprise, ratings)
            )
        )
        weights = fit_variance_weights(np.square(errors), parts)
        variance = parts @ weights + 1e-12
        loss = float(np.sum(np.log(variance) + np.square(errors) / variance))
        if best is None or loss < best[0]:
            best = (loss, steadiness_ratings, weights, np.sqrt(variance))
    assert best is not None
    _, steadiness_ratings, (noise, person_scale, disagreement_scale, film_scale), sd = best
    raw = chance_within(predicted, sd, levels)
    order = np.argsort(raw, kind="stable")
    chunks = np.array_split(order, max(1, len(order) // _POINTS_PER_KNOT))
    x = np.array([raw[chunk].mean() for chunk in chunks])
    # Laplace's rule: fifty hits of fifty are no proof that there is never a miss.
    y = np.array([(np.count_nonzero(errors[chunk] <= WITHIN + 1e-9) + 1) / (len(chunk) + 2) for chunk in chunks])
    raw_knots, true_knots = isotonic(x, y)
    # Claims below all that was seen fall towards nothing instead of staying where the first knot is.
    raw_knots, true_knots = np.concatenate([[0.0], raw_knots]), np.concatenate([[0.0], true_knots])
    return Uncertainty(
        noise_variance=float(noise),
        surprise=float(surprise),
        steadiness_ratings=steadiness_ratings,
        person_scale=float(person_scale),
        disagreement_scale=float(disagreement_scale),
        film_variance=film_scale * film_variance,
        interval_z=float(np.quantile(errors / sd, INTERVAL_COVERAGE)),
        levels=levels,
        raw_knots=raw_knots,
        true_knots=true_knots,
    )
