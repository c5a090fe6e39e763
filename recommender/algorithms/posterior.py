"""The Bayesian rating model without its sampler: settings, samples of what it learned, and the films made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.hyperparameters import Hyperparameters, InvalidHyperparameters
from recommender.algorithms.search_space import Choice, Real, SearchSpace, Whole

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BayesianFactorizationConfig(Hyperparameters):
    n_factors: int = 16
    """Length of a film's factor vector, without its bias."""
    n_epochs: int = 160
    """Sweeps over all films and people."""
    burn_in: float = 0.25
    """Share of the epochs before the first sample is kept."""
    n_samples: int = 12
    """Samples kept, evenly spread over the epochs after the burn-in; fewer if there are fewer epochs."""
    rank: int = 0
    """0: a person is solved against every sample. Otherwise all samples are distilled to one solve of this rank."""
    n_side_factors: int = 100
    """Singular vectors that stand for who rated what."""
    use_genres: bool = True
    use_years: bool = True
    use_who_rated: bool = True
    """Whether the prior of a film knows who rated it."""
    use_rated_set: bool = True
    """Whether the prior of a person knows which films they rated."""
    use_network: bool = False
    """Whether a neural network may have a word in the order of lists; takes requirements-neural.txt."""
    seed: int = 0
    """Same seed and data: same bytes."""

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "n_factors": (1, 128),
            "n_epochs": (1, 5000),
            "burn_in": (0.0, 0.9),
            "n_samples": (1, 200),
            "rank": (0, 256),
            "n_side_factors": (1, 500),
            "seed": (0, 2**31 - 1),
        }
        errors = self.out_of_bounds(bounds, whole=bounds.keys() - {"burn_in"})
        for name in ("use_genres", "use_years", "use_who_rated", "use_rated_set", "use_network"):
            if not isinstance(getattr(self, name), bool):
                errors[name] = "must be true or false"
        if errors:
            raise InvalidHyperparameters(errors)

    @property
    def sampled_epochs(self) -> frozenset[int]:
        """Numbers of the epochs, from 1, after which a sample is kept; the last is always one of them."""
        burnt = min(int(self.burn_in * self.n_epochs), self.n_epochs - 1)
        step = max(1.0, (self.n_epochs - burnt) / self.n_samples)
        return frozenset(round(self.n_epochs - number * step) for number in range(self.n_samples)) & frozenset(
            range(burnt + 1, self.n_epochs + 1)
        )


# The bounds hold what can be afforded: the dearest corner takes nearly a minute on 100,000 ratings with two
# cores. The rank stays as it is, for it decides what serving costs; so does what knows who rated what, which is most of
# what this model has over a plain one. Until the first sample the curve is one of single draws.
BAYESIAN_SEARCH_SPACE = SearchSpace(
    {
        "n_factors": Whole(6, 32, log=True),
        "n_epochs": Whole(80, 240, step=20),
        "burn_in": Real(0.05, 0.5),
        "n_samples": Whole(6, 40, log=True),
        "n_side_factors": Whole(20, 200, log=True),
        "use_genres": Choice((True, False)),
        "use_years": Choice((True, False)),
    },
    comparable_from=0.6,
)


@dataclass(frozen=True, eq=False)
class PosteriorSample:
    """One draw of everything but the people. k = n_factors + 1: the person's bias, then their factors.

    ``offsets``: (n_items,) μ + b_i. ``vectors``: (n_items, k) [1, v_i]. ``alpha``: precision of a rating's noise.
    ``precision`` (k, k), ``mean`` (k,) and ``link`` (n_watched, k): a person with the features f of their choice of
    films is N(mean + f·link, precision⁻¹) before their ratings are known.
    """

    offsets: Array
    vectors: Array
    alpha: float
    precision: Array
    mean: Array
    link: Array


def film_model(
    samples: list[PosteriorSample],
    watched: Array,
    item_counts: NDArray[np.int64],
    *,
    global_mean: float,
    rank: int,
) -> FilmModel:
    """The films as ``samples`` know them, or distilled to one sample if ``rank`` is given.

    ``watched``: φ, (n_items, n_watched). Scaling by the Cholesky factor of the precision makes a person's prior
    N(0, I), and the prior's mean goes into the offsets.
    """
    factors = [np.linalg.cholesky(sample.precision) for sample in samples]
    features = np.stack(
        [np.linalg.solve(factor, sample.vectors.T).T for factor, sample in zip(factors, samples, strict=True)], axis=1
    )
    link = np.stack([sample.link @ factor for factor, sample in zip(factors, samples, strict=True)], axis=1)
    offsets = np.stack([sample.offsets + sample.vectors @ sample.mean for sample in samples], axis=1)
    noise = np.array([1.0 / sample.alpha for sample in samples])
    film_noise = np.zeros(len(item_counts))
    if rank:
        features, link, film_noise = _distilled(features, link, rank)
        offsets, noise = offsets.mean(axis=1, keepdims=True), noise.mean(keepdims=True)
    return FilmModel(
        global_mean=global_mean,
        offsets=offsets.astype(np.float32),
        features=features.astype(np.float32),
        noise=noise,
        film_noise=film_noise.astype(np.float32),
        watched=watched.astype(np.float32),
        watched_link=link.astype(np.float32),
        item_counts=item_counts,
    )


def _distilled(features: Array, link: Array, rank: int) -> tuple[Array, Array, Array]:
    """One sample that stands for all of them: features, link and what the features leave out of each film.

    For people's scores of films i and j the samples say, on average, the covariance K_ij = mean_s x_si·x_sj, which is
    WWᵀ with W = [x_1 … x_S]/√S. ZZᵀ with Z = WE, E the leading eigenvectors of WᵀW, is its best approximation of that
    rank. K itself, films by films, is never formed.
    """
    n_items, n_samples = features.shape[:2]
    wide = features.reshape(n_items, -1) / np.sqrt(n_samples)
    wide_link = link.reshape(len(link), -1) / np.sqrt(n_samples)
    values, vectors = np.linalg.eigh(wide.T @ wide)
    leading = vectors[:, np.argsort(-values)[:rank]]
    low = wide @ leading
    left_out = np.maximum(np.square(wide).sum(axis=1) - np.square(low).sum(axis=1), 0.0)
    return low[:, None, :], (wide_link @ leading)[:, None, :], left_out
