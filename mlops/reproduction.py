"""Measuring a stored version again, from its passport and the data, and comparing digit by digit.

Nothing is written: no run, no version, no file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cinema.models import Rating
from mlops.engines import trainers_for
from mlops.passports import Provenance, code_version, diagnostics_json, libraries, metrics_json
from mlops.training import Progress, pipeline_for
from recommender.algorithms.hyperparameters import InvalidHyperparameters
from recommender.algorithms.pipeline import Pipeline, TooFewRatings
from recommender.algorithms.presets import configuration
from recommender.dataset import Dataset, snapshot
from recommender.models import ModelVersion

# Figures may differ by this much: other processors and libraries round differently.
TOLERANCE = 1e-3
# Stands for the claims of confidence among the names of metrics; its value is the mean gap.
RELIABILITY = "reliability"

Watcher = Callable[[Progress], None]


class CannotReproduce(Exception):
    """The version cannot be measured again here; the message says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric as it was stored and as it was measured now, with everything that stands beside its value."""

    name: str
    stored: float
    recomputed: float
    largest_difference: float  # over value, interval, baselines and groups; infinite where a figure is missing
    differs_most: str  # which figure that is

    @property
    def identical(self) -> bool:
        """To the last digit, and so is everything beside it."""
        return self.largest_difference == 0

    @property
    def within_tolerance(self) -> bool:
        return self.largest_difference <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Reproduction:
    warnings: list[str]
    comparisons: list[Comparison]

    @property
    def succeeded(self) -> bool:
        return all(one.within_tolerance for one in self.comparisons)


def reproduce(version: ModelVersion, metric: str | None = None, *, watch: Watcher | None = None) -> Reproduction:
    """Trains and measures as the version's passport says, and compares with its figures, or with ``metric`` alone.

    Raises CannotReproduce when the data, the split or the settings are not to be had.
    """
    stored = _stored_figures(version)
    if metric is not None and metric not in stored:
        raise CannotReproduce(f"{version.label} has no metric {metric}. It has: {', '.join(stored)}.")
    # In an order of our own: PostgreSQL keeps the keys of a JSON object in another.
    passport = stored.get("rmse", stored[min(stored)])["passport"]
    dataset = _data_of(version)
    pipeline = _pipeline(version, passport, dataset)
    warnings = list(_warnings(version, passport))
    with trainers_for(pipeline.config) as pipeline.trainers:
        for step in pipeline:
            if watch is not None:
                n_epochs = pipeline.config.n_epochs
                watch(Progress(step.phase, step.progress, step.epoch or n_epochs, n_epochs))
    if pipeline.outcome is None:
        raise RuntimeError("The pipeline ended without an outcome.")
    provenance = Provenance(dataset.fingerprint, pipeline.split.name, pipeline.config.seed, version.preset)
    evaluation = pipeline.outcome.evaluation
    found = metrics_json(evaluation, provenance)
    if reliability := diagnostics_json(evaluation, dataset, provenance)["reliability"]:
        found[RELIABILITY] = reliability
    names = [metric] if metric is not None else list(stored)
    return Reproduction(warnings, [compare(name, stored[name], found.get(name) or {}) for name in names])


def _stored_figures(version: ModelVersion) -> dict[str, dict[str, Any]]:
    figures = {name: figure for name, figure in version.metrics.items() if figure.get("passport")}
    if reliability := version.diagnostics.get("reliability"):
        figures[RELIABILITY] = reliability
    if not figures:
        raise CannotReproduce(f"{version.label} has no metrics with a passport.")
    return figures


def _data_of(version: ModelVersion) -> Dataset:
    """The present data without what was rated after the version, if it is what the version was measured on."""
    dataset = snapshot(until=version.data_until)
    if dataset.fingerprint == version.dataset_fingerprint:
        return dataset
    raise CannotReproduce(
        f"The data are not those that {version.label} was measured on: {'; '.join(_differences(version, dataset))}. "
        f"Restore the database as it was on {version.data_until:%Y-%m-%d at %H:%M:%S} UTC to measure it again."
    )


def _differences(version: ModelVersion, dataset: Dataset) -> Iterator[str]:
    counts = (
        ("ratings", version.n_ratings, len(dataset.interactions)),
        ("people", version.n_users, len(dataset.user_ids)),
        ("films", version.n_movies, len(dataset.movie_ids)),
    )
    differ = [f"{now:,} {what} now, {then:,} then" for what, then, now in counts if then != now]
    if len(dataset.interactions) < version.n_ratings:
        differ.append("ratings that were changed since then count as later ones")
    parts = version.diagnostics.get("dataset") or {}
    changed = [name for name, digest in dataset.parts.items() if parts and parts.get(name) != digest]
    if changed:
        differ.append(f"changed: {', '.join(changed)}")
    yield from differ or ["their fingerprint differs, and the version does not say in which part"]


def _pipeline(version: ModelVersion, passport: dict[str, Any], dataset: Dataset) -> Pipeline:
    try:
        config = configuration(version.preset, version.hyperparameters)
        pipeline = pipeline_for(config, dataset, refit=False)
    except (InvalidHyperparameters, TooFewRatings) as error:
        raise CannotReproduce(f"This code cannot train {version.label} again: {error}") from error
    for key, now in (("split", pipeline.split.name), ("seed", config.seed)):
        if passport.get(key) != now:
            raise CannotReproduce(f"{version.label} was measured with the {key} {passport.get(key)!r}, not {now!r}.")
    return pipeline


def _warnings(version: ModelVersion, passport: dict[str, Any]) -> Iterator[str]:
    later = Rating.objects.changed_after(version.data_until).count()
    if later:
        yield f"Left out are ratings given since then: {later:,}."
    for what, key, now in (
        ("code", "code_version", code_version()),
        ("libraries or processor", "libraries", libraries(version.preset)),
    ):
        if passport.get(key) != now:
            yield f"Other {what}: {now} now, {passport.get(key, 'unknown')} then."


def compare(name: str, stored: dict[str, Any], found: dict[str, Any]) -> Comparison:
    """Every number of ``stored`` with the same one of ``found``; figures that ``found`` has besides do not matter."""
    key = "gap" if name == RELIABILITY else "value"
    numbers = dict(_numbers(found))
    worst, where = 0.0, key
    for path, value in _numbers(stored):
        difference = abs(value - numbers.get(path, math.nan))
        difference = math.inf if math.isnan(difference) else difference
        if difference > worst:
            worst, where = difference, path
    return Comparison(name, float(stored[key]), numbers.get(key, math.nan), worst, where)


def _numbers(figure: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """All numbers of a metric as JSON by their path, its passport left out."""
    if isinstance(figure, dict):
        for key, value in figure.items():
            if key != "passport":
                yield from _numbers(value, f"{path} {key}".strip())
    elif isinstance(figure, (list, tuple)):
        for place, value in enumerate(figure, start=1):
            yield from _numbers(value, f"{path} {place}")
    elif isinstance(figure, (int, float)) and not isinstance(figure, bool):
        yield path, float(figure)
