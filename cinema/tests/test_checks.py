from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

from django.conf import settings
from django.core.checks import run_checks
from django.test import SimpleTestCase, override_settings


class ChecksTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.var = Path(folder.name)
        override = override_settings(VAR_DIR=self.var, SHARED_DIR=self.var, ARTIFACTS_DIR=self.var / "artifacts")
        override.enable()
        self.addCleanup(override.disable)

    def found(self, *, deployment: bool = False) -> set[str]:
        messages = run_checks(include_deployment_checks=deployment)
        return {message.id or "" for message in messages if (message.id or "").startswith("cinema.")}

    def test_it_finds_nothing_to_say_of_a_sound_machine(self) -> None:
        (self.var / "secret_key").touch(mode=0o600)
        self.assertEqual(self.found(), set())

    def test_it_warns_of_a_folder_that_cannot_be_written(self) -> None:
        with mock.patch("os.access", return_value=False):  # as root, every folder can
            self.assertEqual(self.found(), {"cinema.W001"})

    def test_it_warns_of_secrets_that_others_can_read(self) -> None:
        (self.var / "credentials.json").touch()
        (self.var / "credentials.json").chmod(0o644)
        self.assertEqual(self.found(), {"cinema.W002"})

    def test_it_warns_of_a_queue_that_delivers_twice(self) -> None:
        with override_settings(Q_CLUSTER={**settings.Q_CLUSTER, "retry": 60}):
            self.assertEqual(self.found(), {"cinema.W003"})

    def test_it_warns_of_hosts_that_would_share_a_file_as_their_database(self) -> None:
        with override_settings(SHARED_DIR=self.var / "shared"), mock.patch("cinema.checks.connection") as connection:
            connection.vendor = "sqlite"
            self.assertEqual(self.found(), {"cinema.W004"})
            connection.vendor = "postgresql"
            self.assertEqual(self.found(), set())

    def test_it_warns_of_a_redis_elsewhere_without_a_password(self) -> None:
        for url, found in (
            ("redis://cache.example:6379/0", {"cinema.W005"}),
            ("redis://:secret@cache.example:6379/0", set()),
            ("redis://127.0.0.1:6379/0", set()),
            ("unix:///run/redis.sock", set()),
            ("", set()),
        ):
            with self.subTest(url), override_settings(REDIS_URL=url):
                self.assertEqual(self.found(deployment=True), found)
                self.assertEqual(self.found(), set())
