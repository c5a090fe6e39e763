"""What the API's tests share: requests with a token, and the form of a problem."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from knox.models import AuthToken

from cinema.models import User
from recommender.tests.stored_versions import CatalogueTestCase


def token_of(user: User) -> str:
    _, token = AuthToken.objects.create(user, expiry=None)
    return str(token)


class ApiTestCase(CatalogueTestCase):
    """Alice, Bob, Charlie and staff with tokens; ``self.api(...)`` sends one request."""

    def setUp(self) -> None:
        super().setUp()
        self.tokens: dict[int, str] = {}

    def api(
        self, method: str, path: str, *, by: User | None = None, json: Any = None, body: Any = None, **extra: Any
    ) -> Any:
        """The response to one request by ``by``'s token, anonymous without. ``body`` is sent as it is."""
        if by is not None:
            if by.pk not in self.tokens:
                self.tokens[by.pk] = token_of(by)
            extra.setdefault("headers", {})["Authorization"] = f"Token {self.tokens[by.pk]}"
        if json is not None:
            body = dumps(json)
        extra.setdefault("content_type", "application/json")
        client = Client(raise_request_exception=False)
        return client.generic(method, path, body if body is not None else b"", **extra)

    def assert_problem(self, response: Any, status: int, code: str | None = None) -> dict[str, Any]:
        self.assertEqual(response.status_code, status, response.content[:500])
        self.assertEqual(response.headers["Content-Type"], "application/problem+json")
        problem: dict[str, Any] = json.loads(response.content)
        self.assertLessEqual({"type", "title", "status", "detail", "code"}, set(problem))
        self.assertEqual(problem["status"], status)
        if code is not None:
            self.assertEqual(problem["code"], code)
        return problem


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()
