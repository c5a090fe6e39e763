"""The log of lists: whether there is one, for how long it is kept, and taking all of it away."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Min
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from cinema import audit
from cinema.guards import MemberRequest, staff_required
from mlops.engagement import forget_all
from mlops.forms import EngagementForm
from mlops.models import Engagement, EngagementPolicy, ServedList
from recommender import registry


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def engagement_log(request: MemberRequest) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    initial = {"exploration": registry.exploration()}
    form = EngagementForm(data, instance=EngagementPolicy.current(), initial=initial)
    if request.method == "POST" and form.is_valid():
        form.save()
        registry.explore(form.cleaned_data["exploration"])
        messages.success(request, "Saved. It holds within some seconds.")
        return redirect("mlops:engagement-log")
    context = {
        "form": form,
        "n_lists": ServedList.objects.count(),
        "n_acts": Engagement.objects.count(),
        "since": ServedList.objects.aggregate(first=Min("at"))["first"],
    }
    return render(request, "mlops/engagement_log.html", context, status=422 if form.errors else 200)


@require_POST
@staff_required
def forget_engagement(request: MemberRequest) -> HttpResponse:
    """All of it, of everybody. It asks first."""
    if not request.POST.get("sure"):
        messages.error(request, "Tick the box first: nothing brings it back.")
        return redirect("mlops:engagement-log")
    n = forget_all()
    audit.record(audit.Action.FORGET_LISTS, actor=request.user, subject=f"{n:,} rows")
    messages.success(request, f"{n:,} rows are gone. What was added up by day stays; it says nothing of anybody.")
    return redirect("mlops:engagement-log")
