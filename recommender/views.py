"""A version's page, and the three changes staff can make to what is live."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from cinema.guards import MemberRequest, local_next, staff_required
from recommender import registry, scoreboard
from recommender.breakdown_table import breakdown_sections, group_notes
from recommender.forms import AnnotateForm, ChangeForm, RollBackForm
from recommender.models import ModelVersion
from recommender.reliability_plot import reliability_plot


@require_safe
@staff_required
def version_detail(request: MemberRequest, label: str) -> HttpResponse:
    version = get_object_or_404(ModelVersion, label=label)
    live = registry.live()
    latest = ModelVersion.objects.latest_ready()
    context = {
        "version": version,
        "is_live": live.version == version,
        "is_latest": latest == version,
        "live": live,
        "targets": scoreboard.figures(version, scoreboard.TARGETS),
        "full_catalogue": scoreboard.figures(version, scoreboard.FULL_CATALOGUE),
        "beyond": scoreboard.figures(version, scoreboard.BEYOND),
        "reliability": reliability_plot(version),
        "groups": group_notes(version),
        "moment": scoreboard.moment(version),
        "voices": scoreboard.voices(version),
        "breakdown": breakdown_sections(version),
        "activations": version.activations.select_related("actor"),
        "next": request.path,
    }
    return render(request, "recommender/version.html", context)


@require_POST
@staff_required
def activate(request: MemberRequest, label: str) -> HttpResponse:
    version = get_object_or_404(ModelVersion, label=label)
    form = ChangeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: the form was not understood.")
        return _back(request)
    wanted = form.cleaned_data

    def change() -> str:
        registry.activate(version, actor=request.user, reason=wanted["reason"], generation=wanted["generation"])
        return f"{version.label} is live."

    return _changed(request, change)


@require_POST
@staff_required
def roll_back(request: MemberRequest) -> HttpResponse:
    form = RollBackForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: a roll-back needs a reason, for whoever reads the log.")
        return _back(request)
    wanted = form.cleaned_data

    def change() -> str:
        activation = registry.roll_back(actor=request.user, reason=wanted["reason"], generation=wanted["generation"])
        return f"Rolled back: {activation.version.label} is live. Nothing is activated automatically for now."

    return _changed(request, change)


@require_POST
@staff_required
def lift_hold(request: MemberRequest) -> HttpResponse:
    registry.lift_hold(actor=request.user)
    messages.success(request, "Finished trainings are activated again.")
    return _back(request)


def _changed(request: MemberRequest, change: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, change())
    except registry.RegistryError as error:
        messages.error(request, str(error))
    return _back(request)


def _back(request: MemberRequest) -> HttpResponse:
    return redirect(local_next(request, reverse("mlops:dashboard")))


@require_POST
@staff_required
def annotate(request: MemberRequest, label: str) -> HttpResponse:
    """Sets the note, or pins or unpins: whichever of them the form holds."""
    version = get_object_or_404(ModelVersion, label=label)
    form = AnnotateForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: the note is too long or the form was not understood.")
        return _back(request)
    pinned, note = form.cleaned_data["pinned"], form.cleaned_data["note"]
    if pinned:
        registry.annotate(version, pinned=pinned == "yes")
        word = "pinned: it is kept whatever comes" if pinned == "yes" else "not pinned any more"
        messages.success(request, f"{version.label} is {word}.")
    if "note" in request.POST:
        registry.annotate(version, note=note)
        messages.success(request, f"The note of {version.label} is saved.")
    return _back(request)
