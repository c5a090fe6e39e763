"""What a search's best parameters are worth on the test part, beside the preset's.

A search looks at validation ratings alone, and its best trial is the luckiest of many: its validation figure flatters.
So both are fitted on the training part and judged, once, on ratings that nothing was chosen by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.utils import timezone

from mlops.contenders import seed_variances
from mlops.engines import trainers_for
from mlops.models import Search
from mlops.passports import Provenance, metric_json
from mlops.searching import SearchFailed, read_dataset
from mlops.training import Progress, pipeline_for
from recommender.algorithms.pipeline import Outcome
from recommender.algorithms.presets import Config, configuration
from recommender.algorithms.splits import Split
from recommender.contest import Contender, contest
from recommender.dataset import Dataset
from recommender.held_out import kept_from_split

Watcher = Callable[[str, Progress], None]
SHOWN = ("rmse", "mae", "ndcg_at_10", "precision_at_10_rated", "coverage_at_10")
COMPARED = ("rmse", "ndcg_at_10")


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
    twins: dict[str, Contender] = {}
    for name, config in configs.items():
        if name == "best" and config == preset:
            found[name], twins[name] = found["preset"], twins["preset"]
            continue
        outcome, split = _measured(config, dataset, name, watch)
        provenance = Provenance(dataset.fingerprint, outcome.split_name, config.seed, search.preset)
        found[name] = {
            measure: {key: value for key, value in metric_json(metric, provenance).items() if key != "breakdown"}
            for measure, metric in outcome.metrics.items()
            if measure in SHOWN
        }
        twins[name] = Contender(name, outcome.measured, kept_from_split(split, dataset), seed_variances(search.preset))
    found["differences"] = _differences(twins["preset"], twins["best"], dataset, seed=preset.seed)
    search.judgement = found
    search.save(update_fields=["judgement"])
    return found


def _measured(config: Config, dataset: Dataset, name: str, watch: Watcher | None) -> tuple[Outcome, Split]:
    with trainers_for(config) as trainers:
        pipeline = pipeline_for(config, dataset, refit=False, trainers=trainers)
        for step in pipeline:
            if watch is not None:
                watch(name, Progress(step.phase, step.progress, step.epoch or config.n_epochs, config.n_epochs))
    if pipeline.outcome is None:
        raise RuntimeError("The pipeline ended without an outcome.")
    return pipeline.outcome, pipeline.split


def _differences(before: Contender, after: Contender, dataset: Dataset, *, seed: int) -> dict[str, Any]:
    """best − preset, of the same people, as the compare page has it."""
    judged = contest([before, replace(after, label="best")], dataset, seed=seed, by_genre=False)
    found = {}
    for name in COMPARED:
        difference = judged.difference("best", name)
        if difference is None or difference.interval is None:
            raise SearchFailed("Too few people have anything to be judged by.")
        found[name] = {
            "value": difference.value,
            "interval": list(difference.interval),
            "verdict": difference.verdict,
            "people": difference.n,
        }
    return found
