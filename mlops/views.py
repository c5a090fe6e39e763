"""Staff's pages: train, watch it learn, compare versions."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cinema.guards import MemberRequest, staff_required, wants_fragment
from cinema.models import Rating
from mlops import run_status, runs, watch
from mlops.charts import metric_charts
from mlops.forms import TrainForm
from mlops.models import GatePolicy, TrainingRun
from recommender import registry, scoreboard
from recommender.algorithms.presets import PRESETS
from recommender.models import ModelVersion

RUNS_SHOWN = 8
VERSIONS_SHOWN = 20


@require_safe
@staff_required
def dashboard(request: MemberRequest) -> HttpResponse:
    runs.sweep()
    live = registry.live()
    versions = list(ModelVersion.objects.ready().order_by("-pk")[:VERSIONS_SHOWN])
    recent = list(TrainingRun.objects.select_related("version", "requested_by")[:RUNS_SHOWN])
    active = next((run for run in recent if run.is_active), None)
    context: dict[str, Any] = {
        "live": live,
        "latest": versions[0] if versions else None,
        "versions": versions,
        "rows": [(version, [scoreboard.figure(version, name) for name in _COLUMNS]) for version in versions],
        "columns": [scoreboard.MEASURES[name] for name in _COLUMNS],
        "sparks": metric_charts(versions[::-1]),
        "runs": recent,
        "active": active,
        "form": TrainForm(),
        "presets": PRESETS.values(),
        "gate": GatePolicy.current(),
        "watch": watch.over_live(),
        "worker_alive": runs.worker_alive(),
        "next": request.path,
    }
    if active is not None:
        context |= run_status.shown(active)
    if live.version is not None:
        context |= {
            "targets": scoreboard.figures(live.version, scoreboard.TARGETS),
            "full_catalogue": scoreboard.figures(live.version, scoreboard.FULL_CATALOGUE + scoreboard.BEYOND),
            "newer_ratings": Rating.objects.changed_after(live.version.data_until).count(),
        }
    template = "mlops/dashboard.html#board" if wants_fragment(request) else "mlops/dashboard.html"
    return render(request, template, context)


_COLUMNS = [*scoreboard.TARGETS, "ndcg_at_10"]
