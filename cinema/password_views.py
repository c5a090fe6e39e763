"""The ways in: one's password and API tokens, and what to do without a password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cinema import audit, passwords, throttling, tokens
from cinema.account_forms import ChangePasswordForm, ForgottenForm, ResetPasswordForm, TokenForm
from cinema.guards import MemberRequest, sign_in_required, too_many


@require_safe
@sign_in_required
def account(request: MemberRequest) -> HttpResponse:
    return _account_page(request)


def _account_page(request: MemberRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    page = {
        "form": ChangePasswordForm(request.user),
        "token_form": TokenForm(),
        "tokens": tokens.valid_tokens(request.user),
        "shown": tokens.SHOWN,
        **context,
    }
    return render(request, "cinema/account.html", page, status=status)


@sensitive_post_parameters()
@require_POST
@sign_in_required
def change_password(request: MemberRequest) -> HttpResponse:
    """Other sessions of theirs end; this one goes on."""
    # Counted before the password is looked at: a session left open must not become a place to guess it.
    if not (verdict := throttling.allow("password", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=gettext("There were too many attempts to change this password."))
    form = ChangePasswordForm(request.user, request.POST)
    if not form.is_valid():
        return _account_page(request, form=form, status=422)
    _save(form)
    update_session_auth_hash(request, request.user)
    messages.success(request, gettext("Your password is changed. You are signed out everywhere else."))
    return redirect("cinema:account")


@transaction.atomic
def _save(form: Any) -> None:
    user = form.save()
    audit.record(audit.Action.PASSWORD, actor=user)
    if form.cleaned_data["revoke_tokens"]:
        tokens.revoke(user=user)


@require_POST
@sign_in_required
def make_token(request: MemberRequest) -> HttpResponse:
    """Shown on this one answer and never again."""
    if not (verdict := throttling.allow("token", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=gettext("You made many tokens."))
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _account_page(request, token_form=form, status=422)
    try:
        token = tokens.make_token(user=request.user, days=form.cleaned_data["days"])
    except tokens.TooManyTokens:
        detail = gettext("You have %(n)s tokens. Revoke one that you no longer use.") % {"n": tokens.MAX_TOKENS}
        form.add_error(None, detail)
        return _account_page(request, token_form=form, status=422)
    return _account_page(request, new_token=token)


@require_POST
@sign_in_required
def revoke_token(request: MemberRequest) -> HttpResponse:
    """One of their own, by its beginning; somebody else's does not exist."""
    if tokens.revoke(user=request.user, beginning=request.POST.get("token", "")[:40].replace("\0", "")):
        messages.success(request, gettext("The token is revoked."))
    else:
        messages.info(request, gettext("That token was not there any more."))
    return redirect("cinema:account")


@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Says the same whether there is such an account or not."""
    if request.method != "POST":
        return render(request, "cinema/forgotten.html", {"form": ForgottenForm()})
    if not (verdict := throttling.allow("reset-request", throttling.client_address(request.META))).allowed:
        return too_many(request, verdict, detail=gettext("There were too many such requests from your address."))
    form = ForgottenForm(request.POST)
    if not form.is_valid():
        return render(request, "cinema/forgotten.html", {"form": form}, status=422)
    passwords.ask_for_help(form.cleaned_data["username"])
    return render(request, "cinema/forgotten.html", {"asked": True})


class ResetPassword(PasswordResetConfirmView):
    """Where an operator's link leads. Django moves the token out of the address into the session first."""

    form_class = ResetPasswordForm
    template_name = "cinema/reset_password.html"
    success_url = reverse_lazy(settings.LOGIN_URL)
    http_method_names = ["get", "head", "post"]

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = throttling.client_address(self.request.META)
        if self.request.method == "POST" and not (verdict := throttling.allow("password", key)).allowed:
            return too_many(
                self.request, verdict, detail=gettext("There were too many attempts to change this password.")
            )
        response = super().dispatch(*args, **kwargs)
        if response.status_code == 200 and not self.validlink:
            response.status_code = 404
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        _save(form)
        del self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        messages.success(self.request, gettext("Your new password is kept. Sign in with it."))
        return redirect(str(self.get_success_url()))

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)
