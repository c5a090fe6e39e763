"""Sign in, sign up, sign out, and what people choose for their lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from cinema import lockout, throttling
from cinema.forms import DiscoveryForm, SignInForm, SignUpForm
from cinema.guards import MemberRequest, local_next, sign_in_required, too_many, wants_fragment
from cinema.models import User


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    target = local_next(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(target)
        return render(request, "cinema/sign_in.html", {"form": SignInForm(request), "next": target})
    # Counted before the password is looked at: being right does not tell that the name exists.
    name = request.POST.get("username", "")
    if not (verdict := throttling.allow("sign-in", throttling.client_address(request.META))).allowed:
        return too_many(request, verdict, detail=gettext("There were too many attempts to sign in from your address."))
    if not (verdict := throttling.allow("sign-in-name", lockout.normal_name(name))).allowed:
        return too_many(request, verdict, detail=gettext("There were too many attempts to sign in with this name."))
    form = SignInForm(request, request.POST)
    if not form.is_valid():
        return render(request, "cinema/sign_in.html", {"form": form, "next": target}, status=422)
    login(request, form.get_user())
    return redirect(target)


def locked_out(request: HttpRequest, response: HttpResponse, credentials: Mapping[str, Any] | None) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: what stands in for the answer to an attempt at a closed door, right or wrong."""
    name = lockout.name_of(request, credentials)
    verdict = throttling.Verdict(False, lockout.retry_after(request, name))
    return too_many(request, verdict, detail=gettext("There were too many attempts to sign in with this name."))


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    target = local_next(request, reverse("cinema:start"))
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(target)
        return render(request, "cinema/sign_up.html", {"form": SignUpForm(), "next": target})
    if not (verdict := throttling.allow("sign-up", throttling.client_address(request.META))).allowed:
        return too_many(request, verdict, detail=gettext("Too many accounts were made from your address."))
    form = SignUpForm(request.POST)
    user = _created(form) if form.is_valid() else None
    if user is None:
        return render(request, "cinema/sign_up.html", {"form": form, "next": target}, status=422)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    messages.success(request, gettext("Welcome, %(name)s.") % {"name": user.username})
    return redirect(target)


def _created(form: SignUpForm) -> User | None:
    try:
        with transaction.atomic():
            user: User = form.save()
            return user
    except IntegrityError:  # somebody took the name between the check and the insert
        form.add_error("username", gettext("This name is taken. Choose another one."))
        return None


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.info(request, gettext("You are signed out."))
    return redirect("cinema:home")


@require_POST
@sign_in_required
def discovery(request: MemberRequest) -> HttpResponse:
    """Keeps how many discoveries somebody wants. htmx gets the control back, and the list hears of it."""
    back = local_next(request, reverse("cinema:home"))
    form = DiscoveryForm(request.POST)
    if not form.is_valid():
        error = str(form.errors["discovery"][0])
        if wants_fragment(request):
            return _discovery_control(request, back, error=error, status=422)
        messages.error(request, error)
        return redirect(back)
    request.user.choose_discovery(form.cleaned_data["discovery"])
    done = gettext("Discoveries in your lists: %(n)s.") % {"n": request.user.get_discovery_display()}
    if wants_fragment(request):
        return trigger_client_event(_discovery_control(request, back, done=done), "discovery-saved")
    messages.success(request, done)
    return redirect(back)


def _discovery_control(
    request: MemberRequest, back: str, *, done: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    context = {"discovery_form": DiscoveryForm.of(request.user), "next": back, "done": done, "error": error}
    return render(request, "cinema/_discovery.html", context, status=status)


@require_safe
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Stands in for the admin's own form, so that there is one way in and one throttle."""
    if request.user.is_authenticated:
        if not request.user.is_staff:
            raise PermissionDenied
        return redirect("admin:index")
    return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': local_next(request, '/admin/')})}")
