"""What a training holds of Spark, with small programs in the driver's place: neither pyspark nor Java is needed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import psutil
from django.test import SimpleTestCase, override_settings

from mlops.spark import cluster
from mlops.spark.cluster import SparkCluster
from mlops.spark.errors import SparkFailed
from mlops.spark.scratch import Scratch, is_left_over, new_name

READY = "import json, os, sys; print(json.dumps({'ready': '4.3.0', 'jvm': os.getpid()}), flush=True); "


class Cancelled(Exception):
    pass


class SparkClusterTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.var = Path(folder.name)
        override = override_settings(VAR_DIR=self.var, SPARK_WAIT_SECONDS=60)
        override.enable()
        self.addCleanup(override.disable)
        self.said: list[str] = []

    def started(self, program: str, say: Callable[[str], None] | None = None) -> SparkCluster:
        """Enters and starts one; its end is the test's."""
        held = SparkCluster(say or self.said.append, [sys.executable, "-c", program])
        held.start()
        return held

    def failure(self, program: str, say: Callable[[str], None] | None = None) -> str:
        held = SparkCluster(say or self.said.append, [sys.executable, "-c", program])
        with self.assertRaises(SparkFailed) as caught, held:
            held.start()
        self.assertEqual(list(self.var.glob("spark/*")), [])
        return str(caught.exception)

    def test_it_leaves_neither_process_nor_folder_behind(self) -> None:
        with self.started(READY + "sys.stdin.read()") as held:
            assert held._driver is not None
            pid = held._driver.pid
            self.assertTrue(psutil.pid_exists(pid))
            self.assertEqual(((held._scratch and held._scratch.path.stat().st_mode) or 0) & 0o777, 0o700)
        self.assertFalse(psutil.pid_exists(pid))
        self.assertEqual(list((self.var / "spark").iterdir()), [])

    def test_it_ends_a_driver_that_does_not_want_to_go(self) -> None:
        program = READY + "import threading; threading.Event().wait()"
        with mock.patch.object(cluster, "LEAVING_SECONDS", 0.2), self.started(program) as held:
            assert held._driver is not None
            pid = held._driver.pid
        self.assertFalse(psutil.pid_exists(pid))

    def test_a_silent_driver_is_given_up(self) -> None:
        with override_settings(SPARK_WAIT_SECONDS=0.1):
            told = self.failure("import sys; sys.stdin.read()")
        self.assertIn("has not answered for 0.1 seconds", told)

    def test_a_driver_that_dies_is_a_clear_error_and_its_last_words_are_in_the_log(self) -> None:
        with self.assertLogs("mlops.spark.cluster", "WARNING") as logged:
            self.assertIn("ended without a word", self.failure("import sys; sys.exit('out of paper')"))
        self.assertIn("out of paper", logged.output[0])

    def test_what_the_driver_says_of_a_failure_is_the_error(self) -> None:
        program = "import json; print(json.dumps({'error': 'Spark failed: no space'}), flush=True)"
        self.assertEqual(self.failure(program), "Spark failed: no space")

    def test_what_is_no_message_is_passed_over(self) -> None:
        with self.started("print('hello'); " + READY + "sys.stdin.read()"):
            pass

    def test_who_is_cancelled_while_it_starts_takes_the_driver_along(self) -> None:
        pids: list[int] = []

        def cancel(doing: str) -> None:
            pids.extend(child.pid for child in psutil.Process().children())
            if pids:
                raise Cancelled

        held = SparkCluster(cancel, [sys.executable, "-c", "import sys; sys.stdin.read()"])
        with self.assertRaises(Cancelled), held:
            held.start()
        self.assertFalse(any(psutil.pid_exists(pid) for pid in pids))

    def test_the_driver_is_given_no_secrets(self) -> None:
        program = "import json, os; print(json.dumps({'error': ' '.join(sorted(os.environ))}), flush=True)"
        secrets = {"SECRET_KEY": "x", "DATABASE_URL": "x", "TMDB_API_KEY": "x", "SPARK_MASTER": "x", "SPARK_HOME": "/x"}
        with mock.patch.dict(os.environ, secrets):
            given = self.failure(program).split()
        self.assertLessEqual({"PATH", "SPARK_HOME", "SPARK_LOCAL_DIRS", "SPARK_LOCAL_IP"}, set(given))
        self.assertFalse({"SECRET_KEY", "DATABASE_URL", "TMDB_API_KEY", "SPARK_MASTER"} & set(given))

    @override_settings(SPARK_MASTER="spark://127.0.0.1:1,nonsense")
    def test_a_master_that_is_not_there_is_told_before_anything_is_started(self) -> None:
        told = self.failure("raise SystemExit('must not run')")
        self.assertIn("No Spark master answers at spark://127.0.0.1:1,nonsense (Connection refused", told)

    def test_it_says_what_to_install(self) -> None:
        with mock.patch.object(cluster, "find_spec", return_value=None), self.assertRaises(SparkFailed) as caught:
            SparkCluster(self.said.append).start()
        self.assertIn("pip install -r requirements-spark.txt", str(caught.exception))
        with (
            mock.patch.object(cluster, "find_spec", return_value=object()),
            mock.patch.dict(os.environ, {"JAVA_HOME": str(self.var)}),
        ):
            self.assertIn("Java 17", cluster.missing())

    def test_what_a_killed_run_left_is_removed_by_the_next(self) -> None:
        root = self.var / "spark"
        ours = new_name()
        left = ours.replace(str(os.getpid()), str(2**22 + 1))  # above every process number
        foreign = "spark-elsewhere-1-ab"
        for name in (ours, left, foreign):
            (root / name).mkdir(parents=True)
        self.assertEqual([is_left_over(name) for name in (ours, left, foreign, "notes")], [False, True, False, False])
        scratch = Scratch(root)
        self.assertEqual({one.name for one in root.iterdir()}, {ours, foreign, scratch.name})
