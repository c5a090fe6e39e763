"""Choosing, on validation ratings only, what the descent does not learn: λ and the noise ratio of a person's solve,
the ranker's λ and half-life, and the calibration of uncertainty.

The films are fitted without the validation ratings and without one person in ten altogether. λ is chosen on those
newcomers, whose ratings have not shaped the films; how much less a trained rating should weigh, on the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ease import fit_ease
from recommender.algorithms.factorization import Factorization
from recommender.algorithms.film_model import FilmModel, History, Person, history_of
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.metrics import K, ndcg_at_k, top_k
from recommender.algorithms.ranking import EaseRanker
from recommender.algorithms.splits import Split, last_per_user
from recommender.algorithms.uncertainty import Uncertainty, calibrate

NEWCOMER_SHARE = 0.1
REGULARIZATIONS = (0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0)
NOISE_RATIOS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
RANKER_REGULARIZATIONS = (50.0, 150.0, 500.0, 1000.0)
HALF_LIVES = (0.0, 3.0, 5.0, 10.0, 20.0)
MIDDLING_HALF_LIFE = 5.0
# Enough people to choose a handful of numbers by; more would only take longer.
MAX_PEOPLE = 2000


@dataclass(frozen=True, eq=False)
class ValidationSplit:
    """``fit`` is what the films are fitted on; ``known`` and ``held_out`` divide each person's ratings."""

    fit: Interactions
    known: Interactions
    held_out: Interactions
    newcomer: NDArray[np.bool_]  # (n_users,)


def validation_split(train: Interactions, *, seed: int) -> ValidationSplit:
    """Divides a training part again, the same way as it was divided itself, and sets newcomers apart."""
    split: Split = last_per_user(train)
    newcomer = np.random.default_rng(seed).random(train.n_users) < NEWCOMER_SHARE
    return ValidationSplit(
        fit=split.train.take(~newcomer[split.train.user]),
        known=split.train,
        held_out=split.test,
        newcomer=newcomer,
    )


@dataclass(frozen=True, eq=False)
class Tuning:
    """What was chosen, with the validation figure of each choice."""

    person_regularization: float
    noise_ratio: float
    ranker_regularization: float
    ranker_half_life: float
    uncertainty: Uncertainty
    validation_rmse: float
    validation_ndcg: float

    def apply(self, factorization: Factorization, data: Interactions) -> FilmModel:
        """The films of ``factorization``, fitted on ``data``, with the chosen solve."""
        return film_model(factorization, data, self.person_regularization, self.noise_ratio)

    def fit_ranker(self, data: Interactions) -> EaseRanker:
        """The ranker with the chosen settings, fitted on ``data``."""
        return EaseRanker(fit_ease(data, self.ranker_regularization), self.ranker_half_life)


def film_model(
    factorization: Factorization, data: Interactions, person_regularization: float, noise_ratio: float
) -> FilmModel:
    return FilmModel(
        global_mean=factorization.global_mean,
        item_bias=factorization.item_bias,
        item_factors=factorization.item_factors,
        item_counts=data.item_counts,
        person_regularization=person_regularization,
        noise_ratio=noise_ratio,
    )


@dataclass(frozen=True, eq=False)
class _Case:
    """One person of the validation: what is known of them and what is to be predicted."""

    history: History
    items: NDArray[np.int32]
    actual: NDArray[np.float64]
    newcomer: bool


def _cases(split: ValidationSplit, *, seed: int) -> list[_Case]:
    people = np.flatnonzero(split.held_out.user_counts)
    if len(people) > MAX_PEOPLE:
        people = np.sort(np.random.default_rng(seed).choice(people, MAX_PEOPLE, replace=False))
    cases = []
    for user in people:
        asked = split.held_out.rows_of(user)
        newcomer = bool(split.newcomer[user])
        history = history_of(split.known, user, trained=not newcomer)
        cases.append(
            _Case(history, split.held_out.item[asked], split.held_out.value[asked].astype(np.float64), newcomer)
        )
    return cases


def _solved(model: FilmModel, cases: list[_Case]) -> Iterator[tuple[Person, _Case]]:
    for case in cases:
        yield model.solve(case.history), case


def _mean_squared_error(model: FilmModel, cases: list[_Case]) -> float:
    total, n = 0.0, 0
    for person, case in _solved(model, cases):
        total += float(np.square(person.predicted_ratings(case.items) - case.actual).sum())
        n += len(case.items)
    return total / max(1, n)


def _choose_ranker(data: Interactions, cases: list[_Case]) -> tuple[float, float, float]:
    """λ and half-life with the highest NDCG@10 over the full catalogue, and that figure.

    One after the other, λ at a middling half-life: the optimum is flat, and all pairs would take three times as long.
    """
    judged = [(case, case.items[case.actual >= RELEVANT]) for case in cases if (case.actual >= RELEVANT).any()]
    if not judged:
        return RANKER_REGULARIZATIONS[1], MIDDLING_HALF_LIFE, 0.0

    def ndcg(ranker: EaseRanker) -> float:
        total = 0.0
        for case, liked in judged:
            scores = ranker.order_scores(case.history, data.item_counts)
            scores[case.history.item] = -np.inf
            total += ndcg_at_k(np.isin(top_k(scores, K), liked), len(liked)) or 0.0
        return total / len(judged)

    fitted = {
        regularization: EaseRanker(fit_ease(data, regularization), MIDDLING_HALF_LIFE)
        for regularization in RANKER_REGULARIZATIONS
    }
    figures = {regularization: ndcg(ranker) for regularization, ranker in fitted.items()}
    regularization = max(figures, key=lambda value: figures[value])
    by_half_life = {
        half_life: figures[regularization]
        if half_life == MIDDLING_HALF_LIFE
        else ndcg(replace(fitted[regularization], half_life=half_life))
        for half_life in HALF_LIVES
    }
    half_life = max(by_half_life, key=lambda value: by_half_life[value])
    return regularization, half_life, by_half_life[half_life]


def tune(
    factorization: Factorization, split: ValidationSplit, film_variance: NDArray[np.float64], *, seed: int
) -> Tuning:
    """``factorization`` and ``film_variance`` must come from ``split.fit``."""
    cases = _cases(split, seed=seed)
    newcomers = [case for case in cases if case.newcomer]
    others = [case for case in cases if not case.newcomer]
    model = film_model(factorization, split.fit, REGULARIZATIONS[0], 1.0)

    def error(cases: list[_Case], regularization: float, ratio: float) -> float:
        return _mean_squared_error(replace(model, person_regularization=regularization, noise_ratio=ratio), cases)

    # Too few people for a tenth of them to say anything: choose on all.
    regularization = min(REGULARIZATIONS, key=lambda value: error(newcomers or others, value, 1.0))
    ratio = min(NOISE_RATIOS, key=lambda value: error(others or newcomers, regularization, value))
    model = replace(model, person_regularization=regularization, noise_ratio=ratio)
    ranker_regularization, half_life, ndcg = _choose_ranker(split.fit, cases)
    predicted, person_variance = [np.empty(0)], [np.empty(0)]
    for person, case in _solved(model, cases):
        predicted.append(person.predicted_ratings(case.items))
        person_variance.append(person.person_variance(case.items))
    actual = np.concatenate([np.empty(0), *(case.actual for case in cases)])
    items = np.concatenate([np.empty(0, np.int64), *(case.items.astype(np.int64) for case in cases)])
    uncertainty = calibrate(
        predicted=np.concatenate(predicted),
        actual=actual,
        person_variance=np.concatenate(person_variance),
        items=items,
        film_variance=film_variance,
    )
    mean_squared = float(np.mean(np.square(np.concatenate(predicted) - actual)))
    return Tuning(
        person_regularization=regularization,
        noise_ratio=ratio,
        ranker_regularization=ranker_regularization,
        ranker_half_life=half_life,
        uncertainty=uncertainty,
        validation_rmse=float(np.sqrt(mean_squared)),
        validation_ndcg=ndcg,
    )
