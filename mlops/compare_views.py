"""Versions beside each other: judged on the same ratings, and what each would show somebody."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from cinema.guards import MemberRequest, staff_required, wants_fragment
from cinema.models import User
from mlops import comparing, contest_lines
from mlops.models import Comparison
from mlops.tables import download
from recommender import registry, scoreboard
from recommender.models import ModelVersion
from recommender.side_by_side import side_by_side

VERSIONS_SHOWN = 30
RECENT_SHOWN = 10


@require_safe
@staff_required
def compare(request: MemberRequest) -> HttpResponse:
    """Which versions to compare, and the comparisons there are."""
    chosen = request.GET.getlist("version")
    live = registry.live()
    context = {
        "versions": ModelVersion.objects.ready().order_by("-pk")[:VERSIONS_SHOWN],
        "live": live.version,
        "chosen": chosen or ([live.version.label] if live.version else []),
        "recent": Comparison.objects.select_related("requested_by")[:RECENT_SHOWN],
        "limits": comparing.LIMITS,
    }
    return render(request, "mlops/compare.html", context)


@require_POST
@staff_required
def start(request: MemberRequest) -> HttpResponse:
    """Queues a comparison. The live version is what the others are compared with, or the oldest that was chosen."""
    labels = sorted(request.POST.getlist("version")[: comparing.LIMITS[1] + 1])
    live = registry.live().version
    if live is not None and live.label in labels:
        labels = [live.label, *(label for label in labels if label != live.label)]
    try:
        versions = comparing.versions_of(labels)
    except comparing.CannotCompare as error:
        messages.error(request, str(error))
        return redirect("mlops:compare")
    row = comparing.request_comparison(versions, requested_by=request.user, again="again" in request.POST)
    return redirect("mlops:comparison", row.pk)


@require_safe
@staff_required
def comparison(request: MemberRequest, comparison_id: int) -> HttpResponse:
    """One comparison; for htmx its changing part, or the lists of somebody."""
    row = get_object_or_404(Comparison.objects.select_related("requested_by"), pk=comparison_id)
    if row.result and (file := download(request, [contest_lines.as_table(row.result)])):
        return file
    found = {version.label: version for version in ModelVersion.objects.filter(label__in=row.labels)}
    versions = [found[label] for label in row.labels if label in found]
    context: dict[str, Any] = {"comparison": row, "versions": versions, "live": registry.live().version}
    if "person" in request.GET:
        context |= _lists(request, versions)
        if wants_fragment(request):
            return render(request, "mlops/comparison.html#lists", context)
    if row.result:
        context |= {
            "result": row.result,
            "challengers": contest_lines.challengers(row.result),
            "width": contest_lines.WIDTH,
        }
    context |= {"stored": [_stored(name, versions) for name in _STORED]}
    template = "mlops/comparison.html#result" if wants_fragment(request) else "mlops/comparison.html"
    return render(request, template, context)


_STORED = [*scoreboard.TARGETS, *scoreboard.FULL_CATALOGUE, *scoreboard.BEYOND]


def _stored(name: str, versions: list[ModelVersion]) -> tuple[scoreboard.Measure, list[scoreboard.Figure]]:
    return scoreboard.MEASURES[name], [scoreboard.figure(version, name) for version in versions]


def _lists(request: MemberRequest, versions: list[ModelVersion]) -> dict[str, Any]:
    wanted = request.GET.get("person", "").strip()[:150]
    if not wanted:
        return {}
    # Somebody's number or name; numbers that no column could hold are names.
    by_number = wanted.isascii() and wanted.isdigit() and len(wanted) < 19
    person = User.objects.filter(pk=int(wanted)).first() if by_number else None
    person = person or User.objects.filter(username=wanted).first()
    if person is None:
        return {"wanted": wanted, "nobody": True}
    ready = [version for version in versions if version.status == ModelVersion.Status.READY]
    return {"wanted": wanted, "person": person, "lists": side_by_side(person, ready)}
