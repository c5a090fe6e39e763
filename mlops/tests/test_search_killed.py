"""A real search process, killed without a word and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase, override_settings

from mlops import runs, searches, supervisor
from mlops.models import Search, TrainingRun, Trial
from recommender.tests.stored_versions import make_catalogue, make_crowd

State, Status = Trial.State, TrainingRun.Status
ASKED_FOR, BEFORE_THE_KILL = 8, 5


@pytest.mark.cluster
class KilledSearchTestCase(TransactionTestCase):
    def setUp(self) -> None:
        if connection.vendor != "sqlite":
            self.skipTest("The process is led to the tests' database by its file.")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.var = Path(folder.name)
        (self.var / "db.sqlite3").symlink_to(connection.settings_dict["NAME"])
        make_catalogue()
        make_crowd()

    def process(self, run: TrainingRun) -> subprocess.Popen[bytes]:
        """The process that a supervisor would start."""
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        with (self.var / "search.log").open("ab") as log:
            process = subprocess.Popen(
                [*manage, "search_run", str(run.pk), "--owner", str(runs.claim(run.pk))],
                env={**os.environ, "CINEMA_VAR": str(self.var), "SECRET_KEY": settings.SECRET_KEY},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_a_supervisor_carries_it_out(self) -> None:
        search = searches.request_search(preset="tuned", max_trials=2)
        run = search.last_run
        assert run is not None
        led_here = {"CINEMA_VAR": str(self.var), "SECRET_KEY": settings.SECRET_KEY}
        with mock.patch.dict(os.environ, led_here), override_settings(VAR_DIR=self.var, SHARED_DIR=self.var):
            supervisor.supervise(run.pk)
        search = Search.objects.get()
        self.assertEqual((search.status, len(search.done)), (Status.SUCCEEDED, 2), run.error)
        self.assertIn("trial 1: complete", (self.var / "logs" / f"run-{run.pk}.log").read_text())

    def test_it_ends_with_the_asked_number_and_none_twice(self) -> None:
        search = searches.request_search(preset="tuned", max_trials=ASKED_FOR, seed=3)
        run = search.last_run
        assert run is not None
        process = self.process(run)
        deadline = time.monotonic() + 120
        while Trial.objects.filter(state__in=Trial.COUNTED).count() < BEFORE_THE_KILL:
            self.assertIsNone(process.poll(), (self.var / "search.log").read_text())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        killed_at = list(Trial.objects.values_list("number", "state", "digest"))
        self.assertLess(Trial.objects.filter(state__in=Trial.COUNTED).count(), ASKED_FOR, "it was killed too late")

        # What the supervisor does, or the sweeper in its place.
        runs.finish(run.pk, TrainingRun.objects.get().owner, Status.FAILED, error="killed")  # type: ignore[arg-type]
        searches.sweep()
        self.assertFalse(Trial.objects.filter(state=State.RUNNING).exists())
        again = searches.resume_search(Search.objects.get())
        self.assertEqual(self.process(again).wait(120), 0, (self.var / "search.log").read_text())

        search = Search.objects.get()
        self.assertEqual(search.status, Status.SUCCEEDED)
        self.assertEqual(len(search.done), ASKED_FOR)
        self.assertLessEqual({trial.state for trial in search.done}, {State.COMPLETE, State.PRUNED})
        numbers = [trial.number for trial in search.all_trials]
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertEqual(len({trial.digest for trial in search.done}), ASKED_FOR)
        # Nothing that was finished changed, and nothing that was begun is lost.
        finished = [row for row in killed_at if row[1] in Trial.COUNTED]
        self.assertLessEqual(set(finished), set(Trial.objects.values_list("number", "state", "digest")))
        begun = {digest for _, _, digest in killed_at}
        self.assertLessEqual(begun, {trial.digest for trial in search.done})
