"""Choosing, on validation ratings only, what training does not learn: the noise scales of a person's solve, the
order of a list (ranker's λ and half-life, weight of taste), and the calibration of uncertainty.

The films are fitted without the validation ratings and without one person in ten altogether. The scale of fresh
ratings is chosen on those newcomers, whose ratings have not shaped the films; how much less a trained rating should
weigh, on the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ease import ItemWeights, fit_ease
from recommender.algorithms.film_model import FilmModel, History, NoiseScales, history_of
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.metrics import K, ndcg_at_k, top_k
from recommender.algorithms.ordering import Ordering
from recommender.algorithms.ranking import EaseRanker
from recommender.algorithms.splits import Split
from recommender.algorithms.uncertainty import HeldOut, Uncertainty, calibrate, levels_of

NEWCOMER_SHARE = 0.1
# The ridge λ where films are one vector each without a posterior: its noise is in no unit.
REGULARIZATIONS = (0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0)
# Factors of a noise that was sampled with the films.
FRESH_SCALES = (0.5, 0.7, 1.0, 1.25, 1.5, 2.0)
TRAINED_SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
RANKER_REGULARIZATIONS = (50.0, 150.0, 300.0, 500.0, 1000.0)
HALF_LIVES = (0.0, 3.0, 5.0, 10.0, 20.0)
MIDDLING_HALF_LIFE = 5.0
TASTE_WEIGHTS = (0.0, 0.2, 0.4, 0.7, 1.0)
MIDDLING_TASTE_WEIGHT = 0.4
# Enough people to choose a handful of numbers by; more would only take longer.
MAX_PEOPLE = 2000
MAX_PEOPLE_FOR_SCALES = 600


@dataclass(frozen=True, eq=False)
class ValidationSplit:
    """``fit`` is what the films are fitted on; ``known`` and ``held_out`` divide each person's ratings."""

    fit: Interactions
    known: Interactions
    held_out: Interactions
    newcomer: NDArray[np.bool_]  # (n_users,)

    @property
    def held_out_of_known_people(self) -> Interactions:
        return self.held_out.take(~self.newcomer[self.held_out.user])


def validation_split(split: Split, *, seed: int) -> ValidationSplit:
    """Divides the training part of ``split`` again, the same way, and sets newcomers apart."""
    inner = split.again()
    newcomer = np.random.default_rng(seed).random(split.train.n_users) < NEWCOMER_SHARE
    return ValidationSplit(
        fit=inner.train.take(~newcomer[inner.train.user]),
        known=inner.train,
        held_out=inner.test,
        newcomer=newcomer,
    )


@dataclass(frozen=True, eq=False)
class Tuning:
    """What was chosen, with the validation figure of each choice."""

    scales: NoiseScales
    ranker_regularization: float
    ranker_half_life: float
    taste_weight: float
    uncertainty: Uncertainty
    validation_rmse: float
    validation_ndcg: float

    def fit_ranker(self, data: Interactions) -> EaseRanker:
        """The ranker with the chosen settings, fitted on ``data``."""
        return EaseRanker(fit_ease(data, self.ranker_regularization), self.ranker_half_life)


@dataclass(frozen=True, eq=False)
class _Case:
    """One person of the validation: what is known of them and what is to be predicted."""

    history: History
    items: NDArray[np.int64]
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
        items, actual = split.held_out.item[asked], split.held_out.value[asked]
        cases.append(_Case(history, items.astype(np.int64), actual.astype(np.float64), newcomer))
    return cases


def _mean_squared_error(films: FilmModel, cases: Sequence[_Case]) -> float:
    total, n = 0.0, 0
    for case in cases:
        predicted = films.solve(case.history).predicted_ratings(case.items)
        total += float(np.square(predicted - case.actual).sum())
        n += len(case.items)
    return total / max(1, n)


def _choose_scales(films: FilmModel, cases: list[_Case]) -> NoiseScales:
    """One after the other: fresh on newcomers, trained on the others."""
    newcomers = [case for case in cases if case.newcomer]
    others = [case for case in cases if not case.newcomer][:MAX_PEOPLE_FOR_SCALES]

    def best(cases: list[_Case], candidates: Sequence[NoiseScales]) -> NoiseScales:
        return min(candidates, key=lambda scales: _mean_squared_error(replace(films, scales=scales), cases))

    has_posterior = bool((films.noise != 1.0).any())
    # Too few people for a tenth of them to say anything: choose on all.
    scales = best(newcomers or others, [NoiseScales(f) for f in (FRESH_SCALES if has_posterior else REGULARIZATIONS)])
    return best(others or newcomers, [replace(scales, trained=factor) for factor in TRAINED_SCALES])


@dataclass(frozen=True)
class _OrderSettings:
    regularization: float
    half_life: float
    taste_weight: float
    ndcg: float


def _choose_order(
    films: FilmModel, data: Interactions, cases: list[_Case], half_lives: Sequence[float]
) -> _OrderSettings:
    """Ranker's λ and half-life, and the weight of taste, by NDCG@10 over the full catalogue.

    One after the other, from the middle of each: the optimum is flat, and all triples would take twenty times as long.
    Once more where the half-life has left the middle: λ was chosen beside another.
    """
    judged = [(case, case.items[case.actual >= RELEVANT]) for case in cases if (case.actual >= RELEVANT).any()]
    half_life = MIDDLING_HALF_LIFE if MIDDLING_HALF_LIFE in half_lives else half_lives[0]
    middle = _OrderSettings(RANKER_REGULARIZATIONS[1], half_life, MIDDLING_TASTE_WEIGHT, 0.0)
    if not judged:
        return middle
    people = [films.solve(case.history) for case, _ in judged]
    fitted: dict[float, ItemWeights] = {}

    def judge(settings: _OrderSettings) -> _OrderSettings:
        regularization = settings.regularization
        if regularization not in fitted:
            fitted[regularization] = fit_ease(data, regularization)
        ordering = Ordering(films, EaseRanker(fitted[regularization], settings.half_life), settings.taste_weight)
        total = 0.0
        for person, (case, liked) in zip(people, judged, strict=True):
            scores = ordering.order(person).scores
            scores[case.history.item] = -np.inf
            total += ndcg_at_k(np.isin(top_k(scores, K), liked), len(liked)) or 0.0
        return replace(settings, ndcg=total / len(judged))

    choices = {"regularization": RANKER_REGULARIZATIONS, "half_life": half_lives, "taste_weight": TASTE_WEIGHTS}

    def search(best: _OrderSettings) -> _OrderSettings:
        for name, candidates in choices.items():
            others = [value for value in candidates if value != getattr(best, name)]
            best = max([best, *(judge(replace(best, **{name: value})) for value in others)], key=lambda one: one.ndcg)
        return best

    found = search(judge(middle))
    return found if found.half_life == half_life else search(found)


def tune(
    films: FilmModel,
    split: ValidationSplit,
    film_variance: NDArray[np.float64],
    *,
    seed: int,
    half_lives: Sequence[float] = HALF_LIVES,
) -> Tuning:
    """``films`` and ``film_variance`` must come from ``split.fit``. ``half_lives``: what is chosen from, to do without
    recency for instance."""
    cases = _cases(split, seed=seed)
    scales = _choose_scales(films, cases)
    films = replace(films, scales=scales)
    order = _choose_order(films, split.fit, cases, half_lives)
    held_out = [HeldOut(films.solve(case.history), case.items, case.actual) for case in cases]
    return Tuning(
        scales=scales,
        ranker_regularization=order.regularization,
        ranker_half_life=order.half_life,
        taste_weight=order.taste_weight,
        uncertainty=calibrate(held_out, film_variance, levels_of(split.fit.value)),
        validation_rmse=float(np.sqrt(_mean_squared_error(films, cases))),
        validation_ndcg=order.ndcg,
    )
