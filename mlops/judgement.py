"""What a search's best parameters are worth on the test part, beside the preset's.

A search looks at validation ratings alone, and its best trial is the luckiest of many: its validation figure flatters.
So both are fitted on the training part and judged, once, on ratings that nothing was chosen by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from mlops.models import Search
from mlops.passports import Provenance, metric_json
from mlops.searching import SearchFailed, read_dataset
from mlops.training import Progress, pipeline_for
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import history_of
from recommender.algorithms.interactions import RELEVANT
from recommender.algorithms.metrics import ndcg_at_k
from recommender.algorithms.pipeline import Outcome
from recommender.algorithms.presets import Config, configuration
from recommender.algorithms.splits import Split
from recommender.dataset import Dataset

Watcher = Callable[[str, Progress], None]
Floats = NDArray[np.float64]

SHOWN = ("rmse", "mae", "ndcg_at_10", "precision_at_10_rated", "coverage_at_10")
RESAMPLES = 2000
PAIRED = "95 %, paired percentile bootstrap over people; does not know how much two seeds differ"


@dataclass(frozen=True, eq=False)
class _ByPerson:
    """(n_people,) each: sums of squared errors, numbers of test ratings, NDCG@10 (NaN without a relevant film)."""

    squared: Floats
    cases: Floats
    ndcg: Floats


def judge(search: Search, *, watch: Watcher | None = None) -> dict[str, Any]:
    """Judges the search's best trial and its preset on the test part, and keeps the result with the search.

    ``{"trial", "best": {metric}, "preset": {metric}, "differences": {name: {value, interval, verdict}}, "at"}``.
    Raises SearchFailed where there is no trial to judge, or where too many ratings have changed.
    """
    best = search.best
    if best is None:
        raise SearchFailed("No trial was judged yet.")
    dataset = read_dataset(search, "The test part was judged")
    preset = search.config
    configs = {"preset": preset, "best": configuration(search.preset, best.parameters)}
    found: dict[str, Any] = {"trial": best.number, "at": timezone.now().isoformat()}
    people: dict[str, _ByPerson] = {}
    for name, config in configs.items():
        if name == "best" and config == preset:
            found[name], people[name] = found["preset"], people["preset"]
            continue
        outcome, split = _measured(config, dataset, name, watch)
        provenance = Provenance(dataset.fingerprint, outcome.split_name, config.seed, search.preset)
        found[name] = {
            measure: {key: value for key, value in metric_json(metric, provenance).items() if key != "breakdown"}
            for measure, metric in outcome.metrics.items()
            if measure in SHOWN
        }
        people[name] = _by_person(outcome.measured, split)
    found["differences"] = _differences(people["preset"], people["best"], seed=search.config.seed)
    search.judgement = found
    search.save(update_fields=["judgement"])
    return found


def _measured(config: Config, dataset: Dataset, name: str, watch: Watcher | None) -> tuple[Outcome, Split]:
    pipeline = pipeline_for(config, dataset, refit=False)
    for step in pipeline:
        if watch is not None:
            watch(name, Progress(step.phase, step.progress, step.epoch or config.n_epochs, config.n_epochs))
    if pipeline.outcome is None:
        raise RuntimeError("The pipeline ended without an outcome.")
    return pipeline.outcome, pipeline.split


def _by_person(model: TrainedModel, split: Split) -> _ByPerson:
    people = np.flatnonzero(split.test.user_counts)
    squared, cases, ndcg = np.zeros(len(people)), np.zeros(len(people)), np.full(len(people), np.nan)
    for row, user in enumerate(people):
        history = history_of(split.train, user)
        asked = split.test.rows_of(user)
        items, actual = split.test.item[asked].astype(np.int64), split.test.value[asked].astype(np.float64)
        errors = model.solve(history).predicted_ratings(items) - actual
        squared[row], cases[row] = float(np.square(errors).sum()), len(errors)
        liked = items[actual >= RELEVANT]
        scores = model.order_scores(history)
        scores[history.item] = -np.inf
        listed, _ = model.discovery.list_of(scores)
        figure = ndcg_at_k(np.isin(listed, liked), len(liked))
        ndcg[row] = np.nan if figure is None else figure
    return _ByPerson(squared, cases, ndcg)


def _differences(before: _ByPerson, after: _ByPerson, *, seed: int) -> dict[str, Any]:
    """best − preset, of the same people, who are drawn once for both."""
    rng = np.random.default_rng(seed)
    n = len(before.cases)
    draws = rng.integers(0, n, (RESAMPLES, n))

    def rmse(one: _ByPerson, rows: NDArray[np.int64]) -> Floats:
        root: Floats = np.sqrt(one.squared[rows].sum(axis=-1) / one.cases[rows].sum(axis=-1))
        return root

    def ndcg(one: _ByPerson, rows: NDArray[np.int64]) -> Floats:
        mean: Floats = np.nanmean(one.ndcg[rows], axis=-1)
        return mean

    everybody = np.arange(n)
    found = {}
    for name, measure, smaller_is_better in (("rmse", rmse, True), ("ndcg_at_10", ndcg, False)):
        value = float(measure(after, everybody) - measure(before, everybody))
        low, high = np.percentile(measure(after, draws) - measure(before, draws), [2.5, 97.5])
        verdict = "open" if low <= 0 <= high else "better" if (value < 0) == smaller_is_better else "worse"
        found[name] = {"value": value, "interval": [float(low), float(high)], "verdict": verdict, "made_by": PAIRED}
    return found
