from __future__ import annotations

import json
import os
from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone

from mlops import runs
from mlops.models import TrainingRun
from recommender import artifacts, registry
from recommender.models import LivePointer
from recommender.tests.stored_versions import StoredVersionsMixin, store_version


class VerifyIntegrityTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.version = store_version()
        registry.activate(self.version)

    def verify(self) -> dict[str, bool]:
        """The outcome of each check by name; the exit code must agree."""
        out = StringIO()
        code = 0
        try:
            call_command("verify_integrity", "--json", stdout=out)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        report = json.loads(out.getvalue())
        self.assertEqual(code, 0 if report["ok"] else 1)
        return {check["name"]: check["ok"] for check in report["checks"]}

    def test_it_finds_nothing_wrong_where_nothing_is(self) -> None:
        self.assertTrue(all(self.verify().values()))

    def test_it_finds_a_rotten_artifact(self) -> None:
        artifacts.delete(self.version.label)
        self.assertFalse(self.verify()[f"version {self.version.label}"])

    def test_it_finds_files_that_no_version_owns(self) -> None:
        folder = artifacts.root() / ".tmp-v20260101_000000-ab"
        folder.mkdir()
        self.assertTrue(self.verify()["leftover files"], "a training may be writing it")
        os.utime(folder, (0, 0))
        self.assertFalse(self.verify()["leftover files"])

    def test_it_finds_a_pointer_that_disagrees_with_the_log(self) -> None:
        LivePointer.objects.update(generation=7)
        self.assertFalse(self.verify()["live pointer"])

    def test_it_finds_a_run_that_nobody_carries(self) -> None:
        run = TrainingRun.objects.create(preset="tuned")
        runs.claim(run.pk)
        TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
        self.assertFalse(self.verify()["training runs"])
