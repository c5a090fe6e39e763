"""Two hosts, each with ``manage.py up`` on a port and in a folder of its own, on one database and CINEMA_SHARED."""

from __future__ import annotations

import os
import signal
import tempfile
import time
import unittest
import uuid
from pathlib import Path
from typing import Any, ClassVar

import psutil
import psycopg
import pytest
from django.conf import settings
from django.test import SimpleTestCase
from psycopg import sql

from cinema.tests.redis_servers import RedisServer
from mlops.tests.test_up import RunningSite, wait_until
from recommender.serving import PATIENCE_SECONDS

RATINGS_PER_MINUTE = 12
QUICK = {"preset": "classic", "hyperparameters": {"n_factors": 8, "n_epochs": 2}}


def redis_url() -> str:
    """The suite's Redis, or one for this test; empty where none is installed: then the database counts."""
    if settings.REDIS_URL:
        return str(settings.REDIS_URL)
    try:
        server = RedisServer()
    except unittest.SkipTest:
        return ""
    server.start()
    unittest.addModuleCleanup(server.close)
    return server.url


@pytest.mark.hosts
class TwoHostsTestCase(SimpleTestCase):
    """One after the other, in the order of their names."""

    one: ClassVar[RunningSite]
    other: ClassVar[RunningSite]
    database: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
            raise unittest.SkipTest("Two hosts share a database on PostgreSQL; SQLite is for one.")
        super().setUpClass()
        server = os.environ["DATABASE_URL"]
        name = f"hosts_{uuid.uuid4().hex[:12]}"
        cls.at_server(server, "CREATE DATABASE {}", name)
        cls.addClassCleanup(cls.at_server, server, "DROP DATABASE {} WITH (FORCE)", name)
        cls.database = f"{server.rpartition('/')[0]}/{name}"
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        environment = {
            "DATABASE_URL": cls.database,
            "CINEMA_SHARED": str(Path(folder.name) / "shared"),
            "RATINGS_PER_MINUTE": str(RATINGS_PER_MINUTE),
            "REDIS_URL": redis_url(),
        }
        hosts = []
        for host in ("one", "other"):
            (Path(folder.name) / host).mkdir()
            hosts.append(RunningSite(Path(folder.name) / host, **environment))
        cls.one, cls.other = hosts
        for site in hosts:
            site.launch()
            cls.addClassCleanup(site.kill_whatever_is_left)
        for site in hosts:
            site.wait_for_answer(120)

    @staticmethod
    def at_server(server: str, statement: str, name: str) -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement).fetchall()

    def list_of(self, site: RunningSite) -> dict[str, Any]:
        answer: dict[str, Any] = site.get(f"/api/ml/recommendations/{self.viewer()}?n=10", role="viewer")[1]
        return answer

    def viewer(self) -> int:
        number: int = self.one.get("/api/me", role="viewer")[1]["id"]
        return number

    def served(self, what: str, requests: int = 8) -> set[Any]:
        """What both serve, whichever worker answers."""
        return {self.list_of(site)[what] for site in (self.one, self.other) for _ in range(requests)}

    def go(self, site: RunningSite, path: str) -> None:
        """To another version; a worker that has to load it first may serve the old one for so long, and no longer."""
        self.assertEqual(site.get(path, method="POST", data={"reason": "a test"})[0], 200)
        gone = time.monotonic()
        wait_until(lambda: time.monotonic() > gone + PATIENCE_SECONDS, 30, "no worker may serve the old one any more")

    def train(self, site: RunningSite) -> int:
        status, answer = site.get("/api/ml/train", method="POST", data=QUICK)
        self.assertEqual(status, 202, answer)
        run_id: int = answer["run_id"]
        return run_id

    def test_1_they_start_at_once_and_everything_is_made_once(self) -> None:
        self.assertTrue(self.one.credentials.exists())
        for site in (self.one, self.other):
            self.assertEqual(site.get("/api/ml/status")[1]["counts"]["ratings"], 100_004 + 12)
            self.assertEqual(site.get("/api/me")[1]["username"], "admin")
        self.assertEqual(self.rows("SELECT count(*) FROM cinema_user WHERE username IN ('admin', 'viewer')"), [(2,)])
        logs = self.one.log.read_text() + self.other.log.read_text()
        self.assertEqual(logs.count("Loading the demo ratings"), 1, logs)
        self.assertNotIn("Traceback", logs)

    def test_2_one_first_training_is_begun_and_either_can_end_it(self) -> None:
        wait_until(lambda: self.other.run_status(1), 20, "the first training is there")
        self.assertEqual(self.other.get("/api/ml/runs/1/cancel", method="POST")[0], 200)
        self.assertEqual(self.one.wait_for_run(1, 30)["status"], "cancelled")
        self.assertEqual(self.rows("SELECT count(*) FROM mlops_trainingrun"), [(1,)])

    def test_3_what_one_trains_both_serve(self) -> None:
        # Fewer people teach it as well what matters here, and sooner.
        with psycopg.connect(self.database) as connection:
            connection.execute("DELETE FROM cinema_rating WHERE user_id BETWEEN 80 AND 671")
        run = self.other.wait_for_run(self.train(self.one))
        self.assertEqual((run["status"], run["error"]), ("succeeded", ""))
        # From the very first answers on.
        self.assertEqual(self.served("generation"), {1})
        self.assertEqual(self.served("model_version", 1), {run["version"]})

    def test_4_what_is_rated_on_one_the_other_has_learned_at_once(self) -> None:
        before = self.list_of(self.other)["items"]
        film = before[0]["movie_id"]
        status, _ = self.one.get(f"/api/ratings/{film}", role="viewer", method="PUT", data={"value": 1.5})
        self.assertEqual(status, 201)
        lists = [self.list_of(site)["items"] for site in (self.other, self.one) for _ in range(4)]
        for items in lists:
            self.assertNotIn(film, [item["movie_id"] for item in items])
            self.assertEqual(items, lists[0])

    def test_5_both_count_together_what_somebody_does(self) -> None:
        films = [film["movie_id"] for film in self.one.get("/api/movies?page_size=20")[1]["results"]]
        wait_until(lambda: time.time() % 60 < 40, 30, "a minute that is long enough")
        began = time.time() // 60
        statuses = [
            (self.one, self.other)[n % 2].get(f"/api/ratings/{film}", method="PUT", data={"value": 3.0})[0]
            for n, film in enumerate(films)
        ]
        self.assertEqual(time.time() // 60, began, "the machine is too slow to say anything")
        self.assertEqual(statuses, [201] * RATINGS_PER_MINUTE + [429] * (len(films) - RATINGS_PER_MINUTE))

    def test_6_the_worker_of_one_does_what_is_asked_of_the_other(self) -> None:
        # Or it would start its worker again within a second.
        os.kill(self.one.process.pid, signal.SIGSTOP)
        worker = next(process for process in self.one.family()[1:] if "qcluster" in " ".join(process.cmdline()))
        gone = [worker, *worker.children(recursive=True)]
        worker.kill()
        _, left = psutil.wait_procs([process for process in gone if process != worker], timeout=10)
        self.assertEqual(left, [])
        run_id = self.train(self.one)
        self.assertIn(self.other.process.pid, [process.pid for process in self.other.wait_for_child(run_id).parents()])
        run = self.one.wait_for_run(run_id)
        self.assertEqual((run["status"], run["error"]), ("succeeded", ""))
        self.assertEqual(self.one.get("/readyz")[0], 200)

    def test_7_going_back_on_one_is_going_back_on_both(self) -> None:
        before = self.served("generation")
        newest = self.one.get("/api/ml/status")[1]["latest_version"]
        self.go(self.one, f"/api/ml/versions/{newest}/activate")
        self.assertEqual(self.served("model_version"), {newest})
        self.go(self.other, "/api/ml/rollback")
        after = self.served("generation")
        self.assertEqual(len(after), 1)
        self.assertGreater(min(after), max(before))
        versions = self.served("model_version", 1)
        self.assertEqual(len(versions), 1)
        self.assertNotIn(newest, versions)

    def test_8_what_is_due_every_minute_is_done_once(self) -> None:
        twice = "SELECT name FROM django_q_schedule GROUP BY name HAVING count(*) > 1"
        self.assertEqual(self.rows(twice), [])
        statement = """
            SELECT t.func, min(t.started - earlier.started) FROM django_q_task t JOIN django_q_task earlier
            ON t.func = earlier.func AND t.id <> earlier.id AND t.started >= earlier.started GROUP BY t.func"""
        wait_until(lambda: self.rows("SELECT 1 FROM django_q_task WHERE func = 'mlops.tasks.look'"), 60, "the schedule")
        wait_until(lambda: not self.rows("SELECT 1 FROM django_q_ormq WHERE lock <= now()"), 30, "nothing waits")
        for function, pause in self.rows(statement):
            if function != "mlops.tasks.supervise":
                self.assertGreater(pause.total_seconds(), 10, function)
