"""What is measured: one row for each model and task, with everything that its figures depend on."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from recommender.algorithms.film_features import SideInformation
from recommender.benchmarks import ours, peers, protocols
from recommender.benchmarks.datasets import DataSet
from recommender.benchmarks.judging import RankingModel, RatingModel, judge_lists, rmse_estimate, squared_errors
from recommender.benchmarks.protocols import Protocol
from recommender.benchmarks.tuned import Settings, TimedRating, TunedRanking, TunedRating

RATING, RANKING, CONFIDENCE, NEWCOMERS = "rating", "ranking", "confidence", "newcomers"

_ALGORITHMS = Path(__file__).parents[1] / "algorithms"
_LIBRARIES = ("numpy", "numba")


class Bench:
    """One data set, divided. ``rating`` and ``ranking``: the protocols, made when they are first asked for."""

    def __init__(self, dataset: DataSet) -> None:
        self.dataset = dataset

    @cached_property
    def side(self) -> SideInformation:
        return ours.side_information(self.dataset)

    @cached_property
    def rating(self) -> Protocol:
        return protocols.rating_protocol(self.dataset.name, self.dataset.interactions)

    @cached_property
    def ranking(self) -> Protocol:
        return protocols.ranking_protocol(self.dataset.name, self.dataset.interactions)


@dataclass(frozen=True)
class Row:
    """``measure`` gives the figures as plain JSON. ``candidates``: what settings are chosen from, if they are."""

    name: str
    title: str
    task: str
    measure: Callable[[Bench], dict[str, Any]]
    candidates: Sequence[Settings] = ()
    packages: tuple[str, ...] = ()
    is_ours: bool = False
    only_in_time: bool = False
    only_on: tuple[str, ...] = ()  # data sets; all where empty

    def missing(self) -> list[str]:
        """Packages that are not installed."""
        return [package for package in self.packages if importlib.util.find_spec(_MODULES[package]) is None]

    def versions(self) -> dict[str, str]:
        return {package: metadata.version(package) for package in (*_LIBRARIES, *self.packages)}

    def identity(self, dataset_fingerprint: str) -> str:
        """Digest of what the figures depend on, besides the libraries: a finished row with another one is measured
        again."""
        parts: list[Any] = [self.name, dataset_fingerprint, list(self.candidates)]
        if self.task == RANKING:
            parts.append(protocols.N_SLICES)
        if self.is_ours:
            parts.append(_code_digest())
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


_MODULES = {"scikit-surprise": "surprise", "implicit": "implicit", "myfm": "myfm"}


@cache
def _code_digest() -> str:
    """Of the sources that our figures come from."""
    digest = hashlib.sha256()
    for path in sorted(_ALGORITHMS.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _rate(make: Callable[[Bench], TimedRating], bench: Bench) -> dict[str, Any]:
    """The figures of a rating model over all splits of the protocol."""
    began = time.perf_counter()
    per_split, seconds, settings = [], [], []
    squared = np.empty(0)
    for split in bench.rating.splits:
        model = make(bench)
        model.fit(split.train)
        squared = squared_errors(model, split.test)
        per_split.append(float(np.sqrt(squared.mean())))
        seconds.append(model.fit_seconds)
        settings.append(model.settings)
    figures: dict[str, Any] = {
        "rmse": float(np.mean(per_split)),
        "per_split": per_split,
        "fit_seconds": float(np.mean(seconds)),
        "total_seconds": time.perf_counter() - began,
        "settings": settings,
    }
    if len(per_split) == 1:
        figures["interval"] = rmse_estimate(squared, bench.rating.splits[0].test).interval
    return figures


def _rank(
    make: Callable[[Settings], RankingModel],
    candidates: Sequence[Settings],
    bench: Bench,
) -> dict[str, Any]:
    """The figures of a ranking model on the one split of the protocol."""
    (split,) = bench.ranking.splits
    began = time.perf_counter()
    model = TunedRanking(make, candidates, bench.ranking.slices)
    model.fit(split.train)
    figures = judge_lists(model, split).as_dict()
    return figures | {
        "fit_seconds": model.fit_seconds,
        "total_seconds": time.perf_counter() - began,
        "settings": [model.settings],
    }


def _rating_peer(
    name: str,
    title: str,
    make: Callable[[SideInformation, Settings], RatingModel],
    candidates: Sequence[Settings] = ({},),
    *packages: str,
) -> Row:
    def model(bench: Bench) -> TimedRating:
        return TunedRating(partial(make, bench.side), candidates, bench.rating.slice)

    return Row(name, title, RATING, partial(_rate, model), candidates, packages)


def _ranking_peer(
    name: str,
    title: str,
    make: Callable[[Settings], RankingModel],
    candidates: Sequence[Settings] = ({},),
    *packages: str,
) -> Row:
    return Row(name, title, RANKING, partial(_rank, make, candidates), candidates, packages)


def _preset(name: str) -> Row:
    def model(bench: Bench) -> TimedRating:
        return ours.Preset(name, bench.side, bench.rating.slice)

    return Row(name, f"CINÉMA {name}", RATING, partial(_rate, model), is_ours=True)


def _lists(name: str, title: str, *, recency: bool | None, slots: int = 0, only_in_time: bool = False) -> Row:
    """``recency`` None: where the test part is later, for elsewhere it means nothing."""

    def measure(bench: Bench) -> dict[str, Any]:
        wanted = bench.ranking.in_time if recency is None else recency
        (split,) = bench.ranking.splits
        began = time.perf_counter()
        model = ours.Lists(bench.side, bench.ranking.slice, recency=wanted, slots=slots)
        model.fit(split.train)
        figures = judge_lists(model, split).as_dict()
        seconds = time.perf_counter() - began
        return figures | {"fit_seconds": model.fit_seconds, "total_seconds": seconds, "settings": [model.settings]}

    return Row(name, title, RANKING, measure, is_ours=True, only_in_time=only_in_time)


def _confidence(preset: str) -> Row:
    def measure(bench: Bench) -> dict[str, Any]:
        return ours.confidence(preset, bench.dataset, bench.ranking.splits[0])

    return Row(f"confidence-{preset}", f"CINÉMA {preset}", CONFIDENCE, measure, is_ours=True)


def _newcomers(preset: str) -> Row:
    def measure(bench: Bench) -> dict[str, Any]:
        return ours.newcomers(preset, bench.dataset, bench.ranking.splits[0], bench.ranking.slice)

    name, title = f"newcomers-{preset}", f"CINÉMA {preset}"
    return Row(name, title, NEWCOMERS, measure, is_ours=True, only_on=("demo", "latest-small"))


ROWS: tuple[Row, ...] = (
    _rating_peer("item-mean", "Item mean", lambda side, chosen: peers.ItemMean()),
    _rating_peer("biases", "Biases of people and films", lambda side, chosen: peers.Biases()),
    _rating_peer(
        "surprise-svd",
        "Surprise SVD, defaults",
        lambda side, chosen: peers.Surprise("SVD", chosen),
        ({},),
        "scikit-surprise",
    ),
    _rating_peer(
        "surprise-svd-tuned",
        "Surprise SVD, tuned",
        lambda side, chosen: peers.Surprise("SVD", chosen),
        peers.SURPRISE_SVD,
        "scikit-surprise",
    ),
    _rating_peer(
        "surprise-svdpp",
        "Surprise SVD++, tuned",
        lambda side, chosen: peers.Surprise("SVDpp", chosen),
        peers.SURPRISE_SVDPP,
        "scikit-surprise",
    ),
    _rating_peer("myfm", "myFM, the same side information", peers.MyFM, peers.MYFM, "myfm"),
    _preset("classic"),
    _preset("fast"),
    _preset("balanced"),
    _preset("best"),
    _ranking_peer("popularity", "Popularity", lambda chosen: peers.Popularity()),
    _ranking_peer("item-mean-order", "Item mean", lambda chosen: peers.ItemMeanOrder()),
    _ranking_peer("item-knn", "Item kNN, tuned", peers.ItemKnn, peers.ITEM_KNN),
    _ranking_peer("implicit-bpr", "implicit BPR, tuned", peers.ImplicitBpr, peers.IMPLICIT_BPR, "implicit"),
    _ranking_peer("implicit-als", "implicit ALS, tuned", peers.ImplicitAls, peers.IMPLICIT_ALS, "implicit"),
    _lists("lists", "CINÉMA, all ratings alike", recency=False),
    _lists("lists-recency", "CINÉMA, the latest first of all", recency=True, only_in_time=True),
    _lists("lists-discovery", "CINÉMA, one discovery in ten", recency=None, slots=1),
    _confidence("classic"),
    _confidence("fast"),
    _confidence("balanced"),
    _confidence("best"),
    _newcomers("balanced"),
)
