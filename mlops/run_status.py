"""What can be said of a run while it waits or runs: how long it will still take, and what keeps it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from mlops import runs, supervisor
from mlops.charts import training_chart
from mlops.models import LEASE, TrainingRun
from recommender.algorithms.presets import BUILT_IN, PRESETS

# A process reports every few seconds; silence that is longer than this is worth a word.
SILENCE = timedelta(seconds=12)
# A worker takes what is queued within a second.
PATIENCE = timedelta(seconds=5)
LINES_WHILE_RUNNING = 6
# Before this much is done, nothing can be said of the rest.
MIN_PROGRESS = 0.05
# How close in size the ratings of an earlier run must be for its time to be this one's.
SIMILAR = 1.25


def remaining_seconds(run: TrainingRun) -> float | None:
    """What is left if it goes on as it has, or as the last run of its kind went; None while nothing can be said."""
    if run.status != TrainingRun.Status.RUNNING:
        return None
    elapsed = run.elapsed_seconds
    before = _like(run)
    if before is not None and before.elapsed_seconds > elapsed:
        return before.elapsed_seconds - elapsed
    if run.progress < MIN_PROGRESS or run.progress >= 1:
        return None
    return elapsed * (1 - run.progress) / run.progress


def _like(run: TrainingRun) -> TrainingRun | None:
    """The newest run that succeeded with the same settings on about as many ratings."""
    same = TrainingRun.objects.filter(
        kind=run.kind, status=TrainingRun.Status.SUCCEEDED, preset=run.preset, hyperparameters=run.hyperparameters
    ).first()
    if same is None or not same.n_ratings or not run.n_ratings:
        return None
    return same if 1 / SIMILAR < same.n_ratings / run.n_ratings < SIMILAR else None


def trouble(run: TrainingRun) -> str:
    """Why nothing moves and what to do, empty where all goes as it should."""
    now = timezone.now()
    if run.status == TrainingRun.Status.QUEUED and now - run.created_at > PATIENCE:
        if not runs.worker_alive():
            return (
                "No worker is running, so nobody will begin. Start one with `python manage.py qcluster`, or the whole "
                "site with `python3 run.py`. The run waits until then."
            )
        return "The workers are busy with other jobs. The next one that is free takes it."
    if run.status != TrainingRun.Status.RUNNING or run.heartbeat_at is None:
        return ""
    silent = now - run.heartbeat_at
    if silent > SILENCE:
        return (
            f"Nothing has been heard of its process for {silent.seconds} s. It may have been killed, or the machine is "
            f"overloaded. After {LEASE.seconds} s it is given up and can be started again."
        )
    if run.cancel_requested:
        return "It was asked to stop and ends within a few seconds."
    return ""


def shown(run: TrainingRun) -> dict[str, Any]:
    """What is shown of a run wherever it is shown."""
    preset = PRESETS.get(run.preset)
    return {
        "run": run,
        "hyperparameters": {**(preset.hyperparameters if preset else {}), **run.hyperparameters},
        "engine": preset.engine if preset and preset.engine != BUILT_IN else "",
        "chart": training_chart(run.history),
        "last": run.history[-1] if run.history else None,
        "remaining": remaining_seconds(run),
        "trouble": trouble(run),
        "log_lines": supervisor.tail(run.pk, lines=LINES_WHILE_RUNNING) if run.is_active else "",
    }
