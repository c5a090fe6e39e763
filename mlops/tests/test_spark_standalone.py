"""A real Spark cluster on loopback, master and worker, and what happens when its worker is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from unittest import mock, skipIf

import numpy as np
import psutil
from django.test import SimpleTestCase, override_settings

from mlops.spark.cluster import SparkCluster, missing
from mlops.spark.errors import SparkFailed
from mlops.tests.known_residuals import residuals
from recommender.algorithms.alternating_least_squares import AlternatingLeastSquaresConfig

WHY_NOT = missing()
CONFIG = AlternatingLeastSquaresConfig(n_factors=2, n_epochs=5)
START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


@skipIf(WHY_NOT, WHY_NOT)
class StandaloneTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        environment = mock.patch.dict(os.environ, {"SPARK_LOCAL_IP": "127.0.0.1"})
        environment.start()
        self.addCleanup(environment.stop)
        self.port = free_port()
        self.start("master.Master", "--port", str(self.port))
        override = override_settings(
            VAR_DIR=self.folder / "var",
            SPARK_MASTER=f"spark://127.0.0.1:{self.port}",
            SPARK_EXCHANGE=(self.folder / "shared").as_uri(),
            SPARK_WAIT_SECONDS=45,
        )
        override.enable()
        self.addCleanup(override.disable)
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port):
            self.assertLess(time.monotonic(), deadline, "the master did not start")
            time.sleep(0.2)

    def start(self, part: str, *arguments: str) -> subprocess.Popen[bytes]:
        """One of Spark's processes, with all that it starts in a group of its own, until the end of the test."""
        found = find_spec("pyspark")
        assert found is not None and found.origin is not None
        argv = [
            str(Path(found.origin).parent / "bin" / "spark-class"), f"org.apache.spark.deploy.{part}",
            "--host", "127.0.0.1", "--webui-port", str(free_port()), *arguments,
        ]  # fmt: skip
        with (self.folder / f"{part}.log").open("wb") as log:
            process = subprocess.Popen(
                argv,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYSPARK_PYTHON": sys.executable},
            )
        self.addCleanup(self.end, process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(psutil.NoSuchProcess):
            # Executors are children of their worker.
            for child in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def start_worker(self) -> subprocess.Popen[bytes]:
        arguments = ("--cores", "2", "--memory", "2g", "--work-dir", str(self.folder / "work"))
        return self.start("worker.Worker", *arguments, f"spark://127.0.0.1:{self.port}")

    def test_its_executors_solve_and_a_worker_that_dies_ends_the_fit(self) -> None:
        worker = self.start_worker()

        def say(doing: str) -> None:
            if doing.startswith("Spark, fit 2: solving"):
                self.end(worker)

        left = residuals()
        with self.assertRaisesMessage(SparkFailed, "has had no executor for us"), SparkCluster(say) as cluster:
            found = cluster.fit(CONFIG, left)
            predicted = np.einsum("nk,nk->n", found.user[left.user], found.item[left.item], dtype=np.float64)
            self.assertLess(float(np.mean(np.square(predicted - left.value))), 0.5 * float(np.var(left.value)))
            cluster.fit(AlternatingLeastSquaresConfig(n_factors=2, n_epochs=100), left)
        self.assertEqual(list((self.folder / "shared").iterdir()), [])

    @override_settings(SPARK_WAIT_SECONDS=15)
    def test_a_master_without_workers_is_given_up(self) -> None:
        with self.assertRaisesMessage(SparkFailed, "Spark"), SparkCluster(lambda doing: None) as cluster:
            cluster.fit(CONFIG, residuals())
