"""What the OpenAPI document says of errors: every operation's, in one place, as ``problem+json``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

_PROBLEM = {
    "type": "object",
    "description": "An error, after RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people."},
        "code": {"type": "string", "description": "For programs."},
        "errors": {"type": "object", "additionalProperties": {}, "description": "What is wrong with which field."},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
# From the web server, before Django sees the request: so it is no problem document.
_TOO_LONG = {
    "description": "The address has more than 4094 characters.",
    "content": {"text/html": {"schema": {"type": "string"}}},
}
_CHANGES = {"post", "put", "patch", "delete"}


def document_problems(result: dict[str, Any], **context: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: adds the errors that each operation may answer with."""
    result["components"]["schemas"]["Problem"] = _PROBLEM
    for path, operations in result["paths"].items():
        if path in {"/api/schema", "/api/docs"}:
            continue
        for method, operation in operations.items():
            for status in _statuses(path, method, operation):
                operation["responses"].setdefault(str(status.value), _answer(status))
            if operation.get("parameters"):
                operation["responses"]["414"] = _TOO_LONG
    return result


def _answer(status: HTTPStatus) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": status.phrase,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer


def _statuses(path: str, method: str, operation: dict[str, Any]) -> list[HTTPStatus]:
    parameters = operation.get("parameters", [])
    found = [HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE]  # a wrong token is refused where anyone may
    # OpenAPI has no body for DELETE; ours confirms what is deleted.
    if parameters or "requestBody" in operation or (method, path) == ("delete", "/api/me"):
        found.append(HTTPStatus.BAD_REQUEST)
    if operation.get("security") != [{}]:
        found.append(HTTPStatus.FORBIDDEN)
    # A page beyond the last is not found either.
    if "{" in path or any(parameter["name"] == "page" for parameter in parameters):
        found.append(HTTPStatus.NOT_FOUND)
    if "requestBody" in operation:
        found += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    if method in _CHANGES or path.endswith("/export"):
        found.append(HTTPStatus.TOO_MANY_REQUESTS)
    if (method == "delete" and path == "/api/me") or method == "post":
        found.append(HTTPStatus.CONFLICT)
    return found
