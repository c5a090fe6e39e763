"""The margins of the promotion gate, and what it has said so far."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cinema.guards import MemberRequest, staff_required
from mlops.forms import GateForm
from mlops.models import GatePolicy
from recommender.models import ModelVersion

VERDICTS_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def gate(request: MemberRequest) -> HttpResponse:
    policy = GatePolicy.current()
    form = GateForm(request.POST if request.method == "POST" else None, instance=policy)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved. The next training is judged by it.")
        return redirect("mlops:gate")
    judged = ModelVersion.objects.filter(verdict__isnull=False).order_by("-pk")[:VERDICTS_SHOWN]
    context = {"form": form, "judged": judged}
    return render(request, "mlops/gate.html", context, status=422 if form.errors else 200)
