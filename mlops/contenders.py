"""Stored versions as they may fairly be judged."""

from __future__ import annotations

from mlops.models import SeedSpread
from recommender import artifacts
from recommender.algorithms.common_test import KeptFrom
from recommender.contest import Contender
from recommender.dataset import Dataset
from recommender.held_out import kept_from
from recommender.models import ModelVersion


def seed_variances(preset: str) -> dict[str, float]:
    """By measure; empty where nobody has measured it for this preset."""
    return dict(SeedSpread.objects.filter(preset=preset).values_list("measure", "variance"))


def contender(version: ModelVersion, dataset: Dataset) -> Contender:
    """A stored version as it may fairly be judged: by its twin, or, without one, by itself on newer ratings alone.

    Raises ArtifactCorrupt.
    """
    try:
        twin = artifacts.load_twin(version.label, version.artifact_sha256)
        kept = kept_from(version, dataset)
    except artifacts.NoTwin:
        twin, _ = artifacts.load(version.label, version.artifact_sha256)
        kept = KeptFrom.newer_than(int(version.data_until.timestamp()), len(dataset.user_ids))
    return Contender(version.label, twin, kept, seed_variances(version.preset))
