"""The promotion gate: whether a finished version may be made live without anybody looking.

Two kinds of checks. What everybody has from a version (the order of lists, the predicted stars) must be *shown* not to
be worse than the margin: the bad end of the paired interval counts. What could be ruined beside that (newcomers,
coverage, time) is guarded: it fails where harm is shown, since for a small group nothing could ever be shown not to be
worse.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.utils import timezone

from mlops.models import GatePolicy
from recommender.algorithms.comparison import Difference
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import history_of
from recommender.algorithms.interactions import Interactions
from recommender.contest import Contest
from recommender.models import ModelVersion

TIMED_PEOPLE = 40
ROUNDS = 3


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    text: str  # what was found, for people


@dataclass(frozen=True)
class Latency:
    """Median milliseconds to score all films for one person, on the same people in turns."""

    live_ms: float
    candidate_ms: float


def score_latency(
    live: TrainedModel, candidate: TrainedModel, data: Interactions, movie_ids: Any, *, seed: int = 0
) -> Latency:
    """Times both models on the same people, one after the other, so that a busy machine slows both."""
    people = np.flatnonzero(data.user_counts)
    people = np.random.default_rng(seed).permutation(people)[:TIMED_PEOPLE]
    taken: dict[str, list[float]] = {"live": [], "candidate": []}
    for _ in range(ROUNDS):
        for user in people:
            history = history_of(data, user)
            for name, model in (("live", live), ("candidate", candidate)):
                known = model.history(movie_ids[history.item], history.value, history.trained, history.age)
                began = time.perf_counter()
                model.order_scores(known)
                taken[name].append(1000 * (time.perf_counter() - began))
    return Latency(float(np.median(taken["live"])), float(np.median(taken["candidate"])))


def checks(policy: GatePolicy, found: Contest, latency: Latency) -> list[Check]:
    """All checks of the last contender against the first, in the order in which they are shown."""
    live, candidate = found.labels[0], found.labels[-1]
    newcomers = found.difference(candidate, "rmse", "newcomers")
    return [
        _shown("ndcg", "NDCG@10", found.difference(candidate, "ndcg_at_10"), policy.ndcg_margin),
        _shown("rmse", "RMSE", found.difference(candidate, "rmse"), policy.rmse_margin),
        _guarded("newcomers", "Newcomers' RMSE", newcomers, policy.newcomer_margin),
        _coverage(found.coverage[live], found.coverage[candidate], policy.coverage_margin),
        _time(latency, policy),
    ]


def _shown(name: str, title: str, found: Difference | None, margin: float) -> Check:
    if found is None or found.interval is None:
        return Check(name, False, f"{title} could not be compared: too few people have anything to be judged by.")
    text = f"{title} {found.after:.4f} against {found.before:.4f}: {_signed(found)}"
    if found.worst <= margin:
        return Check(name, True, f"{text}, not worse than the margin of {margin:g}.")
    if found.best > margin:
        return Check(name, False, f"{text}, worse than the margin of {margin:g} allows.")
    return Check(name, False, f"{text}: it may be worse by {found.worst:.4f}, and the margin is {margin:g}.")


def _guarded(name: str, title: str, found: Difference | None, margin: float) -> Check:
    if found is None or found.interval is None:
        return Check(name, True, f"{title}: too few of them to say anything.")
    text = f"{title} {found.after:.4f} against {found.before:.4f} ({found.n} people): {_signed(found)}"
    if found.best > margin:
        return Check(name, False, f"{text}, worse than the margin of {margin:g} allows.")
    return Check(name, True, f"{text}; no harm beyond the margin of {margin:g} is shown.")


def _signed(found: Difference) -> str:
    low, high = found.interval or (float("nan"), float("nan"))
    return f"{found.value:+.4f} [{low:+.4f}, {high:+.4f}]".replace("-", "−")


def _coverage(live: float, candidate: float, margin: float) -> Check:
    text = f"Coverage@10 {100 * candidate:.1f} % against {100 * live:.1f} %"
    if live - candidate > margin:
        return Check("coverage", False, f"{text}: it may fall by {100 * margin:g} points at most.")
    return Check("coverage", True, f"{text}.")


def _time(latency: Latency, policy: GatePolicy) -> Check:
    text = f"All films are scored in {latency.candidate_ms:.1f} ms against {latency.live_ms:.1f} ms"
    slower = latency.candidate_ms > policy.latency_factor * latency.live_ms
    if slower and latency.candidate_ms > policy.latency_floor_ms:
        allowed = f"{policy.latency_factor:g} times as long, or {policy.latency_floor_ms:g} ms"
        return Check("latency", False, f"{text}: allowed are {allowed}.")
    return Check("latency", True, f"{text}.")


def verdict(against: ModelVersion | None, generation: int, found: Sequence[Check], **more: Any) -> dict[str, Any]:
    """What is kept with the version: {passed, against, generation, at, checks, …}."""
    return {
        "passed": all(check.passed for check in found),
        "against": against.label if against is not None else None,
        "generation": generation,
        "at": timezone.now().isoformat(),
        "checks": [asdict(check) for check in found],
        **more,
    }
