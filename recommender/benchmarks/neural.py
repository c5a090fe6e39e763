"""``python -m recommender.benchmarks.neural``: neural collaborative filtering beside popularity and our lists.

On the demo ratings by the protocol of all our figures: the last 20 % of each person, the full catalogue. With
``--ml-1m PATH`` also by the protocol that the method was published with, on MovieLens 1M: the last film of each person
among 99 drawn ones. Figures of the second are higher by far and say little of a list, since a list is not made from a
hundred films (W. Krichene & S. Rendle: On Sampled Metrics for Item Recommendation, KDD 2020). They stand there to be
held against those of other papers, and are never mixed with the first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.evaluation import RECOMMENDABLE_RATINGS
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import history_of
from recommender.algorithms.interactions import MAX_RATING, Interactions
from recommender.algorithms.metrics import Estimate, K, mean_with_interval, top_k
from recommender.algorithms.neural import NeuralRanker
from recommender.algorithms.neural_training import NeuralConfig, NeuralEpoch, missing, train_neural
from recommender.algorithms.ranking import inverse_spread
from recommender.algorithms.splits import Split
from recommender.benchmarks import datasets, ours, peers, protocols
from recommender.benchmarks.judging import (
    BOOTSTRAP_RESAMPLES,
    BOOTSTRAP_SEED,
    Floats,
    RankingModel,
    judge_lists,
    paired_difference,
)
from recommender.benchmarks.tuned import Slice

N_NEGATIVES = 99
_TIMED_LISTS = 200
# What the network's word beside our lists is chosen from.
WEIGHTS = (0.0, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0)

Say = Callable[[str], None]


class Neural:
    """NeuMF behind the face of ``judging``; how many epochs are enough is chosen on a slice, as our lists choose."""

    def __init__(self, cut: Slice, config: NeuralConfig | None = None, say: Say = lambda text: None) -> None:
        self._cut, self._config, self._say = cut, config or NeuralConfig(), say
        self.settings: dict[str, Any] = {}
        self.fit_seconds = 0.0  # of processor time, the choosing included

    def fit(self, train: Interactions) -> None:
        began = time.process_time()
        training = train_neural(self._config, train, self._cut(train))
        while True:
            try:
                epoch = next(training)
            except StopIteration as end:
                self.ranker: NeuralRanker = end.value
                break
            self._say(_words(epoch))
            self.settings = {"n_epochs": epoch.number}
        self.fit_seconds, self._train = time.process_time() - began, train

    def scores(self, user: int) -> Floats:
        return self.ranker.scores(history_of(self._train, user))

    def list_of(self, scores: Floats) -> NDArray[np.intp]:
        return top_k(scores, K)


class Beside:
    """Our lists with the network's word added, each of unit spread over the films with enough ratings; how much it
    counts is chosen on the slice, with both fitted on its training part alone."""

    def __init__(self, side: SideInformation, cut: Slice, config: NeuralConfig | None = None) -> None:
        self._side, self._cut, self._config = side, cut, config
        self.settings: dict[str, Any] = {}

    def fit(self, train: Interactions) -> None:
        inner = self._cut(train)
        self._fit_parts(inner.train)
        found = []
        for weight in WEIGHTS:
            self.weight = weight
            found.append(float(judge_lists(self, inner).ndcg.mean()))
        self.weight = WEIGHTS[int(np.argmax(found))]
        self.settings = {"weight": self.weight}
        self._fit_parts(train)

    def _fit_parts(self, train: Interactions) -> None:
        self._lists, self._neural = ours.Lists(self._side, self._cut, recency=True), Neural(self._cut, self._config)
        self._lists.fit(train)
        self._neural.fit(train)
        self._judged = train.item_counts >= RECOMMENDABLE_RATINGS

    def scores(self, user: int) -> Floats:
        lists, network = self._lists.scores(user), self._neural.scores(user)
        return self._standardized(lists) + self.weight * self._standardized(network)

    def _standardized(self, scores: Floats) -> Floats:
        judged = scores[self._judged]
        return (scores - judged.mean()) * inverse_spread(judged)

    def list_of(self, scores: Floats) -> NDArray[np.intp]:
        return top_k(scores, K)


def _words(epoch: NeuralEpoch) -> str:
    judged = "" if epoch.validation_ndcg is None else f", validation NDCG@10 {epoch.validation_ndcg:.4f}"
    return f"    {epoch.phase} {epoch.number} of {epoch.n_epochs}: loss {epoch.loss:.4f}{judged}"


def leave_last_out(data: Interactions) -> Split:
    """The last rating of each person with at least two is the test part, ties in time by film number."""
    order = np.lexsort((data.item, data.time, data.user))
    is_last = np.append(np.diff(data.user[order]) != 0, True)
    several = data.user_counts[data.user[order]] > 1
    is_test = np.zeros(len(data), np.bool_)
    is_test[order] = is_last & several
    return Split(data.take(~is_test), data.take(is_test), "the last of each person by time", leave_last_out)


@dataclass(frozen=True)
class PublishedFigures:
    hit_rate: Estimate
    ndcg: Estimate


def published_protocol(model: RankingModel, split: Split, *, n_negatives: int = N_NEGATIVES) -> PublishedFigures:
    """HR@10 and NDCG@10 of X. He et al. (WWW 2017): each person's one test film among ``n_negatives`` drawn from those
    that they never rated. A film that scores as high as it stands before it. ``split``: one test film a person."""
    hits, gains = [], []
    rng = np.random.default_rng(protocols.SEED)
    train, test = split.train, split.test
    for user in np.flatnonzero(train.user_counts * test.user_counts).tolist():
        (target,) = test.item[test.rows_of(user)].tolist()
        never = np.ones(train.n_items, np.bool_)
        never[train.item[train.rows_of(user)]] = False
        never[target] = False
        others = np.flatnonzero(never)
        drawn = rng.choice(others, min(n_negatives, len(others)), replace=False)
        scores = model.scores(user)
        place = 1 + int(np.count_nonzero(scores[drawn] >= scores[target]))
        hits.append(float(place <= K))
        gains.append(1 / np.log2(place + 1) if place <= K else 0.0)
    interval = partial(mean_with_interval, seed=BOOTSTRAP_SEED, resamples=BOOTSTRAP_RESAMPLES)
    return PublishedFigures(interval(np.array(hits, np.float64)), interval(np.array(gains, np.float64)))


def on_the_demo(say: Say, config: NeuralConfig | None = None) -> None:
    """Popularity, our lists and NeuMF on the full catalogue."""
    dataset = datasets.read_demo()
    protocol = protocols.last_protocol(dataset.interactions)
    (split,) = protocol.splits
    side, neural = ours.side_information(dataset), Neural(protocol.slice, config, say)
    both = Beside(side, protocol.slice, config)
    models: dict[str, RankingModel] = {
        "Popularity": peers.Popularity(),
        "CINÉMA, the latest first of all": ours.Lists(side, protocol.slice, recency=True),
        "NeuMF, people encoded": neural,
        "both": both,
    }
    say(f"Demo ratings, {protocol.description}, full catalogue:")
    measured = {}
    for title, model in models.items():
        began = time.perf_counter()
        model.fit(split.train)
        seconds = time.perf_counter() - began
        figures = judge_lists(model, split)
        measured[title] = figures.as_dict()
        ndcg = mean_with_interval(figures.ndcg, seed=BOOTSTRAP_SEED, resamples=BOOTSTRAP_RESAMPLES)
        say(
            f"  {title}: NDCG@10 {_with_interval(ndcg)}, coverage {figures.coverage:.3f}, {seconds:.0f} s with choosing"
        )
    _, lists, *others = measured.values()
    for name, figures_of in zip(("NeuMF", f"Both, the network weighing {both.weight:g},"), others, strict=True):
        difference = paired_difference(figures_of["per_person"], lists["per_person"])
        say(f"  {name} less our lists, person by person: {_with_interval(difference)}")
    say(f"  {neural.fit_seconds:.0f} s of processor time to train, {_list_milliseconds(neural, split):.2f} ms a list")


def _list_milliseconds(model: Neural, split: Split) -> float:
    """The median time of all scores and the ten best, a person's history at hand."""
    times = []
    for user in np.flatnonzero(split.train.user_counts)[:_TIMED_LISTS]:
        history = history_of(split.train, user)
        began = time.perf_counter()
        top_k(model.ranker.scores(history), K)
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times))


def on_ml_1m(folder: Path, say: Say, config: NeuralConfig | None = None) -> None:
    """Popularity and NeuMF by the published protocol, in which a rating is a 1 whatever it says."""
    with tempfile.TemporaryDirectory() as downloads:
        data = datasets.read("ml-1m", folder, downloads=Path(downloads)).interactions
    split = leave_last_out(replace(data, value=np.full(len(data), MAX_RATING, np.float32)))
    say(f"MovieLens 1M, the published protocol: {split.name} among {N_NEGATIVES} drawn films:")
    models: dict[str, RankingModel] = {
        "Popularity": peers.Popularity(),
        "NeuMF, people encoded": Neural(leave_last_out, config, say),
    }
    for title, model in models.items():
        model.fit(split.train)
        figures = published_protocol(model, split)
        say(f"  {title}: HR@10 {_with_interval(figures.hit_rate)}, NDCG@10 {_with_interval(figures.ndcg)}")


def _with_interval(estimate: Estimate) -> str:
    if estimate.interval is None:
        return f"{estimate.value:.4f}"
    low, high = estimate.interval
    return f"{estimate.value:.4f} [{low:.4f}, {high:.4f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m recommender.benchmarks.neural")
    parser.add_argument("--ml-1m", type=Path, metavar="PATH", help="the folder with ratings.dat and movies.dat")
    parser.add_argument("--seed", type=int, default=0, help="of the network; default: %(default)s")
    options = parser.parse_args(arguments)
    if why_not := missing():
        _say(why_not)
        return 1
    config = NeuralConfig(seed=options.seed)
    try:
        on_the_demo(_say, config)
        if options.ml_1m is not None:
            on_ml_1m(options.ml_1m.expanduser(), _say, config)
    except datasets.DataSetUnavailable as error:
        _say(str(error))
        return 1
    return 0


def _say(text: str) -> None:
    print(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
