"""Choosing a model's settings on a slice of its training part; then it is fitted on the whole part and tested once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions
from recommender.algorithms.splits import Split
from recommender.benchmarks.judging import Floats, RankingModel, RatingModel, judge_lists, rmse

Settings = dict[str, Any]
Slice = Callable[[Interactions], Split]
Slices = Callable[[Interactions], list[Split]]


def grid(**choices: Sequence[Any]) -> list[Settings]:
    """Every combination."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


class TimedRating(RatingModel, Protocol):
    """One that says what settings it has chosen, and how long its last fit took."""

    settings: Settings
    fit_seconds: float


class _Tuned:
    """``settings``: what was chosen, after ``fit``. ``fit_seconds``: of the fit on the whole training part alone."""

    def __init__(self, candidates: Sequence[Settings], slices: Slices) -> None:
        self.candidates, self._slices = candidates, slices
        self.settings: Settings = {}
        self.fit_seconds = 0.0  # of processor time: other work on the machine does not count

    def _choose(self, train: Interactions, loss: Callable[[Settings, Split], float]) -> None:
        self.settings = self.candidates[0]
        if len(self.candidates) > 1:
            splits = self._slices(train)
            self.settings = min(self.candidates, key=lambda settings: sum(loss(settings, split) for split in splits))


class TunedRating(_Tuned):
    """The rating model that ``make`` makes, with the settings of the lowest validation RMSE."""

    def __init__(self, make: Callable[[Settings], RatingModel], candidates: Sequence[Settings], cut: Slice) -> None:
        super().__init__(candidates, lambda train: [cut(train)])
        self._make = make

    def fit(self, train: Interactions) -> None:
        def loss(settings: Settings, split: Split) -> float:
            model = self._make(settings)
            model.fit(split.train)
            return rmse(model, split)

        self._choose(train, loss)
        self._model = self._make(self.settings)
        began = time.process_time()
        self._model.fit(train)
        self.fit_seconds = time.process_time() - began

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> Floats:
        return self._model.predict(user, item)


class TunedRanking(_Tuned):
    """The ranking model that ``make`` makes, with the settings of the highest validation NDCG@10."""

    def __init__(
        self,
        make: Callable[[Settings], RankingModel],
        candidates: Sequence[Settings],
        slices: Slices,
    ) -> None:
        super().__init__(candidates, slices)
        self._make = make

    def fit(self, train: Interactions) -> None:
        def loss(settings: Settings, split: Split) -> float:
            model = self._make(settings)
            model.fit(split.train)
            return -float(judge_lists(model, split).ndcg.mean())

        self._choose(train, loss)
        self._model = self._make(self.settings)
        began = time.process_time()
        self._model.fit(train)
        self.fit_seconds = time.process_time() - began

    def scores(self, user: int) -> Floats:
        return self._model.scores(user)

    def list_of(self, scores: Floats) -> NDArray[np.intp]:
        return self._model.list_of(scores)
