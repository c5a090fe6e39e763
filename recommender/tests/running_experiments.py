"""Experiments that are going on, with the models of their arms in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.utils import timezone

from recommender import arms
from recommender.algorithms.ensemble import TrainedModel
from recommender.models import Experiment, ModelVersion
from recommender.tests.ratings_for_tests import run_pipeline, two_tastes


@lru_cache(maxsize=1)
def another_model() -> TrainedModel:
    """One that orders the same films differently."""
    return run_pipeline(two_tastes(seed=2)).model


def start(
    kind: str, *versions: ModelVersion | None, settings: list[dict[str, Any]] | None = None, **fields: Any
) -> Experiment:
    """One that runs from now on, an arm for each of ``versions``."""
    values = {"name": "Which is better?", "status": "running", "started_at": timezone.now(), **fields}
    experiment = Experiment.objects.create(kind=kind, **values)
    for number, version in enumerate(versions):
        given = settings[number] if settings else {}
        experiment.arms.create(name="ABCD"[number], version=version, settings=given)
    return experiment


def loaded(ask: Callable[[], Any]) -> Any:
    """What ``ask`` says once the models that it needs are in memory."""
    ask()
    for thread in threading.enumerate():
        if thread.name == "load-arm":
            thread.join(30)
    assert not arms._loading
    return ask()
