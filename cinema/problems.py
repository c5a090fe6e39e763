"""Errors of the API as RFC 9457 ``application/problem+json``: {type, title, status, detail, code, errors?}."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


class Problem(exceptions.APIException):
    """An API error with a code of its own. ``extra`` joins the body, as the id of the training in progress does."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        detail: str,
        extra: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail=detail, code=code)
        self.status_code = status
        self.extra = extra or {}
        self.retry_after = retry_after


def problem(*, status: int, detail: str, code: str, title: str = "", **extra: Any) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **extra,
    }


def problem_response(*, status: int, detail: str, code: str, title: str = "") -> HttpResponse:
    return JsonResponse(
        problem(status=status, detail=detail, code=code, title=title), status=status, content_type=CONTENT_TYPE
    )


def _from(error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and the headers for ``error``."""
    headers: dict[str, str] = {}
    if isinstance(error, Problem):
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        return problem(
            status=error.status_code, detail=str(error.detail), code=str(error.get_codes()), **error.extra
        ), headers
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("Database trouble: %s", error)
        headers["Retry-After"] = "5"
        return problem(
            status=503,
            title="Database unavailable",
            detail="The database cannot be used right now. Nothing was saved. Try again in a few seconds.",
            code="database_unavailable",
        ), headers
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, (SuspiciousOperation, BadRequest)):
        return problem(status=400, detail="The request could not be understood.", code="bad_request"), headers
    if isinstance(error, exceptions.ValidationError):
        errors = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        return problem(status=400, detail="Some values are not valid.", code="invalid", errors=errors), headers
    assert isinstance(error, exceptions.APIException)
    if (auth_header := getattr(error, "auth_header", None)) is not None:
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    code = error.get_codes()
    return problem(
        status=error.status_code,
        detail=str(error.detail) if not isinstance(error.detail, (dict, list)) else "The request was refused.",
        code=code if isinstance(code, str) else error.default_code,
    ), headers


def problem_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER. What it does not know stays a 500, with its trace in the log only."""
    known = (
        exceptions.APIException,
        Http404,
        PermissionDenied,
        SuspiciousOperation,
        BadRequest,
        OperationalError,
        InterfaceError,
    )
    if not isinstance(error, known):
        return None
    body, headers = _from(error)
    if isinstance(getattr(context["request"], "accepted_renderer", None), BrowsableAPIRenderer):
        return Response(body, status=body["status"], headers=headers)
    # Past the view's own renderers, of which the schema's would make YAML of it.
    return JsonResponse(body, encoder=JSONEncoder, status=body["status"], headers=headers, content_type=CONTENT_TYPE)
