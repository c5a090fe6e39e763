"""A control room in which much has happened, for whoever looks at its pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from mlops.models import Comparison, EngagementDay, PolicyValue, TrainingRun
from mlops.tests.made_experiments import live_through, make_people
from mlops.tests.test_compare_pages import a_result
from mlops.tests.test_gate_page import REFUSED
from mlops.tests.test_health_page import served
from mlops.tests.test_run_pages import EPOCHS
from recommender import registry
from recommender.models import ModelVersion
from recommender.tests.running_experiments import start
from recommender.tests.stored_versions import store_version

SETTINGS: list[dict[str, Any]] = [{}, {"discovery": 3}, {"novelty": 0.5, "diversity": 0.3}]


def control_room_pages() -> list[str]:
    """Paths of pages that show something: a run, a comparison with somebody's lists, a refused version."""
    now = timezone.now()
    live = registry.live().version
    refused = store_version(verdict=REFUSED, note="An experiment", pinned=True)
    assert live is not None
    run = TrainingRun.objects.create(
        preset="tuned", status="succeeded", started_at=now - timedelta(minutes=1), finished_at=now, history=EPOCHS,
        n_ratings=1200, dataset_fingerprint="f" * 64, ratings_per_second=2e6, memory_bytes=3e8, progress=1.0,
        version=refused,
    )  # fmt: skip
    comparison = Comparison.objects.create(
        key=f"{live.label},{refused.label}", status="done", result=a_result(live.label, refused.label),
        requested_at=now, heard_at=now, finished_at=now,
    )  # fmt: skip
    for minutes in range(0, 50, 5):
        served(live.label, minutes, fallbacks=minutes % 3)
    ModelVersion.objects.filter(pk=refused.pk).update(created_at=now)
    people = make_people(48)
    ended = start("ab", None, None, None, status="stopped", ended_at=now, interest=0.1, settings=SETTINGS)
    live_through(ended, people, {"A": 0.4, "B": 0.5, "C": 0.05})
    running = start("interleaved", live, refused, name="Is the refused one better after all?", interest=0.1)
    live_through(running, people, {"A": 0.2, "B": 0.4})
    draft = start("ab", None, None, status="draft", settings=SETTINGS[:2])
    for days in range(1, 6):
        EngagementDay.objects.create(
            day=now.date() - timedelta(days=days), version=live.label, lists=100 - 5 * days, films=30 + days,
            catalogue=60, opened_lists=30, opened=36, rated_after_opening=9 + days,
        )  # fmt: skip
    PolicyValue.objects.create(version=live, at=now, n_lists=40, refusal="Too few: 40 effective lists of 100.")
    value = {"value": 0.31, "interval": [0.22, 0.4], "effective_sample_size": 312.5}
    PolicyValue.objects.create(version=refused, at=now, n_lists=700, result=value)
    return [
        "/training/experiments",
        f"/training/experiments/{ended.pk}",
        f"/training/experiments/{running.pk}",
        f"/training/experiments/{draft.pk}",
        "/training/health/lists",
        f"/training/runs/{run.pk}",
        f"/training/runs/new?again={run.pk}",
        f"/training/compare/{comparison.pk}?person=alice",
        f"/models/{refused.label}",
        "/training/health?stretch=hour",
    ]
