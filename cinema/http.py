"""What every request passes through, and what is answered when no view does."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers

from cinema.problems import problem_response
from recommender.serving import one_version

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

# How long a client should wait for a database that is locked, gone or full.
RETRY_AFTER_SECONDS = 5
DATABASE_TROUBLE = (OperationalError, InterfaceError)


def is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def _answer(request: HttpRequest, status: int, title: str, detail: str, code: str) -> HttpResponse:
    """The same trouble as problem+json for an API path and as a page for all others."""
    if is_api(request):
        return problem_response(status=status, title=title, detail=detail, code=code)
    return render(request, "error.html", {"status": status, "title": title, "detail": detail}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 400, "Bad request", "The request could not be understood.", "bad_request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "Not allowed", "This is for staff.", "permission_denied")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, "Not found", "There is nothing here.", "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    # Raised outside of a view: by the session that is saved after it, for one.
    if isinstance(error, DATABASE_TROUBLE):
        return _database_unavailable(request)
    return _answer(request, 500, "Server error", "Something broke. It has been written to the log.", "server_error")


def _database_unavailable(request: HttpRequest) -> HttpResponse:
    response = _answer(
        request,
        503,
        "Database unavailable",
        "The database cannot be used right now. Nothing was saved. Try again in a few seconds.",
        "database_unavailable",
    )
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(
        request, 403, "Not allowed", "The form was out of date. Reload the page and send it again.", "csrf_failed"
    )


class DatabaseTroubleMiddleware:
    """A database that is locked, gone or full is answered with 503 and Retry-After, never with 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DATABASE_TROUBLE):
            return None
        logger.error("Database trouble at %s %s: %s", request.method, request.path, exception)
        return _database_unavailable(request)


class PageLanguageMiddleware(LocaleMiddleware):
    """Pages speak the language that was chosen, or else the browser's; the API speaks English to everybody."""

    def process_request(self, request: HttpRequest) -> None:
        if is_api(request):
            translation.activate("en")
        else:
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # What may be kept by everybody, a poster say, is the same in every language.
        same = is_api(request) or "public" in response.get("Cache-Control", "")
        return response if same else super().process_response(request, response)


class OneVersionMiddleware:
    """A page or an answer is made from one version, though another may become live meanwhile."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with one_version():
            return self.get_response(request)


class PrivateByDefaultMiddleware:
    """What a person sees is kept out of shared caches, unless a view has said otherwise."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        if not is_api(request) and "public" not in response["Cache-Control"]:
            patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response
