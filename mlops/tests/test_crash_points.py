"""A training process that dies at the worst moments: between files, row and pointer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path
from typing import get_args

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import SimpleTestCase, TransactionTestCase, override_settings

from cinema.fault_points import EXIT_CODE, FaultPoint
from mlops import runs
from mlops.models import GatePolicy, TrainingRun
from recommender import artifacts, registry, retention
from recommender.models import ModelVersion
from recommender.tests.stored_versions import StoredVersionsMixin, make_catalogue, make_crowd, store_version

QUICK = {"n_factors": 4, "n_epochs": 1}
# What is there afterwards: (folders without a version, versions more than before, whether the new one is live).
LEFT = {
    "artifact_written": (1, 0, False),
    "artifact_in_place": (1, 0, False),
    "row_written": (1, 0, False),
    "pointer_flipped": (1, 0, False),
    "published": (0, 1, True),
}


@pytest.mark.cluster
class CrashPointsTestCase(StoredVersionsMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        if connection.vendor != "sqlite":
            self.skipTest("The process is led to the tests' database by its file.")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.var = Path(folder.name)
        (self.var / "db.sqlite3").symlink_to(connection.settings_dict["NAME"])
        moved = override_settings(VAR_DIR=self.var, SHARED_DIR=self.var, ARTIFACTS_DIR=self.var / "artifacts")
        moved.enable()
        self.addCleanup(moved.disable)
        make_catalogue()
        make_crowd()
        GatePolicy.objects.create(enabled=False)  # so quick a training would not pass it
        self.live = store_version()
        registry.activate(self.live)

    def train(self, fault_point: str = "") -> tuple[int, TrainingRun]:
        run = runs.request_training(preset="classic", hyperparameters=QUICK)
        owner = runs.claim(run.pk)
        environment = {
            **os.environ,
            "CINEMA_VAR": str(self.var),
            "SECRET_KEY": settings.SECRET_KEY,
            "CINEMA_TESTING": "1",
            "CINEMA_FAULT_POINT": fault_point,
        }
        process = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "train_run", str(run.pk), "--owner", str(owner)],
            env=environment,
            capture_output=True,
            timeout=120,
        )
        # What the supervisor does next.
        runs.finish(run.pk, owner, TrainingRun.Status.FAILED, error="killed")  # type: ignore[arg-type]
        run.refresh_from_db()
        return process.returncode, run

    def assert_sound(self) -> None:
        out = StringIO()
        try:
            call_command("verify_integrity", "--json", stdout=out)
        except SystemExit:
            self.fail(out.getvalue())
        self.assertTrue(json.loads(out.getvalue())["ok"])

    def test_what_was_live_stays_live_and_nothing_half_done_is_listed(self) -> None:
        self.assertEqual(set(LEFT), set(get_args(FaultPoint)))
        for point, (n_left, n_new, is_live) in LEFT.items():
            with self.subTest(point):
                versions, live = ModelVersion.objects.count(), registry.live()
                code, run = self.train(point)
                self.assertEqual(code, EXIT_CODE, run.error)
                known = set(ModelVersion.objects.values_list("label", flat=True))
                self.assertEqual(ModelVersion.objects.count() - versions, n_new)
                self.assertEqual(len(artifacts.leftovers(known)), n_left)
                after = registry.live()
                self.assertEqual(after.version != live.version, is_live)
                self.assertEqual(after.generation, live.generation + is_live)
                self.assertEqual(run.status, "succeeded" if n_new else "failed")
                self.assert_sound()
                # The next start sweeps what has aged, and a new training may begin at once.
                for name in artifacts.leftovers(known):
                    os.utime(artifacts.root() / name, (0, 0))
                self.assertEqual(len(retention.delete_unowned()), n_left)
        code, run = self.train()
        self.assertEqual((code, run.status), (0, "succeeded"), run.error)
        self.assert_sound()


class FaultPointSettingsTestCase(SimpleTestCase):
    def start(self, **environment: str) -> str:
        with tempfile.TemporaryDirectory() as var:
            process = subprocess.run(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "check"],
                env={"PATH": os.environ["PATH"], "CINEMA_VAR": var, **environment},
                capture_output=True,
                text=True,
            )
        return "" if process.returncode == 0 else process.stderr

    def test_it_is_for_tests_and_for_nothing_else(self) -> None:
        point = {"CINEMA_FAULT_POINT": "published"}
        production = {"CINEMA_PRODUCTION": "1", "SECRET_KEY": "k" * 60, "ALLOWED_HOSTS": "cinema.example"}
        self.assertEqual(self.start(**point, CINEMA_TESTING="1"), "")
        self.assertIn("CINEMA_FAULT_POINT kills processes", self.start(**point))
        self.assertIn("CINEMA_FAULT_POINT kills processes", self.start(**point, **production, CINEMA_TESTING="1"))
