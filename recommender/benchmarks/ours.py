"""Our models behind the face of ``judging``, put together as a training puts them together."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.bayesian_factorization import BayesianFactorizationTrainer
from recommender.algorithms.discovery import MAX_PEOPLE, learn_discovery
from recommender.algorithms.ease import fit_ease
from recommender.algorithms.evaluation import RECOMMENDABLE_RATINGS
from recommender.algorithms.film_model import FilmModel, history_of
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.metrics import K, top_k
from recommender.algorithms.pipeline import Pipeline, make_trainer
from recommender.algorithms.posterior import BayesianFactorizationConfig
from recommender.algorithms.presets import configuration
from recommender.algorithms.ranking import EaseRanker
from recommender.algorithms.side_information import SideInformation
from recommender.algorithms.splits import Split
from recommender.algorithms.trainer import Trainer
from recommender.algorithms.tuning import HALF_LIVES, RANKER_REGULARIZATIONS, tune, validation_split
from recommender.benchmarks.datasets import DataSet
from recommender.benchmarks.judging import Floats, rmse_estimate
from recommender.benchmarks.protocols import SEED
from recommender.benchmarks.tuned import grid

# What the ranker's settings are chosen from: the product's own choices.
WITHOUT_RECENCY = grid(regularization=RANKER_REGULARIZATIONS, half_life=(0.0,))
WITH_RECENCY = grid(regularization=RANKER_REGULARIZATIONS, half_life=HALF_LIVES)


def side_information(dataset: DataSet) -> SideInformation:
    return SideInformation(dataset.genres.membership, dataset.years)


class Preset:
    """A preset's rating model: films fitted, their noise scales chosen on validation, people solved against them.

    As the pipeline does it, without the ranker, and on one thread like the peers. The validation slice is each
    person's last ratings by time; where the test part is random, so is the order of time.
    """

    def __init__(self, preset: str, side: SideInformation) -> None:
        self._config, self._side = configuration(preset, None), side
        self.settings: dict[str, Any] = {}
        self.fit_seconds = 0.0

    def fit(self, train: Interactions) -> None:
        validation = validation_split(train, seed=self._config.seed)
        on_validation = self._trained(validation.fit)
        tuning = tune(on_validation.films(), validation, on_validation.film_variance(), seed=self._config.seed)
        began = time.perf_counter()
        films = self._trained(train).films()
        self.fit_seconds = time.perf_counter() - began
        self.settings = {"fresh": tuning.scales.fresh, "trained": tuning.scales.trained}
        self.films, self._train = replace(films, scales=tuning.scales), train

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
    """EASE on graded ratings; with a half-life the latest first of all; with a slot, one discovery in ten places."""

    def __init__(self, settings: Mapping[str, Any], *, slots: int = 0) -> None:
        self._regularization, self._half_life = settings["regularization"], settings["half_life"]
        self._slots = slots

    def fit(self, train: Interactions) -> None:
        self._train = train
        self._ranker = EaseRanker(fit_ease(train, self._regularization), self._half_life)
        if self._slots:
            self._learn_prices()

    def _learn_prices(self) -> None:
        """As a training learns them, from the lists of the people that it knows."""
        train = self._train
        people = np.flatnonzero(train.user_counts)
        if len(people) > MAX_PEOPLE:
            people = np.sort(np.random.default_rng(SEED).choice(people, MAX_PEOPLE, replace=False))
        films = np.unique(self._ranker.weights.targets)
        scores = np.empty((len(people), len(films)))
        for row, user in enumerate(people):
            of_all = self.scores(int(user))
            of_all[train.item[train.rows_of(user)]] = -np.inf
            scores[row] = of_all[films]
        recommendable = train.item_counts[films] >= RECOMMENDABLE_RATINGS
        learned = learn_discovery(scores, recommendable, self._slots)
        self._discovery = learned.spread(films.astype(np.intp), train.n_items)

    def scores(self, user: int) -> Floats:
        return self._ranker.order_scores(history_of(self._train, user), self._train.item_counts)

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


def newcomers(preset: str, dataset: DataSet, split: Split, *, n_people: int = 100, seeds: int = 3) -> dict[str, Any]:
    """RMSE of people whose ratings the films were not trained on, and of the same people when they were.

    ``n_people`` at a time are taken out of the training part; their test ratings are predicted from their training
    ratings in both cases.
    """
    side = side_information(dataset)
    whole = Preset(preset, side)
    whole.fit(split.train)
    rounds = []
    for seed in range(seeds):
        judged = np.flatnonzero(split.test.user_counts)
        chosen = np.random.default_rng(seed).choice(judged, min(n_people, len(judged) // 2), replace=False)
        is_new = np.zeros(split.train.n_users, np.bool_)
        is_new[chosen] = True
        test = split.test.take(is_new[split.test.user])
        without = Preset(preset, side)
        without.fit(split.train.take(~is_new[split.train.user]))
        figures = []
        for films, trained in ((without.films, False), (whole.films, True)):
            stars = predict(films, split.train, test.user, test.item, trained=trained)
            figures.append(rmse_estimate(np.square(stars - test.value), test).value)
        rounds.append(figures)
    new, known = np.array(rounds).T
    return {
        "new": float(new.mean()),
        "known": float(known.mean()),
        "rounds": rounds,
        "n_people": n_people,
        "seeds": seeds,
    }
