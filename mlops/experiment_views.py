"""Experiments: planned, watched, ended, and what they found."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cinema.guards import MemberRequest, staff_required, wants_fragment
from mlops import experiment_lines, experiments
from mlops.experiment_forms import ArmForm, ExperimentForm, arm_forms
from mlops.experiment_reading import reading
from mlops.models import EngagementPolicy, PolicyValue
from mlops.tables import download
from recommender import registry
from recommender.models import Experiment

VALUES_SHOWN = 60


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def experiment_list(request: MemberRequest) -> HttpResponse:
    """All of them, and a form for the next."""
    data = request.POST if request.method == "POST" else None
    form = ExperimentForm(data, initial={"interest": round(100 * experiments.usual_interest(), 2)})
    arms = arm_forms(data)
    if request.method == "POST" and form.is_valid() and all(arm.is_valid() for arm in arms):
        try:
            planned = experiments.plan(
                by=request.user, arms=[arm.planned() for arm in arms if arm.is_used], **form.planned()
            )
        except experiments.ExperimentRefused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Planned. Look at it once more, then start it.")
            return redirect("mlops:experiment", planned.pk)
    context = {
        "experiments": Experiment.objects.select_related("created_by").prefetch_related("arms__version"),
        "running": Experiment.objects.filter(status=Experiment.Status.RUNNING).first(),
        "form": form,
        "arms": arms,
        "records": EngagementPolicy.current().record,
        "values": experiment_lines.values(_latest_values()),
        "exploration": registry.exploration(),
    }
    return render(request, "mlops/experiments.html", context, status=422 if _failed(form, arms) else 200)


def _latest_values() -> list[PolicyValue]:
    """The last of each version, the newest version first."""
    latest: dict[int, PolicyValue] = {}
    for one in PolicyValue.objects.select_related("version")[:VALUES_SHOWN]:
        latest.setdefault(one.version_id, one)
    return sorted(latest.values(), key=lambda one: -one.version_id)


def _failed(form: ExperimentForm, arms: list[ArmForm]) -> bool:
    return form.is_bound and (bool(form.errors) or any(arm.errors for arm in arms))


@require_safe
@staff_required
def experiment(request: MemberRequest, experiment_id: int) -> HttpResponse:
    one = get_object_or_404(Experiment.objects.select_related("created_by", "ended_by"), pk=experiment_id)
    found = reading(one)
    if file := download(request, [experiment_lines.table(found)]):
        return file
    charts = [experiment_lines.chart(one, contrast) for contrast in found.contrasts]
    arms = {arm.name: arm for arm in one.arms.select_related("version")}
    winner = arms.get(found.winner or "")
    context: dict[str, Any] = {
        "experiment": one,
        "found": found,
        "finding": experiment_lines.finding(one, found),
        "unit": experiment_lines.unit(one),
        "mixes": one.kind == Experiment.Kind.INTERLEAVED,
        "lines": experiment_lines.lines(found),
        "group_lines": experiment_lines.group_lines(found.groups),
        "charts": [chart for chart in charts if chart is not None],
        "table": experiment_lines.table(found),
        "changes": [one for one in found.contrasts if one.novelty is not None and one.novelty.warns],
        "winner": winner,
        "can_promote": winner is not None and winner.version is not None and not one.is_running,
        "live": registry.live().version,
        "records": EngagementPolicy.current().record,
        "interest": 100 * one.interest,
        "harm": 100 * one.harm,
    }
    template = "mlops/experiment.html#found" if wants_fragment(request) else "mlops/experiment.html"
    return render(request, template, context)


@require_POST
@staff_required
def start(request: MemberRequest, experiment_id: int) -> HttpResponse:
    one = get_object_or_404(Experiment, pk=experiment_id)
    try:
        experiments.start(one, by=request.user)
    except experiments.ExperimentRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Started. People are served by its arms from their next page on.")
    return redirect("mlops:experiment", one.pk)


@require_POST
@staff_required
def stop(request: MemberRequest, experiment_id: int) -> HttpResponse:
    one = get_object_or_404(Experiment, pk=experiment_id)
    if experiments.stop(one, by=request.user, reason=request.POST.get("reason", "")):
        messages.success(request, "Ended. Everybody is served by what is live again.")
    else:
        messages.info(request, "It was not running.")
    return redirect("mlops:experiment", one.pk)


@require_POST
@staff_required
def discard(request: MemberRequest, experiment_id: int) -> HttpResponse:
    one = get_object_or_404(Experiment, pk=experiment_id)
    if experiments.discard(one):
        messages.success(request, f"“{one.name}” is gone.")
        return redirect("mlops:experiments")
    messages.error(request, "It was started, so it stays in the log.")
    return redirect("mlops:experiment", one.pk)


@require_POST
@staff_required
def promote(request: MemberRequest, experiment_id: int) -> HttpResponse:
    """Makes the version live that has won."""
    one = get_object_or_404(Experiment, pk=experiment_id)
    arm = one.arms.select_related("version").filter(name=reading(one).winner or "-").first()
    if arm is None:
        messages.error(request, "Nothing has won.")
        return redirect("mlops:experiment", one.pk)
    try:
        activation = experiments.promote(one, arm, by=request.user)
    except (experiments.ExperimentRefused, registry.RegistryError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{activation.version.label} is live.")
    return redirect("mlops:experiment", one.pk)
