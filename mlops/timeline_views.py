"""Which version served when, who changed that and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cinema.guards import MemberRequest, staff_required
from mlops.tables import Column, Table, download
from mlops.timeline_chart import timeline_chart
from recommender import registry, timeline
from recommender.models import Activation, Experiment

CHANGES_SHOWN = 500


class MomentForm(forms.Form):
    at = forms.DateTimeField(
        label="Live at (UTC)",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "input"}, format="%Y-%m-%dT%H:%M"),
    )


@require_safe
@staff_required
def timeline_page(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    log = list(Activation.objects.select_related("version", "actor").order_by("-generation")[:CHANGES_SHOWN])[::-1]
    periods = timeline.periods(log)
    table = _table(periods, now)
    tried = _experiments()
    if file := download(request, [table, tried]):
        return file
    asked = MomentForm(request.GET) if "at" in request.GET else None
    moment = asked.cleaned_data["at"] if asked is not None and asked.is_valid() else None
    found = timeline.live_at(moment) if moment is not None else None
    context = {
        "periods": periods[::-1],
        "table": table,
        "tried": tried,
        "chart": timeline_chart(periods, now, moment),
        "form": asked or MomentForm(initial={"at": now}),
        "moment": moment,
        "is_future": moment is not None and moment > now,
        "found": found,
        "period": next((one for one in periods if found is not None and one.activation == found), None),
        "live": registry.live(),
        "n_changes": Activation.objects.count(),
        "next": request.path,
    }
    return render(request, "mlops/timeline.html", context)


def _experiments() -> Table:
    """What served beside the live version, and whom."""
    columns = [
        Column("experiment", "Experiment"), Column("from", "From"), Column("until", "Until"), Column("arms", "Arms"),
        Column("share", "People, %", number=True), Column("found", "Found"),
    ]  # fmt: skip
    ran = Experiment.objects.filter(started_at__isnull=False).prefetch_related("arms__version")[:CHANGES_SHOWN]
    rows: list[list[Any]] = []
    cells: list[list[str]] = []
    for one in ran:
        arms = "; ".join(str(arm) for arm in one.arms.all())
        winner = (one.verdict or {}).get("winner")
        found = "" if one.is_running else f"{winner} is better" if winner else "nothing clear"
        rows.append([one.name, one.started_at, one.ended_at, arms, one.share, found])
        until = f"{one.ended_at:%-d %b %Y, %H:%M:%S}" if one.ended_at else "now"
        cells.append([one.name, f"{one.started_at:%-d %b %Y, %H:%M:%S}", until, arms, str(one.share), found or "–"])
    return Table("experiments", "Experiments", columns, rows, cells, empty="None has run yet.")


def _table(periods: list[timeline.Period], now: datetime) -> Table:
    columns = [
        Column("generation", "Generation", number=True), Column("version", "Version"), Column("from", "From"),
        Column("until", "Until"), Column("seconds", "Lasted", number=True), Column("how", "How"),
        Column("who", "Who"), Column("why", "Why"),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    cells: list[list[str]] = []
    for one in reversed(periods):
        change, lasted = one.activation, one.lasted(now)
        label, who = change.version.label, change.actor.username if change.actor else None
        rows.append(
            [change.generation, label, one.start, one.end, round(lasted.total_seconds()), change.kind, who,
             change.reason]
        )  # fmt: skip
        until = f"{one.end:%-d %b %Y, %H:%M:%S}" if one.end else "now"
        cells.append(
            [str(change.generation), label, f"{one.start:%-d %b %Y, %H:%M:%S}", until, _span(lasted),
             change.get_kind_display(), who or "–", change.reason or "–"]
        )  # fmt: skip
    return Table("activations", "Which version served when", columns, rows, cells)


def _span(lasted: timedelta) -> str:
    if lasted.days:
        return f"{lasted.days} d {lasted.seconds // 3600} h"
    hours, rest = divmod(lasted.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
