"""Films that came after the training: their rows, solved from their first ratings and from what else is known of them.

In each sample a film's row is z = [o, x]. Before anybody has rated it, z ~ N(f·M, Σ) with f its genres and age; M and Σ
are learned from the films that the version knows. A rating r by somebody whose state is w says r = [1, w]·z +
noise, so z given its raters is one more ridge regression, the mirror image of a person's. The raters are solved against
the version's own films only: new films do not hold each other up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import FilmModel, Person

Array = NDArray[np.float64]

# Films with so many ratings show what films are like. Only the well-known ones would promise too much of a new film,
# those with one or two too little: the more often a film is rated, the better it is on average.
KNOWN_RATINGS = 5
MIN_KNOWN_FILMS = 20
# Ridge of the regression on genres and age, in films.
_RIDGE = 5.0
_SMALL = 1e-6


@dataclass(frozen=True, eq=False)
class FilmPrior:
    """``coefficients`` M: (1 + n_film_features, n_samples, 1 + n_features). ``covariance`` Σ: (n_samples,
    1 + n_features, 1 + n_features). float32."""

    coefficients: NDArray[np.float32]
    covariance: NDArray[np.float32]

    def mean(self, features: Array) -> Array:
        """f·M for one film's (n_film_features,) features, (n_samples, 1 + n_features)."""
        f = np.concatenate([[1.0], features])
        mean: Array = np.tensordot(f, self.coefficients.astype(np.float64), axes=1)
        return mean


@dataclass(frozen=True, eq=False)
class NewFilm:
    """The posterior of one film's row."""

    offset: float  # the mean over samples of what an average person gives it
    features: Array  # x, (n_samples, n_features)
    covariance: Array  # of [o, x], (n_samples, 1 + n_features, 1 + n_features)
    n_raters: int

    def film_variance(self, person: Person) -> float:
        """[1, w]·Cov·[1, w], the mean over samples: what is not known of the film, in stars²."""
        a = np.hstack([np.ones((len(person.state), 1)), person.state])
        return float(np.einsum("sk,skl,sl->", a, self.covariance, a)) / len(a)


def suits(film: NewFilm, person: Person) -> float:
    """How much more the person likes it than people do on average, in standard deviations over people."""
    apart = film.features - person.model.mean_features
    spread = float(np.square(apart).sum()) / len(apart)
    taste = float((apart * person.state).sum()) / len(apart)
    return taste / np.sqrt(spread) if spread > _SMALL else 0.0


def learn_film_prior(films: FilmModel, side: SideInformation) -> FilmPrior:
    """The regression of known films' rows on their genres and age, and how far they are from it."""
    known = np.flatnonzero(films.item_counts >= KNOWN_RATINGS)
    if len(known) < MIN_KNOWN_FILMS:
        known = np.flatnonzero(films.item_counts > 0)
    n_samples, n_features = films.features.shape[1:]
    rows = np.concatenate([films.offsets[known][:, :, None], films.features[known]], axis=2).astype(np.float64)
    design = np.hstack([np.ones((len(known), 1)), side.columns(films.n_items)[known]])
    gram = design.T @ design
    # The first column is the mean film, which is not shrunk.
    gram[np.diag_indices_from(gram)] += np.concatenate([[_SMALL], np.full(len(gram) - 1, _RIDGE)])
    flat = rows.reshape(len(known), -1)
    coefficients = np.linalg.solve(gram, design.T @ flat)
    apart = (flat - design @ coefficients).reshape(len(known), n_samples, 1 + n_features)
    covariance = np.einsum("nsk,nsl->skl", apart, apart) / max(1, len(known))
    covariance += _SMALL * np.eye(1 + n_features)
    return FilmPrior(
        coefficients.reshape(-1, n_samples, 1 + n_features).astype(np.float32), covariance.astype(np.float32)
    )


def solve_film(prior: FilmPrior, films: FilmModel, features: Array, raters: list[Person], stars: Array) -> NewFilm:
    """The row of a film with the given ``features`` that ``raters`` gave ``stars``, (n_raters,).

    What is not known of a rater makes their rating noisier.
    """
    mean = prior.mean(features)
    prior_precision = np.linalg.inv(prior.covariance.astype(np.float64))
    precision, information = prior_precision.copy(), (prior_precision @ mean[:, :, None])[:, :, 0]
    for person, value in zip(raters, stars, strict=True):
        a = np.hstack([np.ones((len(person.state), 1)), person.state])
        noise = films.noise * films.scales.fresh + person.average_film_variance()
        weighted = a / noise[:, None]
        precision += weighted[:, :, None] * a[:, None, :]
        information += weighted * value
    covariance = np.linalg.inv(precision)
    row = (covariance @ information[:, :, None])[:, :, 0]
    return NewFilm(
        offset=float(row[:, 0].mean()),
        features=row[:, 1:],
        covariance=(covariance + covariance.transpose(0, 2, 1)) / 2,
        n_raters=len(raters),
    )
