"""A control room in which much has happened, for whoever looks at its pages."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from mlops.models import Comparison, TrainingRun
from mlops.tests.test_compare_pages import a_result
from mlops.tests.test_gate_page import REFUSED
from mlops.tests.test_health_page import served
from mlops.tests.test_run_pages import EPOCHS
from recommender import registry
from recommender.models import ModelVersion
from recommender.tests.stored_versions import store_version


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
    return [
        f"/training/runs/{run.pk}",
        f"/training/runs/new?again={run.pk}",
        f"/training/compare/{comparison.pk}?person=alice",
        f"/models/{refused.label}",
        "/training/health?stretch=hour",
    ]
