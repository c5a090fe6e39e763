"""What a finished training is held against before it may be live: the live version, on ratings new to both."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from mlops import gate
from mlops.contenders import contender, seed_variances
from mlops.models import GatePolicy
from recommender import artifacts, registry
from recommender.agreement import agreement
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.pipeline import Outcome
from recommender.algorithms.splits import Split
from recommender.contest import Contender, NothingInCommon, contest
from recommender.dataset import Dataset
from recommender.held_out import kept_from_split
from recommender.models import ModelVersion

logger = logging.getLogger(__name__)

THIS = "this version"


@dataclass(frozen=True)
class Examined:
    """``verdict`` is kept with the version; None where the gate is switched off."""

    verdict: dict[str, Any] | None
    agreement: dict[str, Any] | None  # of the live version's people with the retrained ones
    generation: int  # of the live pointer when it was looked at


def examine(
    outcome: Outcome,
    split: Split,
    dataset: Dataset,
    *,
    preset: str,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> Examined:
    """Never fails for what is wrong with the live version: that is said in the verdict."""
    state = registry.live()
    policy = GatePolicy.current()
    live = state.version
    if live is None:
        first = gate.Check("first", True, "No version is live yet: there is nothing to be compared with.")
        return Examined(gate.verdict(None, state.generation, [first]), None, state.generation)
    try:
        served, _ = artifacts.load(live.label, live.artifact_sha256)
        before = contender(live, dataset)
    except artifacts.ArtifactCorrupt as error:
        unreadable = gate.Check("artifact", True, f"The live version cannot be read any more ({error})")
        return Examined(gate.verdict(live, state.generation, [unreadable]), None, state.generation)
    agreed = _agreement(served, outcome.model, dataset, live, seed=seed)
    if not policy.enabled:
        return Examined(None, agreed, state.generation)
    candidate = Contender(THIS, outcome.measured, kept_from_split(split, dataset), seed_variances(preset))
    try:
        found = contest([before, candidate], dataset, seed=seed, by_genre=False, progress=progress)
    except NothingInCommon as error:
        alone = gate.Check("common", False, f"{error} Look at it, and activate it by hand.")
        return Examined(gate.verdict(live, state.generation, [alone]), agreed, state.generation)
    latency = gate.score_latency(served, outcome.model, dataset.interactions, dataset.movie_ids)
    checks = gate.checks(policy, found, latency)
    return Examined(
        gate.verdict(live, state.generation, checks, people=found.n_people, ratings=found.n_ratings),
        agreed,
        state.generation,
    )


def _agreement(
    served: TrainedModel, retrained: TrainedModel, dataset: Dataset, live: ModelVersion, *, seed: int
) -> dict[str, Any] | None:
    data = dataset.interactions
    newer = data.time > int(live.data_until.timestamp())
    found = agreement(served, retrained, data, dataset.movie_ids, newer, seed=seed)
    return None if found is None else {**asdict(found), "against": live.label}


def with_files(verdict: dict[str, Any] | None) -> dict[str, Any] | None:
    """The verdict of a version whose files were stored, read back and found whole."""
    if verdict is None:
        return None
    whole = gate.Check("files", True, "Its files were read back and are what was written (sha256).")
    return {**verdict, "checks": [*verdict["checks"], asdict(whole)]}
