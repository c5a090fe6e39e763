"""``manage.py qcluster`` for real, on the tests' own database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django_q.models import OrmQ, Success

from mlops import runs
from mlops.models import TrainingRun, WorkerHeartbeat
from recommender import registry
from recommender.tests.stored_versions import make_catalogue, make_crowd

Status = TrainingRun.Status
QUICK = {"n_factors": 8, "n_epochs": 4}


@pytest.mark.cluster
class ClusterTestCase(TransactionTestCase):
    def setUp(self) -> None:
        if connection.vendor != "sqlite":
            self.skipTest("The worker is led to the tests' database by its file.")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.var = Path(folder.name)
        (self.var / "db.sqlite3").symlink_to(connection.settings_dict["NAME"])

    def start(self) -> subprocess.Popen[bytes]:
        with (self.var / "qcluster.log").open("ab") as log:
            cluster = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"],
                env={**os.environ, "CINEMA_VAR": str(self.var), "SECRET_KEY": settings.SECRET_KEY},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.addCleanup(cluster.wait)
        self.addCleanup(cluster.kill)
        self.wait_until(lambda: WorkerHeartbeat.objects.filter(pid=cluster.pid).exists(), "the worker is there")
        return cluster

    def wait_until(self, condition: Callable[[], Any], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"Not within {seconds:.0f} s: {what}\n{(self.var / 'qcluster.log').read_text()}")
            time.sleep(0.05)

    def wait_until_gone(self, processes: list[psutil.Process]) -> None:
        self.wait_until(lambda: not any(map(lives, processes)), "no process is left", 10)

    def begin_training(self, cluster: subprocess.Popen[bytes]) -> TrainingRun:
        """A run whose process is there, and so has nearly all of its work before it."""
        run = runs.request_training(hyperparameters=QUICK)

        def training() -> bool:
            commands = [process.cmdline() for process in family(cluster)]
            return any("train_run" in command for command in commands)

        self.wait_until(training, "the training process is there")
        run.refresh_from_db()
        return run

    def test_it_carries_a_run_from_the_queue_to_a_live_version(self) -> None:
        make_catalogue()
        make_crowd()
        cluster = self.start()
        self.assertTrue(runs.worker_alive())
        run = runs.request_training(hyperparameters=QUICK)
        self.wait_until(lambda: TrainingRun.objects.exclude(status__in=TrainingRun.ACTIVE).exists(), "it is over", 60)
        run.refresh_from_db()
        self.assertEqual((run.status, run.error, run.attempts), (Status.SUCCEEDED, "", 1))
        self.assertEqual(registry.live().version, run.version)
        self.wait_until(lambda: not OrmQ.objects.exists(), "the queue is empty")
        self.wait_until(lambda: Success.objects.filter(func="mlops.tasks.supervise").exists(), "the task is done")
        self.assertIsNone(Success.objects.get(func="mlops.tasks.supervise").result)
        cluster.terminate()
        self.assertEqual(cluster.wait(timeout=10), 0)
        self.assertFalse(runs.worker_alive())

    def test_it_stops_at_once_although_it_trains(self) -> None:
        cluster = self.start()
        run = self.begin_training(cluster)
        processes = family(cluster)
        started = time.monotonic()
        cluster.send_signal(signal.SIGINT)
        self.assertEqual(cluster.wait(timeout=15), 0)
        self.assertLess(time.monotonic() - started, 8)
        self.wait_until_gone(processes)
        run.refresh_from_db()
        self.assertEqual(run.status, Status.INTERRUPTED)
        self.assertIn("stopped while it trained", run.error)

    def test_it_leaves_the_trainings_of_others_alone(self) -> None:
        elsewhere, _ = runs.start_in_foreground()
        cluster = self.start()
        cluster.terminate()
        self.assertEqual(cluster.wait(timeout=10), 0)
        elsewhere.refresh_from_db()
        self.assertEqual(elsewhere.status, Status.RUNNING)

    def test_it_takes_its_processes_along_when_it_is_killed(self) -> None:
        cluster = self.start()
        self.begin_training(cluster)
        processes = family(cluster)
        self.assertGreaterEqual(len(processes), 7)
        cluster.kill()
        cluster.wait()
        self.wait_until_gone(processes)

    def test_it_ends_when_an_idle_worker_is_killed(self) -> None:
        """The dead one may hold the queue's lock: whoever keeps watch has to start a new cluster."""
        cluster = self.start()
        processes = family(cluster)
        self.wait_until(lambda: any(is_idle_worker(process) for process in processes), "a worker is idle")
        next(process for process in processes if is_idle_worker(process)).kill()
        self.assertEqual(cluster.wait(timeout=10), 1)
        self.wait_until_gone(processes)
        self.assertIn("Start it again", (self.var / "qcluster.log").read_text())


def family(cluster: subprocess.Popen[bytes]) -> list[psutil.Process]:
    process = psutil.Process(cluster.pid)
    return [process, *process.children(recursive=True)]


def is_idle_worker(process: psutil.Process) -> bool:
    return " ".join(process.cmdline()).rstrip().endswith(" idle")


def lives(process: psutil.Process) -> bool:
    """A dead process that the system has not cleared away yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
