"""Which versions are kept and why; what would go, before it goes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from cinema.guards import MemberRequest, staff_required
from mlops.forms import RetentionForm
from mlops.models import RetentionPolicy
from mlops.retention import plan, prune
from mlops.tables import Column, Table, download
from recommender.retention import Fate


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def retention(request: MemberRequest) -> HttpResponse:
    """The dry run is the page itself. A POST changes the policy, and deletes nothing."""
    form = RetentionForm(request.POST if request.method == "POST" else None, instance=RetentionPolicy.current())
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved. Below is what it means for each version.")
        return redirect("mlops:retention")
    found = plan(RetentionPolicy.current())
    if file := download(request, [_table(found)]):
        return file
    going = [fate for fate in found if not fate.is_kept]
    context = {
        "form": form,
        "fates": found,
        "going": going,
        "freed": sum(fate.version.artifact_bytes for fate in going),
        "held": sum(fate.version.artifact_bytes for fate in found),
        "next": request.path,
    }
    return render(request, "mlops/retention.html", context, status=422 if form.errors else 200)


@require_POST
@staff_required
def prune_now(request: MemberRequest) -> HttpResponse:
    gone = prune(RetentionPolicy.current(), only=request.POST.getlist("version"))
    if gone:
        messages.success(request, f"Deleted: {', '.join(version.label for version in gone)}. Their figures stay.")
    else:
        messages.info(request, "There was nothing to delete.")
    return redirect("mlops:retention")


def _table(found: list[Fate]) -> Table:
    columns = [Column("version", "Version"), Column("bytes", "Bytes", number=True), Column("kept", "Kept"),
               Column("reasons", "Reasons")]  # fmt: skip
    rows = [[fate.version.label, fate.version.artifact_bytes, fate.is_kept, "; ".join(fate.reasons)] for fate in found]
    return Table("retention", "Retention", columns, rows)
