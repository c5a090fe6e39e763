"""What a version knows of films, and how a person is solved against it.

A person is not stored. What is known of the films are one or more samples of their posterior; in sample s film j has
an offset o_sj and a vector x_sj, scaled so that a person's prior is N(0, I). With the ratings r_i of the films that
they rated, a person is in each sample

    w_s = A_s⁻¹ (f·L_s + Σ_i x_si d_si (r_i − o_si)),   A_s = I + Σ_i d_si x_si x_siᵀ
    score_j = mean over s of o_sj + x_sj·w_s

where f = n^-½ Σ_i φ_i is what their choice of films says of them, whatever they thought of them (n films; no φ: no such
part), and 1/d_si is the noise of a rating. A rating that the films were trained on has already shaped x_i and would be
counted twice: its noise is taken for larger.

Given which films were rated, the solution is linear in the ratings. Hence every score is an exact sum over them
(``contributions``), and A⁻¹ is the person's share of the prediction's variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, Interactions

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class History:
    """One person's ratings of films that the version knows.

    ``item``: (n,) row numbers of films, each once. ``value``: (n,) stars. ``trained``: (n,) whether the version was
    trained on that rating. ``age``: (n,) how many ratings the person has given since, 0 for the latest. The order of
    the arrays carries no meaning.
    """

    item: NDArray[np.int64]
    value: Array
    trained: NDArray[np.bool_]
    age: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.item)

    def without(self, item: int) -> History:
        """The same person, had they not rated that film."""
        keep = self.item != item
        if keep.all():
            return self
        age = self.age[keep] - (self.age[keep] > self.age[~keep][0])  # what came before it is one younger
        return History(self.item[keep], self.value[keep], self.trained[keep], age)

    def take(self, keep: NDArray[np.bool_]) -> History:
        """Some of the ratings, ``keep`` (n,), each as old as it was."""
        return History(self.item[keep], self.value[keep], self.trained[keep], self.age[keep])


EMPTY_HISTORY = History(np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_), np.empty(0, np.int64))


def ages(time: NDArray[np.integer[Any]], tie: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many ratings came after each, by ``time`` and then by ``tie``, (n,)."""
    age = np.empty(len(time), np.int64)
    age[np.lexsort((tie, time))] = np.arange(len(time))[::-1]
    return age


def history_of(data: Interactions, user: int | np.integer[Any], *, trained: bool | NDArray[np.bool_] = True) -> History:
    """One person of a set of ratings, ties in time by film number. ``trained``: of all of them, or one by one."""
    rows = data.rows_of(user)
    item = data.item[rows].astype(np.int64)
    seen = np.broadcast_to(np.asarray(trained, np.bool_), len(rows))
    return History(item, data.value[rows].astype(np.float64), seen, ages(data.time[rows], item))


@dataclass(frozen=True)
class NoiseScales:
    """How much noisier a rating is taken for than the training found, each chosen on validation ratings."""

    fresh: float = 1.0  # any rating; for films without a posterior of their own this is the ridge λ
    trained: float = 1.0  # besides, one that the films were trained on, ≥ 1

    def of(self, trained: NDArray[np.bool_]) -> Array:
        """Factors of the noise variance, shape of ``trained``."""
        return self.fresh * np.where(trained, self.trained, 1.0)


@dataclass(frozen=True, eq=False)
class FilmModel:
    """Samples of films' offsets and vectors. Arrays are never changed after construction."""

    global_mean: float
    offsets: Floats  # o, (n_items, n_samples)
    features: Floats  # x, (n_items, n_samples, n_features)
    noise: Array  # variance of a rating's noise in stars², (n_samples,)
    film_noise: Floats  # what the vectors leave out of a film, likewise, (n_items,)
    watched: Floats  # φ, (n_items, n_watched)
    watched_link: Floats  # L, (n_watched, n_samples, n_features)
    item_counts: NDArray[np.int64]  # (n_items,) ratings each film was trained on
    scales: NoiseScales = NoiseScales()

    @property
    def n_items(self) -> int:
        return len(self.offsets)

    @property
    def n_samples(self) -> int:
        return self.features.shape[1]

    @cached_property
    def mean_offsets(self) -> Array:
        """What an average person gives each film, (n_items,)."""
        return self.offsets.mean(axis=1, dtype=np.float64)

    @cached_property
    def mean_features(self) -> Array:
        """x̄: the mean of x over ratings, (n_samples, n_features): what a person does on an average rated film."""
        weight = self.item_counts if self.item_counts.any() else np.ones(self.n_items)
        flat = (weight / max(1, weight.sum())) @ self.features.reshape(self.n_items, -1)
        return flat.reshape(self.features.shape[1:]).astype(np.float64)

    def characters(self, items: Any) -> Floats:
        """What sets films apart: x − x̄ of all samples side by side, (n, n_samples · n_features)."""
        apart = self.features[items] - self.mean_features.astype(np.float32)
        return apart.reshape(len(apart), self.mean_features.size)  # -1 would be nothing at all where there is no film

    def likeness(self, item: int) -> Array:
        """Dot products of one film's character with every film's, (n_items,): how alike people's ratings of the two
        are, whoever rates high or low in general."""
        character = self.characters([item])[0]
        whole = self.features.reshape(self.n_items, -1) @ character
        return whole.astype(np.float64) - float(self.mean_features.ravel() @ character)

    def solve(self, history: History) -> Person:
        """The person's state, by one n_features² solve for each sample. No history: all zeros."""
        # (n_samples, n, n_features), each sample's by itself in memory: it is read several times.
        x = self.features[history.item].transpose(1, 0, 2).astype(np.float64, order="C")
        habit = self.habit(history)
        noise = self.noise[:, None] * self.scales.of(history.trained)
        weight = 1.0 / (noise + self.film_noise[history.item])
        weighted = x.transpose(0, 2, 1) * weight[:, None, :]
        precision = weighted @ x
        diagonal = np.arange(precision.shape[1])
        precision[:, diagonal, diagonal] += 1.0
        told = weighted @ (history.value - self.offsets[history.item].T)[:, :, None]
        # Symmetric positive definite by the prior.
        state: Array = np.linalg.solve(precision, told + habit[:, :, None])[:, :, 0].astype(np.float64, copy=False)
        return Person(model=self, history=history, state=state, precision=precision, weight=weight)

    def habit(self, history: History) -> Array:
        """f·L_s: what the choice of films alone says of the person, (n_samples, n_features)."""
        watched = self.watched[history.item].sum(axis=0, dtype=np.float64) / max(1, len(history)) ** 0.5
        habit: Array = (watched @ self._link).reshape(self.features.shape[1:])
        return habit

    @cached_property
    def _link(self) -> Array:
        """L of all samples side by side, (n_watched, n_samples · n_features)."""
        return self.watched_link.reshape(len(self.watched_link), self.mean_features.size).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Contributions:
    """A predicted rating as an exact sum: base + film + you + Σ (watched + rated) = raw; stars = raw clipped."""

    base: float
    film: float
    you: float
    watched: Array  # that the person chose to watch each film of the history, (n,)
    rated: Array  # how they rated it, (n,)

    @property
    def ratings(self) -> Array:
        """Both together, (n,)."""
        return self.watched + self.rated

    @property
    def raw(self) -> float:
        return self.base + self.film + self.you + float(self.ratings.sum())

    @property
    def stars(self) -> float:
        return min(max(self.raw, MIN_RATING), MAX_RATING)


@dataclass(frozen=True, eq=False)
class Person:
    """A person's solved state against one model; lives as long as a request."""

    model: FilmModel
    history: History
    state: Array  # w, (n_samples, n_features)
    precision: Array  # A, (n_samples, n_features, n_features)
    weight: Array  # d, (n_samples, n)

    @cached_property
    def covariance(self) -> Array:
        """A⁻¹, (n_samples, n_features, n_features): for variances and contributions. No list needs it."""
        inverse = np.linalg.inv(self.precision)
        return (inverse + inverse.transpose(0, 2, 1)) / 2

    def _features(self, items: Any) -> Array:
        return self.model.features[items].astype(np.float64)

    def raw_scores(self, items: Any = slice(None)) -> Array:
        """The mean over samples of o_j + x_j·w for the given rows (all by default), unclipped."""
        x = self._features(items)
        personal = x.reshape(len(x), self.state.size) @ self.state.ravel() / self.model.n_samples
        scores: Array = self.model.mean_offsets[items] + personal
        return scores

    def predicted_ratings(self, items: Any = slice(None)) -> Array:
        """Stars within the scale."""
        return np.clip(self.raw_scores(items), MIN_RATING, MAX_RATING)

    def score_of(self, offset: float, features: Array) -> float:
        """The score of any film, ``features`` (n_samples, n_features), unclipped."""
        return offset + float((features * self.state).sum()) / self.model.n_samples

    @property
    def level(self) -> float:
        """How the person rates an average rated film, above (or below) its mean: x̄·w."""
        return float((self.model.mean_features * self.state).sum()) / self.model.n_samples

    @property
    def taste(self) -> Array:
        """The state without the level, (n_samples · n_features,): which films, not how high in general."""
        mean = self.model.mean_features
        along = (self.state * mean).sum(axis=1) / np.maximum((mean * mean).sum(axis=1), 1e-12)
        return (self.state - along[:, None] * mean).ravel()

    def contributions(self, item: int) -> Contributions:
        """The exact parts of one score."""
        return self.contributions_to(float(self.model.mean_offsets[item]), self._features(item))

    def contributions_to(self, offset: float, features: Array) -> Contributions:
        """The same of any film, ``features`` (n_samples, n_features). In each sample film i of the history gives
        (x_j − x̄)·(A⁻¹ x_i d_i e_i + n^-½ φ_i L)."""
        model, n_samples = self.model, self.model.n_samples
        apart = features - model.mean_features
        direction = (self.covariance @ apart[:, :, None])[:, :, 0]
        x = self._features(self.history.item)
        # How far each rating was from what their choice of films made expect, r − o − x·f·L.
        expected = model.offsets[self.history.item].T + np.einsum("nsk,sk->sn", x, model.habit(self.history))
        residual = self.history.value - expected
        by_film = np.einsum("nsk,sk->sn", x, direction) * self.weight * residual
        link = np.einsum("rsk,sk->r", model.watched_link.astype(np.float64), apart) / n_samples
        watched = model.watched[self.history.item].astype(np.float64) @ link / max(1, len(self.history)) ** 0.5
        return Contributions(
            base=model.global_mean,
            film=offset - model.global_mean,
            you=self.level,
            watched=watched,
            rated=by_film.sum(axis=0) / n_samples,
        )

    def person_variance(self, items: Any) -> Array:
        """x_jᵀ A⁻¹ x_j, the mean over samples: what is not known of the person, in stars², (n,)."""
        return _quadratic(self._features(items), self.covariance)

    def person_variance_of(self, features: Array) -> float:
        """The same for a film with the given (n_samples, n_features) vectors."""
        return float(_quadratic(features[None], self.covariance)[0])

    def average_film_variance(self) -> float:
        """The same for an average rated film."""
        return self.person_variance_of(self.model.mean_features)

    def disagreement(self, items: Any) -> Array:
        """Variance of the score over the samples: what is not known of the films, in stars², (n,)."""
        scores = self.model.offsets[items] + np.einsum("nsk,sk->ns", self._features(items), self.state)
        return scores.var(axis=1)

    @cached_property
    def squared_surprise(self) -> float:
        """Σ over their ratings of the squared error with which each would have been predicted without it, in stars².

        A rating's leverage h = d xᵀA⁻¹x gives that error as e / (1 − h) (Cook 1977).
        """
        if not len(self.history):
            return 0.0
        x = self._features(self.history.item)
        leverage = np.einsum("nsk,skl,nsl->sn", x, self.covariance, x, optimize=True) * self.weight
        error = self.history.value - self.raw_scores(self.history.item)
        return float(np.square(error / (1 - leverage.mean(axis=0))).sum())


def _quadratic(x: Array, covariance: Array) -> Array:
    """xᵀCx, the mean over samples, for (n, n_samples, n_features) ``x``."""
    by_sample = x.transpose(1, 0, 2)
    return np.einsum("snk,snk->n", by_sample @ covariance, by_sample) / len(covariance)
