"""Choosing, on validation ratings only, what training does not learn: the noise scales of a person's solve, the
order of a list (``order_search``), and the calibration of uncertainty.

The films are fitted without the validation ratings and without one person in ten altogether. The scale of fresh
ratings is chosen on those newcomers, whose ratings have not shaped the films; how much less a trained rating should
weigh, on the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ease import fit_ease
from recommender.algorithms.film_model import FilmModel, History, NoiseScales, history_of
from recommender.algorithms.implicit_als import fit_implicit_als
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.order_search import HALF_LIVES, Judge, choose_order
from recommender.algorithms.ranking import Ranker
from recommender.algorithms.splits import Split
from recommender.algorithms.uncertainty import HeldOut, Uncertainty, calibrate, levels_of

NEWCOMER_SHARE = 0.1
# The ridge λ where films are one vector each without a posterior: its noise is in no unit.
REGULARIZATIONS = (0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0)
# Factors of a noise that was sampled with the films.
FRESH_SCALES = (0.5, 0.7, 1.0, 1.25, 1.5, 2.0)
TRAINED_SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
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
    ranker_factor_weight: float
    taste_weight: float
    uncertainty: Uncertainty
    validation_rmse: float
    validation_ndcg: float
    ranker: Ranker  # with these settings, fitted on what the films were

    def fit_ranker(self, data: Interactions, *, n_threads: int | None = None) -> Ranker:
        """The ranker with the chosen settings, fitted on ``data``."""
        weights = fit_ease(data, self.ranker_regularization)
        if not self.ranker_factor_weight:
            return Ranker(weights, self.ranker_half_life)
        factors = fit_implicit_als(data, n_threads=n_threads)
        return Ranker(weights, self.ranker_half_life, factors, self.ranker_factor_weight)


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
    liked = [(case, case.items[case.actual >= RELEVANT]) for case in cases]
    judges = [Judge(films.solve(case.history), rows) for case, rows in liked if len(rows)]
    order, ranker = choose_order(films, split.fit, judges, half_lives)
    held_out = [HeldOut(films.solve(case.history), case.items, case.actual) for case in cases]
    return Tuning(
        scales=scales,
        ranker_regularization=order.regularization,
        ranker_half_life=order.half_life,
        ranker_factor_weight=order.factor_weight,
        taste_weight=order.taste_weight,
        uncertainty=calibrate(held_out, film_variance, levels_of(split.fit.value)),
        validation_rmse=float(np.sqrt(_mean_squared_error(films, cases))),
        validation_ndcg=order.ndcg,
        ranker=ranker,
    )
