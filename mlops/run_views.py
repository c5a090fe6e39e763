"""The runs: all of them, one as it learns, and a new one with other settings."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from cinema import throttling
from cinema.guards import MemberRequest, staff_required, too_many, wants_fragment
from mlops import run_status, runs, supervisor
from mlops.forms import SettingsForm, TrainForm
from mlops.models import TrainingRun
from mlops.tables import Column, Table, download
from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS
from recommender.models import ModelVersion

RUNS_A_PAGE = 25
LOG_LINES = 200


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def run_list(request: MemberRequest) -> HttpResponse:
    """All runs, newest first, by state and settings. A POST starts one."""
    if request.method == "POST":
        return _start(request)
    runs.sweep()
    status, preset = request.GET.get("status", ""), request.GET.get("preset", "")
    found = TrainingRun.objects.select_related("version", "requested_by")
    if status in TrainingRun.Status.values:
        found = found.filter(status=status)
    if preset in PRESETS:
        found = found.filter(preset=preset)
    page = Paginator(found, RUNS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "statuses": TrainingRun.Status.choices,
        "presets": PRESETS.values(),
        "status": status,
        "preset": preset,
    }
    return render(request, "mlops/runs.html", context)


def _start(request: MemberRequest) -> HttpResponse:
    form = TrainForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the settings.")
        return redirect("mlops:dashboard")
    settings = SettingsForm(form.cleaned_data["preset"], request.POST if "with_settings" in request.POST else {})
    if not settings.is_valid():
        context = {"form": form, "settings": settings, "preset": PRESETS[form.cleaned_data["preset"]]}
        return render(request, "mlops/new_run.html", context, status=422)
    # Whoever clicks while one is running learns just that, whatever the throttle says.
    idle = not TrainingRun.objects.active().exists()
    if idle and not (verdict := throttling.allow("training", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail="Too many trainings were started.")
    try:
        run = runs.request_training(
            preset=form.cleaned_data["preset"],
            hyperparameters=settings.changes,
            activate=form.cleaned_data["activate"],
            requested_by=request.user,
        )
    except runs.TrainingInProgress as error:
        messages.info(request, f"Training run {error.run_id} is still going on. One runs at a time.")
    else:
        messages.success(request, f"Training run {run.pk} is on its way.")
    return redirect("mlops:dashboard")


@require_safe
@staff_required
def new_run(request: MemberRequest) -> HttpResponse:
    """A form with every setting, as a preset has them or as an earlier run had."""
    again = request.GET.get("again", "")
    earlier = TrainingRun.objects.filter(pk=int(again)).first() if again.isdecimal() and len(again) < 19 else None
    preset = PRESETS.get(earlier.preset if earlier else request.GET.get("preset", ""), PRESETS[DEFAULT_PRESET])
    values = {**preset.hyperparameters, **(earlier.hyperparameters if earlier else {})}
    context = {
        "preset": preset,
        "presets": PRESETS.values(),
        "earlier": earlier,
        "form": TrainForm(initial={"preset": preset.name, "activate": earlier.activate if earlier else True}),
        "settings": SettingsForm(preset.name, initial=values),
    }
    return render(request, "mlops/new_run.html", context)


@require_safe
@staff_required
def run_detail(request: MemberRequest, run_id: int) -> HttpResponse:
    """The page of a run; for htmx its progress alone, which says by an event that the run has ended."""
    runs.sweep()
    run = get_object_or_404(TrainingRun.objects.select_related("version", "requested_by"), pk=run_id)
    if file := download(request, [_epochs(run)]):
        return file
    context = run_status.shown(run)
    if wants_fragment(request) and request.htmx.target != "run":
        response = render(request, "mlops/_progress.html", context)
        return response if run.is_active else trigger_client_event(response, "training-finished")
    context |= {
        "log": supervisor.tail(run.pk, lines=LOG_LINES),
        "same_data": _same_data(run),
        "next": request.path,
    }
    return render(request, "mlops/run.html#run" if wants_fragment(request) else "mlops/run.html", context)


def _epochs(run: TrainingRun) -> Table:
    names = ("epoch", "train_rmse", "validation_rmse", "seconds")
    columns = [Column(name, name.replace("_", " "), number=True) for name in names]
    return Table(
        "epochs", f"Run {run.pk} by epoch", columns, [[one.get(name) for name in names] for one in run.history]
    )


def _same_data(run: TrainingRun) -> list[ModelVersion]:
    """Other versions of the very same ratings: they can be compared digit by digit."""
    if not run.dataset_fingerprint:
        return []
    same = ModelVersion.objects.ready().filter(dataset_fingerprint=run.dataset_fingerprint)
    if run.version_id is not None:
        same = same.exclude(pk=run.version_id)
    return list(same[:5])


@require_POST
@staff_required
def cancel(request: MemberRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(TrainingRun, pk=run_id)
    if not run.is_active:
        messages.info(request, f"Training run {run.pk} had already ended.")
    else:
        runs.request_cancel(run, by=request.user)
        messages.info(request, f"Training run {run.pk} is asked to stop.")
    return redirect("mlops:dashboard")
