"""My data: take it along, bring it, take it away."""

from __future__ import annotations

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from cinema import audit, throttling
from cinema.guards import MemberRequest, sign_in_required, too_many
from cinema.models import HiddenMovie, Rating
from cinema.mydata import accounts
from cinema.mydata.export import export_document, export_zip
from cinema.mydata_forms import DeleteAccountForm
from mlops.models import ServedList


@require_safe
@sign_in_required
def my_data(request: MemberRequest) -> HttpResponse:
    context = {
        "n_ratings": Rating.objects.of(request.user).count(),
        "n_hidden": HiddenMovie.objects.of(request.user).count(),
        "n_lists": ServedList.objects.filter(user=request.user).count(),
    }
    return render(request, "cinema/mydata.html", context)


def _export_throttled(request: MemberRequest) -> HttpResponse | None:
    if not (verdict := throttling.allow("export", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=_("You downloaded your data many times."))
    return None


def _as_download(response: HttpResponse, ending: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="cinema-{timezone.now():%Y-%m-%d}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@sign_in_required
def export_json(request: MemberRequest) -> HttpResponse:
    if refused := _export_throttled(request):
        return refused
    audit.record(audit.Action.EXPORT, actor=request.user, subject="JSON")
    parameters = {"ensure_ascii": False, "indent": 1}
    return _as_download(JsonResponse(export_document(request.user), json_dumps_params=parameters), "json")


@require_safe
@sign_in_required
def export_csv(request: MemberRequest) -> HttpResponse:
    if refused := _export_throttled(request):
        return refused
    audit.record(audit.Action.EXPORT, actor=request.user, subject="CSV")
    return _as_download(HttpResponse(export_zip(request.user), content_type="application/zip"), "zip")


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def delete(request: MemberRequest) -> HttpResponse:
    """Asks for name and password, deletes the account and signs out."""
    if request.method != "POST":
        return _delete_page(request, DeleteAccountForm())
    # Counted before the password is looked at: a session left open must not become a place to guess it.
    if not (verdict := throttling.allow("delete-account", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=_("There were too many attempts to delete this account."))
    form = DeleteAccountForm(request.POST)
    if not form.is_valid():
        return _delete_page(request, form, status=422)
    try:
        accounts.confirm_deletion(user=request.user, **form.cleaned_data)
        accounts.delete_account(user=request.user)
    except accounts.NotConfirmed as error:
        for field, message in error.errors.items():
            form.add_error(field, message)
        return _delete_page(request, form, status=422)
    except accounts.LastSuperuser as error:
        form.add_error(None, str(error.message))
        return _delete_page(request, form, status=409)
    logout(request)
    return redirect("cinema:account-deleted")


def _delete_page(request: MemberRequest, form: DeleteAccountForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "is_last_superuser": accounts.is_last_superuser(request.user)}
    return render(request, "cinema/account_delete.html", context, status=status)


@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """What is gone and what remains. It says the same to everybody."""
    return render(request, "cinema/account_deleted.html")
