"""Sign in, sign up, sign out."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cinema import throttling
from cinema.forms import SignInForm, SignUpForm
from cinema.guards import local_next, too_many
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
    key = f"{throttling.client_address(request.META)} {request.POST.get('username', '').strip().casefold()[:100]}"
    if not (verdict := throttling.allow("sign-in", key)).allowed:
        return too_many(request, verdict, detail="There were too many attempts to sign in with this name.")
    form = SignInForm(request, request.POST)
    if not form.is_valid():
        return render(request, "cinema/sign_in.html", {"form": form, "next": target}, status=422)
    login(request, form.get_user())
    return redirect(target)


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    target = local_next(request, f"{reverse('cinema:home')}#rate")
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(target)
        return render(request, "cinema/sign_up.html", {"form": SignUpForm(), "next": target})
    if not (verdict := throttling.allow("sign-up", throttling.client_address(request.META))).allowed:
        return too_many(request, verdict, detail="Too many accounts were made from your address.")
    form = SignUpForm(request.POST)
    user = _created(form) if form.is_valid() else None
    if user is None:
        return render(request, "cinema/sign_up.html", {"form": form, "next": target}, status=422)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    messages.success(request, f"Welcome, {user.username}. Rate a few films you know, and the list becomes yours.")
    return redirect(target)


def _created(form: SignUpForm) -> User | None:
    try:
        with transaction.atomic():
            user: User = form.save()
            return user
    except IntegrityError:  # somebody took the name between the check and the insert
        form.add_error("username", "This name is taken. Choose another one.")
        return None


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.info(request, "You are signed out.")
    return redirect("cinema:home")


@require_safe
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Stands in for the admin's own form, so that there is one way in and one throttle."""
    if request.user.is_authenticated:
        if not request.user.is_staff:
            raise PermissionDenied
        return redirect("admin:index")
    return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': local_next(request, '/admin/')})}")
