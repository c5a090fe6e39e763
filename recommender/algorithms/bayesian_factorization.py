"""Bayesian matrix factorization by Gibbs sampling, with side information in the priors.

    r_ui = μ + b_i + b_u + u·v + ε,   ε ~ N(0, 1/(α γ_u)),   [b_i, v] ~ N(m_i, Λ_I⁻¹),   [b_u, u] ~ N(m_u, Λ_U⁻¹)

Normal–Wishart hyper-priors and Gibbs sampling: Salakhutdinov & Mnih 2008. The prior means m = m₀ + f·B, with f the
side information and B sampled too: Macau, Simm et al. 2015. γ_u is how steadily a person rates. This is the sampler,
thrown away after use; what it learned of films is in ``posterior``. Importing this module brings the compiler along, so
only processes that train do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.gibbs_kernel import Pool, grouped, prepare, square_errors
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, Interactions
from recommender.algorithms.posterior import BayesianFactorizationConfig, PosteriorSample, film_model
from recommender.algorithms.trainer import Epoch
from recommender.algorithms.who_rated import rated_set_features, rated_set_vectors, who_rated_features

Array = NDArray[np.float64]

INIT_STD = 0.1
# α before the first sweep.
FIRST_PRECISION = 1.3
# γ_u ~ Gamma(shape, shape): mean 1, and the smaller the shape, the more people may differ.
STEADINESS_SHAPE = 4.0
# Sweeps before people's steadiness is sampled: the first residuals say nothing about it.
STEADINESS_FROM = 5
# So many people, those with most ratings, tell how far the samples disagree about a film: of them little is unknown.
JUDGES = 50
# Normal–Wishart hyper-prior: how many rows its mean counts for.
_PRIOR_ROWS = 2.0


class _Prior:
    """The prior of one side's rows: N(mean + f·B, precision⁻¹), all three sampled."""

    def __init__(self, features: Array, k: int) -> None:
        self.features = features
        n, p = features.shape
        self.mean, self.precision = np.zeros(k), np.eye(k)
        self.link, self.link_scale = np.zeros((p, k)), 5.0
        self._shift = np.zeros((n, k))  # f·B
        self._values, self._vectors = np.linalg.eigh(features.T @ features)

    def draw(self, rows: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draws the prior given the rows, (n, k). What to draw them anew with: precision · (mean + f·B) of each, and
        standard normal numbers, both (n, k)."""
        self._sample(rows, rng)
        return (self.mean + self._shift) @ self.precision, rng.standard_normal(rows.shape)

    def _sample(self, rows: Array, rng: np.random.Generator) -> None:
        (n, k), p = rows.shape, len(self.link)
        apart = rows - self._shift
        mean = apart.mean(axis=0)
        spread = apart - mean
        scale = np.eye(k) + spread.T @ spread + n * _PRIOR_ROWS / (n + _PRIOR_ROWS) * np.outer(mean, mean)
        scale += self.link_scale * self.link.T @ self.link
        self.precision = _wishart(k + n + p, scale, rng)
        cholesky = np.linalg.cholesky(self.precision)
        noise = np.linalg.solve(cholesky.T, rng.standard_normal(k)) / np.sqrt(n + _PRIOR_ROWS)
        self.mean = n * mean / (n + _PRIOR_ROWS) + noise
        if p:
            self._sample_link(rows - self.mean, cholesky, rng)

    def _sample_link(self, rows: Array, cholesky: NDArray[np.floating[Any]], rng: np.random.Generator) -> None:
        """B ~ its matrix normal posterior (FᵀF + λI)⁻¹(Fᵀ(X + E₁) + √λ E₂), rows of E ~ N(0, precision⁻¹)."""
        (n, k), p = rows.shape, len(self.link)

        inverse = np.linalg.inv(cholesky)  # so small that nothing is lost; solving for each row would take longer

        def noise(count: int) -> NDArray[np.floating[Any]]:
            return rng.standard_normal((k, count)).T @ inverse

        right = self.features.T @ (rows + noise(n)) + np.sqrt(self.link_scale) * noise(p)
        self.link = self._vectors @ ((self._vectors.T @ right) / (self._values + self.link_scale)[:, None])
        self._shift = self.features @ self.link
        size = float(np.square(self.link @ cholesky).sum())
        self.link_scale = float(rng.gamma((1 + p * k) / 2, 2 / (1 + size)))

    def state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("mean", "precision", "link", "link_scale")}

    def restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._shift = self.features @ self.link


def _wishart(df: float, inverse_scale: Array, rng: np.random.Generator) -> Array:
    """One draw of the Wishart distribution by Bartlett's decomposition, (k, k)."""
    k = len(inverse_scale)
    lower = np.tril(rng.standard_normal((k, k)), -1)
    lower[np.diag_indices(k)] = np.sqrt(rng.chisquare(df - np.arange(k)))
    factor = np.linalg.cholesky(np.linalg.inv(inverse_scale)) @ lower
    drawn: Array = factor @ factor.T
    return drawn


@dataclass(frozen=True, eq=False)
class _Ahead:
    """The prior of the films that the next sweep begins with, and how everything was before it was drawn."""

    drawn: Future[tuple[Array, Array]]
    rng: Mapping[str, Any]
    prior: dict[str, Any]


class BayesianFactorizationTrainer:
    """Runs the sweeps and keeps samples. Between sweeps its whole state can be taken out and put back."""

    def __init__(
        self,
        config: BayesianFactorizationConfig,
        data: Interactions,
        side: SideInformation,
        *,
        n_threads: int | None = None,
    ) -> None:
        if not len(data):
            raise ValueError("there is no rating to learn from")
        self.config = config
        self.data = data
        self.n_epochs_done = 0
        self.samples: list[PosteriorSample] = []
        self._rng = np.random.default_rng(config.seed)
        self._pool = Pool(n_threads)
        self._ahead: _Ahead | None = None
        self._global_mean = float(data.value.mean(dtype=np.float64))
        self._by_user = grouped(data.user, data.item, data.value, data.n_users)
        self._by_item = grouped(data.item, data.user, data.value, data.n_items)
        k = config.n_factors + 1
        self._watched = np.zeros((data.n_items, 0))
        if config.use_rated_set:
            self._watched = rated_set_vectors(data, config.n_side_factors, self._rng)
        used = SideInformation(
            side.genres if config.use_genres else None, side.years if config.use_years else None
        ).columns(data.n_items)
        if config.use_who_rated:
            used = np.hstack([used, who_rated_features(data, config.n_side_factors, self._rng)])
        self._user_prior = _Prior(rated_set_features(data, self._watched), k)
        self._item_prior = _Prior(used, k)
        self._users = self._initial(data.n_users, k)
        self._items = self._initial(data.n_items, k)
        self._steadiness = np.ones(data.n_users)
        self._alpha = FIRST_PRECISION
        self._of_ratings = np.empty(len(data)), np.empty(len(data))  # in the order of the side that is drawn
        self._judges = np.argsort(-data.user_counts, kind="stable")[:JUDGES]
        # Of the judges' scores over the samples: the mean and the sum of squared deviations (Welford 1962).
        self._judged = (np.zeros((len(self._judges), data.n_items)), np.zeros((len(self._judges), data.n_items)))

    def _initial(self, n: int, k: int) -> Array:
        rows = INIT_STD * self._rng.standard_normal((n, k))
        rows[:, 0] = 0.0
        return rows

    def train_epoch(self) -> Epoch:
        """One sweep over films and people; keeps a sample when its turn has come."""
        # A prior needs its own side's rows alone, so one thread draws it while others work on the ratings: that of the
        # people while films are drawn, that of the films for the next sweep while people are. The random numbers come
        # in the same order as on one thread.
        rng, mean, by_user, by_item = self._rng, self._global_mean, self._by_user, self._by_item
        items_prior = self._ahead or self._draw_items_prior()
        # A rating's weight is α times how steady its person is.
        weights, user_bias = self._alpha * self._steadiness, np.ascontiguousarray(self._users[:, 0])
        residual, weight = self._of_ratings
        information, normal = items_prior.drawn.result()
        self._ahead = None
        users_prior = self._pool.submit(lambda: self._user_prior.draw(self._users, rng))
        self._items = self._pool.draw_rows(
            by_item,
            residual,
            weight,
            _with_one(self._users),
            self._item_prior.precision,
            information,
            normal,
            before=lambda *rows: prepare(
                by_item, rows, mean, user_bias, weights, by_item.other, out=(residual, weight)
            ),
        )
        information, normal = users_prior.result()
        noise = self._random_noise()
        if self.n_epochs_done + 1 < self.config.n_epochs:
            self._ahead = self._draw_items_prior()
        vectors = _with_one(self._items)
        item_bias, squared = np.ascontiguousarray(self._items[:, 0]), np.empty(self.data.n_users)
        self._users = self._pool.draw_rows(
            by_user,
            residual,
            weight,
            vectors,
            self._user_prior.precision,
            information,
            normal,
            before=lambda *rows: prepare(by_user, rows, mean, item_bias, weights, by_user.row, out=(residual, weight)),
            after=lambda first, end, drawn: square_errors(
                by_user, (first, end), residual, drawn, vectors, out=(residual, squared)
            ),
        )
        self._take_noise(squared, noise)
        self.n_epochs_done += 1
        if self.n_epochs_done in self.config.sampled_epochs:
            self.samples.append(
                PosteriorSample(
                    offsets=mean + self._items[:, 0],
                    vectors=vectors,
                    alpha=self._alpha,
                    precision=self._user_prior.precision,
                    mean=self._user_prior.mean,
                    link=self._user_prior.link,
                )
            )
            self._judge()
        return Epoch(self.n_epochs_done, float(np.sqrt(squared.sum() / len(self.data))))

    def _judge(self) -> None:
        mean, squares = self._judged
        people = self._users[self._judges]
        scores = people[:, :1] + self._items[:, 0] + people[:, 1:] @ self._items[:, 1:].T
        apart = scores - mean
        mean = mean + apart / len(self.samples)
        self._judged = (mean, squares + apart * (scores - mean))

    def _draw_items_prior(self) -> _Ahead:
        before = self._rng.bit_generator.state, self._item_prior.state()
        return _Ahead(self._pool.submit(lambda: self._item_prior.draw(self._items, self._rng)), *before)

    def _random_noise(self) -> tuple[float, Array | None]:
        """What α and people's steadiness are made of: which gamma distribution a number is from is known before its
        scale is."""
        of_alpha = float(self._rng.standard_gamma((1 + len(self.data)) / 2))
        if self.n_epochs_done < STEADINESS_FROM:
            return of_alpha, None
        return of_alpha, self._rng.standard_gamma(STEADINESS_SHAPE + self.data.user_counts / 2)

    def _take_noise(self, squared: Array, noise: tuple[float, Array | None]) -> None:
        """``squared``: the sum of each person's squared errors, (n_users,)."""
        of_alpha, of_people = noise
        self._alpha = of_alpha * (2 / (1 + float(self._steadiness @ squared)))
        if of_people is not None:
            self._steadiness = of_people * (1 / (STEADINESS_SHAPE + self._alpha * squared / 2))

    def epochs(self, held_out: Interactions | None = None) -> Iterator[Epoch]:
        """The sweeps still to run, each as it is done, with the RMSE of the learned people on ``held_out``.

        From the first sample on that is the RMSE of the mean prediction so far: a single draw says little.
        """
        total, n_draws = np.zeros(len(held_out) if held_out is not None else 0), 0
        first_sample = min(self.config.sampled_epochs)
        while self.n_epochs_done < self.config.n_epochs:
            epoch = self.train_epoch()
            if held_out is None or not len(held_out):
                yield epoch
                continue
            if self.n_epochs_done <= first_sample:
                total[:], n_draws = 0.0, 0
            total += self._predict(held_out)
            n_draws += 1
            error = np.clip(total / n_draws, MIN_RATING, MAX_RATING) - held_out.value
            yield Epoch(epoch.number, epoch.train_rmse, float(np.sqrt(np.mean(np.square(error)))))

    def _predict(self, pairs: Interactions) -> Array:
        people, films = self._users[pairs.user], self._items[pairs.item]
        predicted: Array = self._global_mean + people[:, 0] + films[:, 0]
        return predicted + np.einsum("nf,nf->n", people[:, 1:], films[:, 1:])

    def films(self) -> FilmModel:
        """The films as the kept samples know them."""
        return film_model(
            self.samples,
            self._watched,
            self.data.item_counts,
            global_mean=self._global_mean,
            rank=self.config.rank,
        )

    def film_variance(self) -> Array:
        """What is not known of each film, as variance of the judges' scores over the samples, in stars², (n_items,)."""
        variance: Array = self._judged[1].mean(axis=0) / max(1, len(self.samples))
        return variance

    def checkpoint(self) -> dict[str, Any]:
        """Everything that the next sweep depends on; ``restore`` on a new trainer of the same config and data goes on
        as if nothing had happened."""
        return {
            "n_epochs_done": self.n_epochs_done,
            "rng": self._ahead.rng if self._ahead else self._rng.bit_generator.state,
            "users": self._users.copy(),
            "items": self._items.copy(),
            "steadiness": self._steadiness.copy(),
            "alpha": self._alpha,
            "user_prior": self._user_prior.state(),
            "item_prior": self._ahead.prior if self._ahead else self._item_prior.state(),
            "samples": list(self.samples),
            "judged": self._judged,
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        if self._ahead:
            self._ahead.drawn.result()  # nobody else uses what is put back
            self._ahead = None
        self.n_epochs_done = checkpoint["n_epochs_done"]
        self._rng.bit_generator.state = checkpoint["rng"]
        self._users, self._items = checkpoint["users"].copy(), checkpoint["items"].copy()
        self._steadiness, self._alpha = checkpoint["steadiness"].copy(), checkpoint["alpha"]
        self._user_prior.restore(checkpoint["user_prior"])
        self._item_prior.restore(checkpoint["item_prior"])
        self.samples = list(checkpoint["samples"])
        self._judged = checkpoint["judged"]


def _with_one(rows: Array) -> Array:
    """[1, factors]: what a row's bias and factors are multiplied by on the other side."""
    vectors = rows.copy()
    vectors[:, 0] = 1.0
    return vectors
