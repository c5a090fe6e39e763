"""``manage.py up`` for real: processes, database, queue, training and web server, in a folder of the test's own."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import SimpleTestCase, TestCase

from mlops import runs
from mlops.management.commands.up import Command
from mlops.models import TrainingRun
from mlops.site import PortTaken, is_loopback, probe_port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Polls until ``condition`` gives something; the pause only keeps the processor free."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


class RunningSite:
    """``manage.py up`` as a child of the test."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        self.port = free_port()
        self.log = var / "up.log"
        self.credentials = Path(environment.get("CINEMA_SHARED") or var) / "credentials.json"
        self.environment = environment

    def start(self) -> None:
        self.launch()
        self.wait_for_answer()

    def launch(self) -> None:
        environment = {**os.environ, "CINEMA_VAR": str(self.var), "DJANGO_SETTINGS_MODULE": "cinema.settings"}
        environment.pop("CINEMA_TEST_DB", None)
        environment |= self.environment
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--port", str(self.port)],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # As at a terminal, also where the suite itself runs in the background, which is deaf to Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def wait_for_answer(self, seconds: float = 60) -> None:
        wait_until(
            lambda: self.process.poll() is not None or self.get("/healthz")[0] == 200, seconds, "the site answers"
        )
        assert self.process.poll() is None, self.log.read_text()

    def family(self) -> list[psutil.Process]:
        up = psutil.Process(self.process.pid)
        return [up, *up.children(recursive=True)]

    def get(self, path: str, role: str = "admin", method: str = "GET", data: Any = None) -> tuple[int, Any]:
        """Status and JSON, over a connection of its own, so that any worker may answer. 0: nobody did."""
        headers = {"Content-Type": "application/json"} if data is not None else {}
        if path.startswith("/api") and self.credentials.exists():
            headers["Authorization"] = f"Token {json.loads(self.credentials.read_text())[role]['token']}"
        body = None if data is None else json.dumps(data).encode()
        request = Request(f"http://127.0.0.1:{self.port}{path}", body, headers, method=method)
        try:
            with urlopen(request, timeout=30) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except OSError:
            return 0, None

    def run_status(self, run_id: int) -> dict[str, Any] | None:
        """The run as the API shows it; None while there is none."""
        status, answer = self.get(f"/api/ml/runs/{run_id}")
        return answer if status == 200 else None

    def wait_for_run(self, run_id: int, seconds: float = 90) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            run = self.run_status(run_id)
            return run if run is not None and run["status"] not in {"queued", "running"} else None

        run: dict[str, Any] = wait_until(over, seconds, f"run {run_id} is over")
        return run

    def wait_for_child(self, run_id: int) -> psutil.Process:
        """The process that trains."""

        def child() -> psutil.Process | None:
            for process in self.family():
                try:
                    if "train_run" in process.cmdline():
                        return process
                except psutil.Error:
                    continue
            return None

        process: psutil.Process = wait_until(child, 30, "the training process is there")
        wait_until(lambda: (self.run_status(run_id) or {}).get("status") == "running", 30, "the run is running")
        return process

    def kill_whatever_is_left(self) -> None:
        for process in [p for p in [self.process] if p.poll() is None]:
            process.kill()
            process.wait()


@pytest.mark.cluster
class UpTestCase(SimpleTestCase):
    """One site for all tests of this class, in the order of their names: starting it takes seconds."""

    site: ClassVar[RunningSite]
    folder: ClassVar[tempfile.TemporaryDirectory[str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.site = RunningSite(Path(cls.folder.name))
        cls.site.start()
        cls.addClassCleanup(cls.site.kill_whatever_is_left)

    def versions_served(self, requests: int = 24) -> set[str]:
        viewer = self.site.get("/api/me", role="viewer")[1]["id"]
        return {
            self.site.get(f"/api/ml/recommendations/{viewer}?n=1", role="viewer")[1]["model_version"]
            for _ in range(requests)
        }

    def versions_served_two_seconds_later(self) -> set[str]:
        """Somebody asks all the while: whoever is asked seldom waits for the new version instead."""
        changed = time.monotonic()
        while time.monotonic() < changed + 2.0:
            self.versions_served(requests=1)
        return self.versions_served()

    def train(self) -> int:
        # Small, since what it learns does not matter here.
        quick = {"preset": "classic", "hyperparameters": {"n_factors": 8, "n_epochs": 2}}
        status, answer = self.site.get("/api/ml/train", method="POST", data=quick)
        self.assertEqual(status, 202, answer)
        run_id: int = answer["run_id"]
        return run_id

    def test_1_it_reaches_a_live_first_version_without_a_question(self) -> None:
        run = self.site.wait_for_run(1)
        self.assertEqual((run["status"], run["error"]), ("succeeded", ""))
        self.assertEqual(self.versions_served(), {run["version"]})
        self.assertEqual(self.site.get("/readyz")[1]["status"], "ready")
        self.assertEqual(self.site.get("/api/ml/status")[1]["counts"]["ratings"], 100_004 + 12)

    def test_2_it_changes_the_list_in_every_web_worker_when_a_film_is_rated(self) -> None:
        viewer = self.site.get("/api/me", role="viewer")[1]["id"]
        path = f"/api/ml/recommendations/{viewer}?n=10"
        first = self.site.get(path, role="viewer")[1]["items"][0]["movie_id"]
        status, answer = self.site.get(f"/api/ratings/{first}", role="viewer", method="PUT", data={"value": 1.5})
        self.assertEqual(status, 201)
        self.assertIn(first, [film["movie_id"] for film in answer["receipt"]["left"]])
        self.assertLess(answer["receipt"]["learned_in_ms"], 1000)
        scores = set()
        for _ in range(24):
            items = self.site.get(path, role="viewer")[1]["items"]
            self.assertNotIn(first, [item["movie_id"] for item in items])
            scores.add(tuple(item["score"] for item in items))
        self.assertEqual(len(scores), 1)

    def test_3_it_rolls_back_in_every_web_worker_within_two_seconds(self) -> None:
        before = self.versions_served()
        run = self.site.wait_for_run(self.train())
        self.assertEqual(run["status"], "succeeded", run["error"])
        # Whatever the gate made of it: eighty people show little.
        path = f"/api/ml/versions/{run['version']}/activate"
        status, _ = self.site.get(path, method="POST", data={"reason": "a test"})
        self.assertEqual(status, 200)
        self.assertEqual(self.versions_served_two_seconds_later(), {run["version"]})
        status, _ = self.site.get("/api/ml/rollback", method="POST", data={"reason": "a test"})
        self.assertEqual(status, 200)
        # It is in memory still: from the very first answer on, whichever worker gives it.
        self.assertEqual(self.versions_served(), before)

    def test_4_it_survives_the_death_of_a_training(self) -> None:
        live = self.versions_served()
        run_id = self.train()
        self.site.wait_for_child(run_id).kill()
        run = self.site.wait_for_run(run_id, seconds=60)
        self.assertIn(run["status"], {"failed", "interrupted"})
        self.assertIn("killed", run["error"])
        self.assertEqual(self.versions_served(), live)
        run_id = self.train()
        self.site.get(f"/api/ml/runs/{run_id}/cancel", method="POST")
        self.assertEqual(self.site.wait_for_run(run_id)["status"], "cancelled")

    def test_5_it_starts_a_dead_worker_again(self) -> None:
        worker = next(process for process in self.site.family()[1:] if "qcluster" in " ".join(process.cmdline()))
        orphans = worker.children(recursive=True)
        self.assertTrue(orphans)
        worker.kill()
        _, left = psutil.wait_procs(orphans, timeout=10)
        self.assertEqual(left, [])
        run = self.site.wait_for_run(self.train())
        self.assertEqual(run["status"], "succeeded", run["error"])

    def test_6_it_refuses_a_second_site_on_the_same_folder(self) -> None:
        outcome = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--port", str(free_port())],
            env={**os.environ, "CINEMA_VAR": str(self.site.var)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("running already", outcome.stderr)

    def notes(self, table: str, condition: str = "1") -> int:
        """Rows of what people were shown and did, as the database has them."""
        with closing(sqlite3.connect(self.site.var / "db.sqlite3")) as connection:
            n: int = connection.execute(f"SELECT COUNT(*) FROM {table} WHERE {condition}").fetchone()[0]
        return n

    def test_7_it_leaves_no_process_behind_when_it_is_killed(self) -> None:
        viewer = self.site.get("/api/me", role="viewer")[1]["id"]
        before = self.notes("mlops_servedlist")
        for _ in range(8):
            self.site.get(f"/api/ml/recommendations/{viewer}", role="viewer")
        wait_until(lambda: self.notes("mlops_servedlist") >= before + 8, 10, "lists are written before ten seconds")
        self.site.wait_for_child(self.train())
        family = self.site.family()
        self.assertGreaterEqual(len(family), 9)
        self.site.process.kill()
        self.site.process.wait()
        _, left = psutil.wait_procs(family, timeout=15)
        self.assertEqual(left, [])

    def test_8_it_starts_again_at_once_and_stops_cleanly_at_ctrl_c(self) -> None:
        started = time.monotonic()
        self.site.start()
        self.assertLess(time.monotonic() - started, 30)
        # What the kill interrupted is settled, and nothing is in the way of the next training.
        wait_until(lambda: self.site.get("/api/ml/status")[1]["training"] is None, 60, "the lost run is settled")
        wait_until(lambda: self.site.get("/readyz")[0] == 200, 30, "the worker is there")
        self.site.wait_for_child(self.train())
        family = self.site.family()
        os.kill(self.site.process.pid, signal.SIGINT)
        self.assertEqual(self.site.process.wait(timeout=20), 0)
        _, left = psutil.wait_procs(family, timeout=1)
        self.assertEqual(left, [])

    def test_9_it_finishes_what_it_has_begun_when_it_is_told_to_stop(self) -> None:
        self.site.start()
        films = [film["movie_id"] for film in self.site.get("/api/movies?page_size=200")[1]["results"]]
        acknowledged: dict[int, float] = {}
        statuses: list[int] = []
        noted_before = self.notes("mlops_engagement", "kind = 'rated'")
        enough = threading.Event()
        self.addCleanup(enough.set)  # whatever fails, nobody goes on rating for ever

        def rate(mine: list[int]) -> None:
            for film in itertools.cycle(mine):
                if enough.is_set():
                    return
                value = random.choice((1.0, 2.0, 3.0))
                status, _ = self.site.get(f"/api/ratings/{film}", role="viewer", method="PUT", data={"value": value})
                statuses.append(status)
                if status in (200, 201):
                    acknowledged[film] = value
                elif status == 0:
                    acknowledged.pop(film, None)  # it may have been rated anew, or not
                    if self.site.process.poll() is not None:
                        return

        threads = [threading.Thread(target=rate, args=(films[n::4],), daemon=True) for n in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(acknowledged) >= 12, 30, "ratings are coming in")
        os.kill(self.site.process.pid, signal.SIGTERM)
        self.assertEqual(self.site.process.wait(timeout=20), 0)
        for thread in threads:
            thread.join(30)
        self.assertLessEqual(set(statuses), {200, 201, 429, 0})
        answered = len([status for status in statuses if status in (200, 201)])
        noted = self.notes("mlops_engagement", "kind = 'rated'") - noted_before
        self.assertGreaterEqual(noted, answered, "what had not been written yet was written at the end")
        self.site.start()
        rows = self.site.get("/api/ratings?page_size=200", role="viewer")[1]["results"]
        kept = {row["movie_id"]: row["value"] for row in rows}
        self.assertEqual({film: kept.get(film) for film in acknowledged}, acknowledged)
        self.site.process.terminate()
        self.assertEqual(self.site.process.wait(timeout=20), 0)


class AddressTestCase(SimpleTestCase):
    def up(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as var:
            return subprocess.run(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", *arguments],
                env={**os.environ, "CINEMA_VAR": var, **environment},
                capture_output=True,
                text=True,
                timeout=60,
            )

    def test_it_says_that_a_port_is_taken(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with self.assertRaises(PortTaken):
                probe_port("127.0.0.1", port)
            outcome = self.up("--port", str(port))
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("--port", outcome.stderr)
        self.assertNotIn("Traceback", outcome.stderr)

    def test_it_does_not_open_itself_to_the_network_unasked(self) -> None:
        outcome = self.up("--host", "0.0.0.0")
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("CINEMA_PRODUCTION=1", outcome.stderr)
        self.assertIn("ALLOWED_HOSTS", outcome.stderr)

    def test_it_does_not_start_half_configured(self) -> None:
        for environment, missing in (
            ({"SECRET_KEY": "x" * 60}, "ALLOWED_HOSTS"),
            ({"ALLOWED_HOSTS": "cinema.example"}, "SECRET_KEY"),
            ({"ALLOWED_HOSTS": "cinema.example", "SECRET_KEY": "short"}, "SECRET_KEY"),
        ):
            with self.subTest(missing):
                outcome = self.up("--host", "0.0.0.0", CINEMA_PRODUCTION="1", **environment)
                self.assertNotEqual(outcome.returncode, 0)
                self.assertIn(missing, outcome.stderr)

    def test_it_knows_loopback_addresses(self) -> None:
        self.assertTrue(all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1"))))
        self.assertFalse(any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.5", "example.com"))))


class DatabaseAtStartTestCase(SimpleTestCase):
    """A server of the database that comes late, or does not come."""

    def setUp(self) -> None:
        self.told: list[str] = []
        self.command = Command()
        self.command._stop = threading.Event()
        self.enterContext(mock.patch.object(self.command, "_say", self.told.append))
        self.connection = self.enterContext(mock.patch("mlops.management.commands.up.connection"))
        self.connection.vendor = "postgresql"
        self.enterContext(mock.patch("mlops.management.commands.up.RETRY_SECONDS", 0))

    def test_it_waits_for_one_that_comes_late_and_says_so_once(self) -> None:
        refused = OperationalError("connection refused")
        self.connection.ensure_connection.side_effect = [refused, refused, refused, None]
        self.command._await_database()
        self.assertEqual(self.connection.ensure_connection.call_count, 4)
        self.assertIn("connection refused", self.told[0])
        self.assertEqual(len(self.told), 2)

    def test_it_does_not_wait_for_ever(self) -> None:
        self.connection.ensure_connection.side_effect = OperationalError("connection refused")
        with (
            mock.patch("mlops.management.commands.up.DATABASE_SECONDS", 0),
            self.assertRaises(OperationalError),
        ):
            self.command._await_database()

    def test_it_does_not_wait_for_a_file(self) -> None:
        self.connection.vendor = "sqlite"
        self.connection.ensure_connection.side_effect = OperationalError("unable to open database file")
        with self.assertRaises(OperationalError):
            self.command._await_database()
        self.assertEqual(self.told, [])


class FirstTrainingTestCase(TestCase):
    """What ``up`` does about the first training, without starting anything."""

    def setUp(self) -> None:
        self.told: list[str] = []
        self.command = Command()
        self.command._tried_again = False
        patch = mock.patch.object(self.command, "_say", self.told.append)
        patch.start()
        self.addCleanup(patch.stop)

    def ended(self, status: str) -> int:
        run, owner = runs.start_in_foreground()
        runs.finish(run.pk, owner, status, error="Because.")
        return run.pk

    def test_it_begins_again_what_a_stop_cut_short(self) -> None:
        again = self.command._follow(self.ended(TrainingRun.Status.INTERRUPTED))
        self.assertEqual(TrainingRun.objects.get(status=TrainingRun.Status.QUEUED).pk, again)

    def test_it_does_not_go_round_for_ever(self) -> None:
        self.command._follow(self.ended(TrainingRun.Status.INTERRUPTED))
        runs.request_cancel(TrainingRun.objects.get(status=TrainingRun.Status.QUEUED))
        self.assertIsNone(self.command._follow(self.ended(TrainingRun.Status.INTERRUPTED)))

    def test_it_tells_of_a_failure_and_leaves_it_at_that(self) -> None:
        self.assertIsNone(self.command._follow(self.ended(TrainingRun.Status.FAILED)))
        self.assertIn("Because.", self.told[-1])
        self.assertFalse(TrainingRun.objects.active().exists())
