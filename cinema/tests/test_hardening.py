"""What a stranger tries at the site as a whole: names, files, headers, logs, settings."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.contrib import admin
from django.test import Client, SimpleTestCase, override_settings

from cinema.logs import OneLineFormatter
from cinema.models import User
from cinema.tests.api_clients import ApiTestCase

PRODUCTION = {
    "CINEMA_PRODUCTION": "1",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    "ALLOWED_HOSTS": "cinema.example",
}
OUR_FILES = [
    path
    for folder in ("cinema", "recommender", "mlops")
    for path in (Path(settings.BASE_DIR) / folder).rglob("*.py")
    if "tests" not in path.parts and "migrations" not in path.parts
]


class HeadersTestCase(ApiTestCase):
    def test_names_that_are_not_ours_are_refused(self) -> None:
        for name in ("evil.example", "localhost.evil.example", "localhost:80@evil.example", ""):
            with self.subTest(name), self.assertLogs("django.security.DisallowedHost", "ERROR"):
                self.assertEqual(Client().get("/", headers={"Host": name or " "}).status_code, 400)

    def test_forwarded_names_and_schemes_are_not_believed(self) -> None:
        forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
        page = Client().get("/api/movies", headers=forged)
        self.assertNotIn("evil.example", page.content.decode())
        self.assertNotIn("https://", page.json()["next"])

    def test_every_answer_carries_the_guards(self) -> None:
        for path in ("/", "/sign-in", "/api/movies", "/nothing", "/api/nothing", "/healthz"):
            with self.subTest(path):
                headers = Client().get(path).headers
                policy = headers["Content-Security-Policy"]
                self.assertIn("default-src 'self'", policy)
                self.assertIn("frame-ancestors 'none'", policy)
                self.assertNotIn("unsafe", policy)
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["X-Frame-Options"], "DENY")
                self.assertEqual(headers["Referrer-Policy"], "same-origin")

    def test_pages_of_people_stay_out_of_shared_caches(self) -> None:
        self.client.force_login(self.alice)
        for path in ("/", "/my/ratings", "/my/account", "/my/data"):
            headers = self.client.get(path).headers
            self.assertIn("no-store", headers["Cache-Control"])
            self.assertIn("Cookie", headers["Vary"])

    def test_the_session_is_out_of_reach_of_scripts_and_other_sites(self) -> None:
        User.objects.create_user("dora", password="correct horse battery")
        client = Client()
        client.post("/sign-in", {"username": "dora", "password": "correct horse battery"})
        session = client.cookies["sessionid"]
        self.assertTrue(session["httponly"])
        self.assertEqual(session["samesite"], "Lax")

    def test_a_session_ends_when_the_account_is_closed(self) -> None:
        self.client.force_login(self.alice)
        User.objects.filter(pk=self.alice.pk).update(is_active=False)
        self.assertEqual(self.client.get("/my/ratings").status_code, 302)

    def test_files_of_the_machine_are_not_served(self) -> None:
        paths = (
            "/db.sqlite3", "/var/db.sqlite3", "/.env", "/.git/config", "/secret_key", "/var/credentials.json",
            "/static/../manage.py", "/static/..%2fmanage.py", "/static/%2e%2e/manage.py", "//etc/passwd",
            "/models/..%2f..%2fetc", "/models/v20260101_000000/arrays.safetensors", "/art/../../etc/passwd",
        )  # fmt: skip
        self.client.force_login(User.objects.create_superuser("root"))
        for path in paths:
            with self.subTest(path):
                self.assertEqual(self.client.get(path).status_code, 404)

    @override_settings(DEBUG_PROPAGATE_EXCEPTIONS=False)
    def test_no_page_loads_a_script_from_elsewhere(self) -> None:
        self.client.force_login(self.staff)
        for path in ("/", "/movies/10", "/training/", "/training/health", "/api/docs"):
            page = self.client.get(path).content.decode()
            self.assertEqual(
                re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]+"', page), [], path
            )
            self.assertEqual(re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)", page), [], path)


class CodeTestCase(SimpleTestCase):
    def test_nothing_of_ours_reads_what_could_hold_code(self) -> None:
        forbidden = re.compile(
            r"\b(import|from) (pickle|joblib|marshal|shelve|dill)\b|\.read_pickle\(|allow_pickle=True|torch\.load"
            r"|\beval\(|\bexec\("
        )
        found = {str(path): match[0] for path in OUR_FILES if (match := forbidden.search(path.read_text()))}
        self.assertEqual(found, {})

    def test_the_administration_shows_no_pickles_of_the_queue(self) -> None:
        shown = {model._meta.label for model in admin.site._registry}
        self.assertFalse({label for label in shown if label.startswith(("django_q.", "axes."))})

    def test_a_log_entry_is_one_line_whatever_somebody_typed(self) -> None:
        text = "name\r\n2026-01-01 ERROR forged\u2028\x1b[31mred\x00"
        line = OneLineFormatter().format(logging.LogRecord("x", logging.ERROR, "", 0, "Sign-in of %s", (text,), None))
        self.assertEqual(len(line.splitlines()), 1)
        self.assertFalse(re.search(r"[\x00-\x1f\x7f\u2028]", line), line)


class ProductionTestCase(SimpleTestCase):
    def start(self, *arguments: str, **environment: str) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as var:
            process = subprocess.run(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
                env={"PATH": os.environ["PATH"], "CINEMA_VAR": var, **environment},
                capture_output=True,
                text=True,
            )
        return process.returncode, process.stdout + process.stderr

    def test_it_does_not_start_half_configured_and_names_what_is_missing(self) -> None:
        for missing in ("SECRET_KEY", "ALLOWED_HOSTS"):
            with self.subTest(missing):
                given = {name: value for name, value in PRODUCTION.items() if name != missing}
                code, told = self.start("check", **given)
                self.assertNotEqual(code, 0)
                self.assertIn(missing, told)
        code, told = self.start("check", **{**PRODUCTION, "SECRET_KEY": "short"})
        self.assertNotEqual(code, 0)
        self.assertIn("SECRET_KEY", told)
        self.assertNotEqual(self.start("check", **PRODUCTION, DEBUG="1")[0], 0)

    def test_one_switch_turns_all_of_it_on(self) -> None:
        code, told = self.start("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
        self.assertEqual(code, 0, told)
        names = (
            "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE", "SECURE_SSL_REDIRECT",
            "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        )  # fmt: skip
        asked = f"from django.conf import settings as s; print(all(getattr(s, n) for n in {names}), s.DEBUG)"
        self.assertEqual(self.start("shell", "-v", "0", "-c", asked, **PRODUCTION)[1].strip(), "True False")
