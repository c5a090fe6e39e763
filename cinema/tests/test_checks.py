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

    def found(self) -> set[str]:
        return {message.id or "" for message in run_checks() if (message.id or "").startswith("cinema.")}

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
