"""How a stored figure was made: its passport, and the figures themselves as JSON.

The passport and the version's hyper-parameters are all that ``manage.py reproduce`` needs besides the data.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import recommender.algorithms
from cinema import __version__
from recommender.algorithms.breakdowns import GroupFigure
from recommender.algorithms.evaluation import Evaluation, Metric
from recommender.algorithms.presets import PRESETS, SPARK
from recommender.dataset import Dataset

BOOTSTRAP = "95 %, percentile bootstrap over people"
# A digit may change with them.
_LIBRARIES = ("numpy", "numba")


@lru_cache(maxsize=1)
def code_version() -> str:
    """The release and a digest of the algorithms' sources: a metric of other code is another metric."""
    digest = hashlib.sha256()
    folder = Path(recommender.algorithms.__file__ or "").parent
    for source in sorted(folder.glob("*.py")):
        digest.update(source.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@lru_cache(maxsize=8)
def libraries(preset: str) -> str:
    """What computes, besides our own code, where a version is trained with ``preset``."""
    names = list(_LIBRARIES)
    if preset in PRESETS and PRESETS[preset].engine == SPARK and find_spec("pyspark") is not None:
        names.append("pyspark")
    versions = [f"{name} {installed(name)}" for name in names]
    return ", ".join([*versions, f"Python {platform.python_version()}", platform.machine()])


@dataclass(frozen=True, slots=True)
class Provenance:
    """What all figures of one evaluation have in common."""

    dataset_fingerprint: str
    split: str
    seed: int
    preset: str

    def passport(self, *, protocol: str, n: int, interval: bool, baseline: str | None) -> dict[str, Any]:
        return {
            "dataset_fingerprint": self.dataset_fingerprint,
            "split": self.split,
            "protocol": protocol,
            "n": n,
            "seed": self.seed,
            "preset": self.preset,
            "code_version": code_version(),
            "libraries": libraries(self.preset),
            "interval": BOOTSTRAP if interval else None,
            "baseline": baseline,
        }


def _figure_json(figure: Metric | GroupFigure) -> dict[str, Any]:
    return {
        "value": figure.value,
        "interval": list(figure.interval) if figure.interval else None,
        "n": figure.n,
        "baseline": figure.baseline,
        **figure.extra,
    }


def metric_json(metric: Metric, provenance: Provenance) -> dict[str, Any]:
    """The figure, its interval and baselines, the same for groups of people and films, and the passport."""
    passport = provenance.passport(
        protocol=metric.protocol, n=metric.n, interval=metric.interval is not None, baseline=metric.baseline_name
    )
    breakdown = {name: _figure_json(part) for name, part in metric.breakdown.items()}
    return {**_figure_json(metric), "breakdown": breakdown, "passport": passport}


def metrics_json(evaluation: Evaluation, provenance: Provenance) -> dict[str, Any]:
    return {name: metric_json(metric, provenance) for name, metric in evaluation.metrics.items()}


def diagnostics_json(evaluation: Evaluation, dataset: Dataset, provenance: Provenance) -> dict[str, Any]:
    """What is beside the metrics: who the groups are, whether confidence comes true, fingerprints of the data's parts.

    ``{"groups": {name: {of, definition, members, test_ratings}}, "reliability": {…, passport} or None,
    "dataset": {part: sha256}}``
    """
    groups = {
        group.name: {
            "of": group.of,
            "definition": group.definition,
            "members": int(group.members.sum()),
            "test_ratings": evaluation.n_test_ratings[group.name],
        }
        for group in evaluation.groups
    }
    reliability = None
    if evaluation.reliability is not None:
        found = evaluation.reliability
        passport = provenance.passport(
            protocol=f"test ratings: claimed chance of lying within {found.within:g} star of the prediction, by tenths",
            n=found.people,
            interval=True,
            baseline=None,
        )
        reliability = {**asdict(found), "passport": passport}
    return {"groups": groups, "reliability": reliability, "dataset": dataset.parts}
