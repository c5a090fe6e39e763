"""Who may open a page, how often, and where to send them otherwise."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from cinema import throttling
from cinema.models import User


class PageRequest(HttpRequest):
    """A request as the middleware leaves it."""

    htmx: HtmxDetails


class MemberRequest(PageRequest):
    """A request that has passed ``sign_in_required`` or ``staff_required``."""

    user: User


View = Callable[..., HttpResponse]


def local_next(request: HttpRequest, default: str) -> str:
    """The ``next`` of a form or an address if it leads to a page of this site, else ``default``."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return target
    return default


def _to_sign_in(request: PageRequest) -> HttpResponse:
    if request.htmx:
        # A redirect would put the sign-in page into the fragment's place.
        back = request.htmx.current_url_abs_path or "/"
    else:
        back = request.get_full_path() if request.method == "GET" else local_next(request, "/")
    address = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': back})}"
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


def sign_in_required(view: View) -> View:
    @wraps(view)
    def guarded(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        return view(request, *args, **kwargs)

    return guarded


def staff_required(view: View) -> View:
    @wraps(view)
    def guarded(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        if not request.user.is_staff:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def too_many(request: HttpRequest, verdict: throttling.Verdict, *, detail: str) -> HttpResponse:
    """The page for somebody who did something too often."""
    again = gettext("Try again in %(n)s seconds.") % {"n": verdict.retry_after}
    context = {"status": 429, "title": gettext("Slow down"), "detail": f"{detail} {again}"}
    response = render(request, "error.html", context, status=429)
    response["Retry-After"] = str(verdict.retry_after)
    return response


def wants_fragment(request: PageRequest) -> bool:
    """Only the changing part of the page is asked for."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request
