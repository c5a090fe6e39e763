"""``manage.py up --only``: the web server in one process group, the worker in another, on one folder of data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
from django.conf import settings
from django.test import SimpleTestCase, override_settings

from mlops import site_lock
from mlops.site import Site
from mlops.site_lock import PARTS, SiteRunning
from mlops.tests.test_up import RunningSite, wait_until


class PartsTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        moved = override_settings(VAR_DIR=Path(folder.name) / "var")
        moved.enable()
        self.addCleanup(moved.disable)

    def test_web_and_worker_may_share_a_folder_and_nothing_else_may(self) -> None:
        with site_lock.hold("web"):
            with site_lock.hold("worker"):
                for part in (None, *PARTS):
                    self.assertRaises(SiteRunning, site_lock.hold, part)
            self.assertRaises(SiteRunning, site_lock.hold)
            site_lock.hold("worker").close()
        with site_lock.hold():
            for part in (None, *PARTS):
                self.assertRaises(SiteRunning, site_lock.hold, part)

    def test_it_has_only_the_child_that_was_asked_for(self) -> None:
        def names(only: site_lock.Part | None) -> list[str]:
            site = Site(host="127.0.0.1", port=1, workers=1, say=print, only=only)
            return [child.name for child in site.children]

        self.assertEqual(names(None), ["web server", "worker"])
        self.assertEqual(names("web"), ["web server"])
        self.assertEqual(names("worker"), ["worker"])


class Worker(RunningSite):
    """``up --only worker``, watched by its words."""

    part = "worker"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--only", self.part, *self.arguments()],
                env={**os.environ, "CINEMA_VAR": str(self.var)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def arguments(self) -> list[str]:
        # An address that a web server could not have: a worker listens nowhere.
        return ["--host", "203.0.113.1", "--port", "1"]

    def runs(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return "The worker is running" in self.log.read_text()


class Web(Worker):
    part = "web"

    def __init__(self, var: Path) -> None:
        super().__init__(var)
        self.log = var / "up-web.log"

    def arguments(self) -> list[str]:
        return ["--port", str(self.port)]

    def runs(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self.get("/healthz")[0] == 200


@pytest.mark.cluster
class RunningPartsTestCase(SimpleTestCase):
    """Both parts, started at the same moment on an empty folder; the tests in the order of their names."""

    web: ClassVar[Web]
    worker: ClassVar[Worker]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.web, cls.worker = Web(Path(folder.name)), Worker(Path(folder.name))
        for part in (cls.web, cls.worker):
            part.start()
            cls.addClassCleanup(part.kill_whatever_is_left)
        for part in (cls.web, cls.worker):
            wait_until(part.runs, 120, f"the {part.part} runs")

    def commands(self, part: Worker) -> str:
        return "\n".join(" ".join(process.cmdline()) for process in part.family())

    def test_1_each_runs_its_part_and_nothing_of_the_other(self) -> None:
        self.assertIn("gunicorn", self.commands(self.web))
        self.assertNotIn("qcluster", self.commands(self.web))
        self.assertIn("qcluster", self.commands(self.worker))
        self.assertNotIn("gunicorn", self.commands(self.worker))

    def test_2_together_they_are_a_site(self) -> None:
        begun = ("running", "succeeded")
        wait_until(lambda: (self.web.run_status(1) or {}).get("status") in begun, 60, "the worker trains")
        ready = self.web.get("/readyz")[1]
        self.assertEqual((ready["db"], ready["worker"]), ("up", "up"))
        self.assertEqual(self.web.get("/api/ml/status")[1]["counts"]["ratings"], 100_004 + 12)

    def test_3_a_dead_worker_is_started_again(self) -> None:
        worker = next(p for p in self.worker.family()[1:] if "qcluster" in " ".join(p.cmdline()))
        family = worker.children(recursive=True)
        worker.kill()
        _, left = psutil.wait_procs(family, timeout=15)
        self.assertEqual(left, [])
        wait_until(lambda: "qcluster" in self.commands(self.worker), 30, "it is back")

    def test_4_no_second_one_of_a_kind_starts(self) -> None:
        outcome = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--only", "worker"],
            env={**os.environ, "CINEMA_VAR": str(self.web.var)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("running already", outcome.stderr)

    def test_5_a_killed_part_leaves_no_process_and_the_other_one_serves_on(self) -> None:
        family = self.worker.family()
        self.assertGreaterEqual(len(family), 4)
        self.worker.process.kill()
        self.worker.process.wait()
        _, left = psutil.wait_procs(family, timeout=15)
        self.assertEqual(left, [])
        self.assertEqual(self.web.get("/healthz")[0], 200)

    def test_6_it_stops_cleanly(self) -> None:
        family = self.web.family()
        os.kill(self.web.process.pid, signal.SIGTERM)
        self.assertEqual(self.web.process.wait(timeout=20), 0)
        _, left = psutil.wait_procs(family, timeout=1)
        self.assertEqual(left, [])
