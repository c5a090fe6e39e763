"""Searches as rows, for tests that look at what was found."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from mlops.models import Search, TrainingRun, Trial, parameters_digest
from recommender.algorithms.presets import PRESETS

Status, State = TrainingRun.Status, Trial.State


def a_search(status: str = Status.SUCCEEDED, **fields: Any) -> Search:
    """A search around the tuned preset whose only run is in this state."""
    search = Search.objects.create(**{"preset": "tuned", "max_trials": 6, "n_ratings": 1000, **fields})
    now = timezone.now()
    TrainingRun.objects.create(
        kind="search", search=search, preset=search.preset, status=status, started_at=now, heartbeat_at=now
    )
    return search


def a_trial(search: Search, value: float | None, state: str = State.COMPLETE, **changes: Any) -> Trial:
    """The next trial: the preset with ``changes``."""
    preset = PRESETS[search.preset].hyperparameters
    parameters = {name: changes.get(name, preset[name]) for name in search.space.parameters}
    complete = state == State.COMPLETE
    return Trial.objects.create(
        search=search,
        run=search.last_run,
        number=Trial.objects.filter(search=search).count(),
        state=state,
        parameters=parameters,
        digest=parameters_digest(parameters),
        value=value if complete else None,
        rmse=(value if search.smaller_is_better else 0.9) if complete else None,
        ndcg=(0.15 if search.smaller_is_better else value) if complete else None,
        curve=[[1, 1.02], [2, 0.97]],
        started_at=timezone.now(),
        seconds=None if state == State.RUNNING else 2.5,
        error="LinAlgError: singular" if state == State.FAILED else "",
    )
