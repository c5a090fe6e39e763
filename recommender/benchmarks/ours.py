"""Our models behind the face of ``judging``, put together as a training puts them together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.bayesian_factorization import BayesianFactorizationTrainer
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import FilmModel, history_of
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.metrics import K, top_k
from recommender.algorithms.order_search import HALF_LIVES
from recommender.algorithms.ordering import Ordering
from recommender.algorithms.pipeline import Pipeline, make_trainer, price_discoveries
from recommender.algorithms.posterior import BayesianFactorizationConfig
from recommender.algorithms.presets import DEFAULT_PRESET, configuration
from recommender.algorithms.splits import Split
from recommender.algorithms.trainer import Trainer
from recommender.algorithms.tuning import tune, validation_split
from recommender.benchmarks.datasets import DataSet
from recommender.benchmarks.judging import Floats, rmse_difference, rmse_estimate
from recommender.benchmarks.protocols import SEED
from recommender.benchmarks.tuned import Slice


def side_information(dataset: DataSet) -> SideInformation:
    return SideInformation(dataset.genres.membership, dataset.years)


class Preset:
    """A preset's rating model: films fitted, their noise scales chosen on validation, people solved against them.

    As the pipeline does it, without the discovery slots, and on one thread like the peers.
    """

    def __init__(
        self, preset: str, side: SideInformation, cut: Slice, *, half_lives: Sequence[float] = HALF_LIVES
    ) -> None:
        self._config, self._side = configuration(preset, None), side
        self._cut, self._half_lives = cut, half_lives
        self.settings: dict[str, Any] = {}
        self.fit_seconds = 0.0  # of processor time: other work on the machine does not count

    def fit(self, train: Interactions) -> None:
        nothing = train.take(np.empty(0, np.intp))
        seed = self._config.seed
        validation = validation_split(Split(train, nothing, "", self._cut), seed=seed)
        fitted = self._trained(validation.fit)
        tuning = tune(fitted.films(), validation, fitted.film_variance(), seed=seed, half_lives=self._half_lives)
        began = time.process_time()
        films = self._trained(train).films()
        self.fit_seconds = time.process_time() - began
        self.settings = {"fresh": tuning.scales.fresh, "trained": tuning.scales.trained}
        self.tuning, self.films, self._train = tuning, replace(films, scales=tuning.scales), train

    def _trained(self, data: Interactions) -> Trainer:
        if isinstance(self._config, BayesianFactorizationConfig):
            trainer: Trainer = BayesianFactorizationTrainer(self._config, data, self._side, n_threads=1)
        else:
            trainer = make_trainer(self._config, data, self._side)
        for _ in trainer.epochs():
            pass
        return trainer

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> Floats:
        return predict(self.films, self._train, user, item)


def predict(
    films: FilmModel, known: Interactions, user: NDArray[np.int32], item: NDArray[np.int32], *, trained: bool = True
) -> Floats:
    """Stars, each person solved from their ratings in ``known``, shape of ``user``. ``trained``: whether the films
    have learned from these ratings."""
    predicted = np.empty(len(user))
    for person in np.unique(user):
        asked = np.flatnonzero(user == person)
        solved = films.solve(history_of(known, person, trained=trained))
        predicted[asked] = solved.predicted_ratings(item[asked].astype(np.int64))
    return predicted


class Lists:
    """The default preset's lists: the ranker with the rating model's word, settings chosen as every training does;
    with ``recency`` the latest rated speak loudest, with a slot there is one discovery in ten places."""

    def __init__(self, side: SideInformation, cut: Slice, *, recency: bool, slots: int = 0) -> None:
        self._preset = Preset(DEFAULT_PRESET, side, cut, half_lives=HALF_LIVES if recency else (0.0,))
        self._slots = slots
        self.settings: dict[str, Any] = {}
        self.fit_seconds = 0.0

    def fit(self, train: Interactions) -> None:
        self._preset.fit(train)
        tuning, self._train = self._preset.tuning, train
        began = time.process_time()
        self._ordering = Ordering(self._preset.films, tuning.fit_ranker(train, n_threads=1), tuning.taste_weight)
        if self._slots:
            self._discovery = price_discoveries(self._ordering, train, self._slots, seed=SEED)
        self.fit_seconds = self._preset.fit_seconds + time.process_time() - began
        self.settings = {
            "regularization": tuning.ranker_regularization,
            "half_life": tuning.ranker_half_life,
            "factor_weight": tuning.ranker_factor_weight,
            "taste_weight": tuning.taste_weight,
        }

    def scores(self, user: int) -> Floats:
        return self._ordering.order(self._preset.films.solve(history_of(self._train, user))).scores

    def list_of(self, scores: Floats) -> NDArray[np.intp]:
        if not self._slots:
            return top_k(scores, K)
        return self._discovery.list_of(scores, K, self._slots)[0]


def confidence(preset: str, dataset: DataSet, split: Split) -> dict[str, Any]:
    """What the whole pipeline says of a preset's confidence: claimed and observed shares, and their gap by deciles."""
    pipeline = Pipeline(
        configuration(preset, None),
        split.train,
        movie_ids=dataset.movie_ids,
        genres=dataset.genres,
        years=dataset.years,
        split=split,
        refit=False,
    )
    for _ in pipeline:
        pass
    if pipeline.outcome is None or (found := pipeline.outcome.evaluation.reliability) is None:
        raise ValueError("there is no test rating")
    return {
        "gap": found.gap,
        "claimed": found.claimed,
        "observed": found.observed,
        "interval": found.interval,
        "n": found.n,
        "rmse": pipeline.outcome.metrics["rmse"].value,
    }


def newcomers(preset: str, dataset: DataSet, split: Split, cut: Slice, *, n_parts: int = 7) -> dict[str, Any]:
    """RMSE of people whose ratings the films were not trained on, and of the same people when they were.

    Everybody is left out once, one part of the people at a time, and their test ratings are predicted from their
    training ratings in both cases. A few people left out would not do: among a hundred, two or three with many ratings
    decide, and the difference comes out anywhere between −.025 and +.01.
    """
    side, train, test = side_information(dataset), split.train, split.test
    whole = Preset(preset, side, cut)
    whole.fit(train)
    known = predict(whole.films, train, test.user, test.item)
    new = np.empty_like(known)
    part_of = np.random.default_rng(SEED).permutation(train.n_users) % n_parts
    for part in range(n_parts):
        without = Preset(preset, side, cut)
        without.fit(train.take(part_of[train.user] != part))
        asked = part_of[test.user] == part
        new[asked] = predict(without.films, train, test.user[asked], test.item[asked], trained=False)
    errors_new, errors_known = np.square(new - test.value), np.square(known - test.value)
    return {
        "new": rmse_estimate(errors_new, test).value,
        "known": rmse_estimate(errors_known, test).value,
        "interval": rmse_difference(errors_new, errors_known, test).interval,
        "n_people": int(np.count_nonzero(test.user_counts)),
        "n_parts": n_parts,
    }
