"""Staff's pages: train, watch it learn, compare versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from cinema import throttling
from cinema.guards import MemberRequest, staff_required, too_many, wants_fragment
from cinema.models import Rating
from mlops import runs
from mlops.charts import metric_charts, training_chart
from mlops.forms import TrainForm
from mlops.models import TrainingRun
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
        "worker_alive": runs.worker_alive(),
        "next": request.path,
    }
    if active is not None:
        context |= _progress(active)
    if live.version is not None:
        context |= {
            "targets": scoreboard.figures(live.version, scoreboard.TARGETS),
            "full_catalogue": scoreboard.figures(live.version, scoreboard.FULL_CATALOGUE + scoreboard.BEYOND),
            "newer_ratings": Rating.objects.changed_after(live.version.data_until).count(),
        }
    template = "mlops/dashboard.html#board" if wants_fragment(request) else "mlops/dashboard.html"
    return render(request, template, context)


_COLUMNS = [*scoreboard.TARGETS, "ndcg_at_10"]


def _progress(run: TrainingRun) -> dict[str, Any]:
    preset = PRESETS.get(run.preset)
    return {
        "run": run,
        "hyperparameters": {**(preset.hyperparameters if preset else {}), **run.hyperparameters},
        "chart": training_chart(run.history),
        "last": run.history[-1] if run.history else None,
    }


@require_safe
@staff_required
def run_detail(request: MemberRequest, run_id: int) -> HttpResponse:
    """The page of a run; for htmx its progress alone, which says by an event that the run has ended."""
    runs.sweep()
    run = get_object_or_404(TrainingRun.objects.select_related("version", "requested_by"), pk=run_id)
    context = _progress(run)
    if not wants_fragment(request):
        return render(request, "mlops/run.html", context)
    if request.htmx.target == "run":
        return render(request, "mlops/run.html#run", context)
    response = render(request, "mlops/_progress.html", context)
    return response if run.is_active else trigger_client_event(response, "training-finished")


@require_POST
@staff_required
def train(request: MemberRequest) -> HttpResponse:
    form = TrainForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the settings.")
        return redirect("mlops:dashboard")
    # Whoever clicks while one is running learns just that, whatever the throttle says.
    idle = not TrainingRun.objects.active().exists()
    if idle and not (verdict := throttling.allow("training", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail="Too many trainings were started.")
    try:
        run = runs.request_training(
            preset=form.cleaned_data["preset"],
            activate=form.cleaned_data["activate"],
            requested_by=request.user,
        )
    except runs.TrainingInProgress as error:
        messages.info(request, f"Training run {error.run_id} is still going on. One runs at a time.")
    else:
        messages.success(request, f"Training run {run.pk} is on its way.")
    return redirect("mlops:dashboard")


@require_POST
@staff_required
def cancel(request: MemberRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(TrainingRun, pk=run_id)
    if not run.is_active:
        messages.info(request, f"Training run {run.pk} had already ended.")
    else:
        runs.request_cancel(run)
        messages.info(request, f"Training run {run.pk} is asked to stop.")
    return redirect("mlops:dashboard")
