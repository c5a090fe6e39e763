"""The schema, its page, the browsable API, and the health endpoints."""

from __future__ import annotations

import tempfile
from unittest import mock

from django.core.management import call_command
from django.db import OperationalError
from django.test import Client, override_settings
from django.utils import timezone

from cinema.tests.api_clients import ApiTestCase
from mlops.models import WorkerHeartbeat
from recommender.models import LivePointer


class SchemaTestCase(ApiTestCase):
    def test_it_is_valid_and_complete(self) -> None:
        with tempfile.NamedTemporaryFile() as file:
            call_command("spectacular", "--validate", "--fail-on-warn", "--file", file.name)

    def test_its_page_comes_from_our_own_origin(self) -> None:
        page = self.client.get("/api/docs")
        self.assertEqual(page.status_code, 200)
        self.assertNotIn("http://", page.content.decode().replace("http://testserver", ""))
        self.assertNotIn("https://", page.content.decode())

    def test_its_page_may_have_inline_styles_but_no_inline_scripts(self) -> None:
        for path in ("/api/docs", "/api/movies"):
            policy = self.client.get(path, headers={"Accept": "text/html"}).headers["Content-Security-Policy"]
            self.assertIn("style-src 'self' 'unsafe-inline'", policy)
            self.assertIn("default-src 'self'", policy)
            self.assertNotIn("script-src", policy)
        self.assertNotIn("unsafe-inline", self.client.get("/movies").headers["Content-Security-Policy"])


class BrowsableTestCase(ApiTestCase):
    paths = ("/api/me", "/api/movies", "/api/movies/10", "/api/ratings", "/api/ml/status", "/api/ml/versions",
             "/api/ml/runs", "/api/ml/metrics", "/api/ml/similar/10", "/api/ml/metrics/history")  # fmt: skip

    def test_it_shows_pages_to_those_who_ask_for_pages(self) -> None:
        client = Client()
        client.force_login(self.staff)
        for path in (*self.paths, f"/api/ml/recommendations/{self.alice.pk}", f"/api/ml/explain/{self.alice.pk}/10"):
            with self.subTest(path):
                response = client.get(path, headers={"Accept": "text/html"})
                self.assertEqual(response.status_code, 200)
                self.assertTrue(response.headers["Content-Type"].startswith("text/html"))

    def test_it_shows_errors_as_pages_to_them_too(self) -> None:
        for path, status in (("/api/me", 401), ("/api/movies/999", 404), ("/api/ml/train", 401)):
            response = self.client.get(path, headers={"Accept": "text/html"})
            self.assertEqual(response.status_code, status)
            self.assertTrue(response.headers["Content-Type"].startswith("text/html"))

    def test_it_gives_json_to_everybody_else(self) -> None:
        for accept in ("*/*", "application/json", "application/problem+json", "image/png", "nonsense", ""):
            response = self.client.get("/api/movies", headers={"Accept": accept})
            self.assertEqual((response.status_code, response.headers["Content-Type"]), (200, "application/json"))


@override_settings(REDIS_URL="")
class HealthTestCase(ApiTestCase):
    def beat(self) -> None:
        now = timezone.now()
        WorkerHeartbeat.objects.create(host="here", pid=1, started_at=now, seen_at=now)

    def test_it_is_alive_without_looking_at_anything(self) -> None:
        with self.assertNumQueries(0):
            self.assertEqual(self.client.get("/healthz").json(), {"status": "ok"})

    def test_it_is_ready_once_everything_is_there(self) -> None:
        self.assertEqual(self.client.get("/readyz").json()["worker"], "down")
        self.beat()
        response = self.client.get("/readyz")
        self.assertEqual(
            (response.status_code, response.json()),
            (200, {"status": "ready", "db": "up", "model": "up", "worker": "up"}),
        )

    def test_it_says_what_is_missing(self) -> None:
        self.beat()
        LivePointer.objects.update(activation=None, generation=5)
        response = self.client.get("/readyz")
        self.assertEqual((response.status_code, response.json()["model"]), (503, "none"))
        self.assertIn("Retry-After", response.headers)
        with mock.patch("cinema.health.connection.cursor", side_effect=OperationalError):
            response = self.client.get("/readyz")
        self.assertEqual((response.status_code, response.json()["db"]), (503, "down"))
