"""Whether somebody's lists may go by the moment, and where they are."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cinema.forms import MomentForm
from cinema.guards import MemberRequest, sign_in_required


@require_POST
@sign_in_required
def moment(request: MemberRequest) -> HttpResponse:
    form = MomentForm(request.POST)
    if form.is_valid():
        request.user.choose_context(**form.cleaned_data)
        messages.success(request, _("Saved."))
    else:
        messages.error(request, _("Choose one of the places, or none."))
    return redirect("cinema:controls")
