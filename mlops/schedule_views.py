"""Trainings that start by themselves: the rules, what is due next, and what they have started."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from cinema.guards import MemberRequest, staff_required
from mlops import runs, schedules
from mlops.forms import RetrainForm
from mlops.models import GatePolicy, RetrainPolicy, TrainingRun
from recommender import registry

RUNS_SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def schedule(request: MemberRequest) -> HttpResponse:
    policy = RetrainPolicy.current()
    form = RetrainForm(request.POST if request.method == "POST" else None, instance=policy)
    if request.method == "POST" and form.is_valid():
        schedules.save(form.save(commit=False))
        messages.success(request, "Saved. Set times count from now on.")
        return redirect("mlops:schedules")
    saved = RetrainPolicy.current()
    live = registry.live()
    newer = schedules.newer_than_live(live)
    context: dict[str, Any] = {
        "form": form,
        "policy": saved,
        "live": live,
        "newer": newer,
        "lacking": _lacking(saved, live, newer),
        "age": timezone.now() - live.version.created_at if live.version else None,
        "next_times": schedules.next_times(saved.cron, timezone.now()) if saved.nightly else [],
        "worker_alive": runs.worker_alive(),
        "gate": GatePolicy.current(),
        "runs": TrainingRun.objects.exclude(trigger="").select_related("version", "requested_by")[:RUNS_SHOWN],
    }
    return render(request, "mlops/schedules.html", context, status=422 if form.errors else 200)


def _lacking(policy: RetrainPolicy, live: registry.LiveState, newer: int) -> int | None:
    """How many ratings are still wanted before the next training; None where they start none."""
    if not policy.after_ratings or live.version is None:
        return None
    counted = policy.tried_ratings if policy.tried_generation == live.generation else 0
    return max(0, policy.after_ratings - (newer - counted))
