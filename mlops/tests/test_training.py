from __future__ import annotations

import json
from unittest import mock
from uuid import UUID

from django.test import TestCase

from cinema.models import Rating
from cinema.ratings import rate_movie
from mlops import runs
from mlops.models import TrainingRun
from mlops.training import OwnershipLost, Progress, train
from recommender import artifacts, registry
from recommender.models import Activation, ModelVersion
from recommender.serving import live_model
from recommender.tests.stored_versions import StoredVersionsMixin, make_catalogue, make_crowd

QUICK = {"n_factors": 8, "n_epochs": 4}


class TrainTestCase(StoredVersionsMixin, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()

    def claimed(self, **options: object) -> tuple[TrainingRun, UUID]:
        return runs.start_in_foreground(hyperparameters=QUICK, **options)  # type: ignore[arg-type]

    def train(self, **options: object) -> ModelVersion:
        run, owner = self.claimed(**options)
        return train(run.pk, owner)

    def test_it_works(self) -> None:
        version = self.train()
        run = TrainingRun.objects.get()
        self.assertEqual((run.status, run.version, run.progress), (TrainingRun.Status.SUCCEEDED, version, 1.0))
        self.assertEqual((version.n_users, version.n_movies, version.n_ratings), (80, 60, Rating.objects.count()))
        self.assertEqual(registry.live().version, version)
        self.assertEqual(Activation.objects.get().kind, Activation.Kind.AUTOMATIC)
        live = live_model()
        assert live is not None
        self.assertEqual(live.label, version.label)

    def test_it_gives_every_metric_a_passport(self) -> None:
        for name, metric in self.train().metrics.items():
            with self.subTest(name):
                self.assertEqual(
                    set(metric["passport"]),
                    {
                        "dataset_fingerprint", "split", "protocol", "n", "seed", "preset", "code_version", "libraries",
                        "interval", "baseline"
                    },
                )  # fmt: skip
                self.assertIsNotNone(metric["baseline"])
                self.assertGreater(metric["n"], 0)

    def test_it_says_for_whom_and_for_which_films_each_figure_holds(self) -> None:
        version = self.train()
        groups = version.diagnostics["groups"]
        self.assertEqual(set(groups), {"newcomers", "casual", "heavy", "popular", "long_tail"})
        self.assertEqual(sum(groups[name]["members"] for name in ("newcomers", "casual", "heavy")), version.n_users)
        self.assertEqual(groups["popular"]["members"] + groups["long_tail"]["members"], version.n_movies)
        for name, metric in version.metrics.items():
            self.assertLessEqual(set(metric["breakdown"]), set(groups), name)
        casual = version.metrics["ndcg_at_10"]["breakdown"]["casual"]
        self.assertLessEqual({"value", "interval", "n", "baseline", "item_mean"}, set(casual))

    def test_it_says_how_reliable_its_confidence_is(self) -> None:
        reliability = self.train().diagnostics["reliability"]
        self.assertEqual(sum(one["n"] for one in reliability["deciles"]), reliability["n"])
        self.assertTrue(0 <= reliability["gap"] < 0.5)
        self.assertEqual(reliability["passport"]["seed"], 0)
        for one in reliability["deciles"]:
            self.assertTrue(0 <= one["claimed"] <= 1)
            self.assertTrue(one["interval"][0] <= one["observed"] <= one["interval"][1])

    def test_it_writes_the_same_into_the_manifest(self) -> None:
        version = self.train()
        _, manifest = artifacts.load(version.label, version.artifact_sha256)
        self.assertEqual(manifest["metrics"], json.loads(json.dumps(version.metrics)))
        self.assertEqual(manifest["diagnostics"], json.loads(json.dumps(version.diagnostics)))
        self.assertEqual(manifest["hyperparameters"]["n_factors"], 8)

    def test_it_shows_its_progress_and_its_curve(self) -> None:
        seen: list[Progress] = []
        run, owner = self.claimed()
        train(run.pk, owner, watch=seen.append)
        self.assertEqual([step.progress for step in seen], sorted(step.progress for step in seen))
        run.refresh_from_db()
        self.assertEqual([entry["epoch"] for entry in run.history], [1, 2, 3, 4])
        self.assertLess(run.history[-1]["train_rmse"], run.history[0]["train_rmse"])

    def test_it_does_not_activate_when_told_not_to(self) -> None:
        self.train(activate=False)
        self.assertIsNone(registry.live().version)

    def test_it_does_not_activate_while_a_rollback_holds(self) -> None:
        self.train()
        self.train()
        registry.roll_back(actor=None)
        before = registry.live().version
        version = self.train()
        self.assertEqual(registry.live().version, before)
        self.assertEqual(version.status, ModelVersion.Status.READY)
        self.assertIn("Not activated", TrainingRun.objects.get(version=version).error)

    def test_it_says_why_it_failed(self) -> None:
        Rating.objects.filter(user_id__gt=1001).delete()
        Rating.objects.filter(movie_id__gt=200).delete()
        run, owner = self.claimed()
        with self.assertLogs("mlops.training", "ERROR"), self.assertRaises(ValueError):
            train(run.pk, owner)
        run.refresh_from_db()
        self.assertEqual(run.status, TrainingRun.Status.FAILED)
        self.assertIn("at least 50", run.error)
        self.assertEqual(artifacts.leftovers(set()), [])

    def test_it_leaves_no_file_when_the_disk_is_full(self) -> None:
        run, owner = self.claimed()
        full = mock.patch("recommender.artifacts._write", side_effect=OSError(28, "No space left on device"))
        with full, self.assertLogs("mlops.training", "ERROR"), self.assertRaises(OSError):
            train(run.pk, owner)
        run.refresh_from_db()
        self.assertEqual(run.error, "The model could not be stored: No space left on device.")
        self.assertEqual(artifacts.leftovers(set()), [])

    def test_it_publishes_nothing_once_the_run_was_taken_away(self) -> None:
        run, owner = self.claimed()

        def take_away(progress: Progress) -> None:
            if progress.phase == "saving":
                runs.interrupt_running("taken away")

        with self.assertRaises(OwnershipLost):
            train(run.pk, owner, watch=take_away)
        self.assertFalse(ModelVersion.objects.exists())
        self.assertEqual(artifacts.leftovers(set()), [])

    def test_it_throws_the_artifact_away_when_it_comes_too_late(self) -> None:
        run, owner = self.claimed()
        with mock.patch("mlops.runs.finish", return_value=False), self.assertRaises(OwnershipLost):
            train(run.pk, owner)
        self.assertFalse(ModelVersion.objects.exists())
        self.assertEqual(artifacts.leftovers(set()), [])

    def test_it_leaves_all_or_nothing_when_it_dies_while_it_activates(self) -> None:
        run, owner = self.claimed()
        died = mock.patch("recommender.registry._flip", side_effect=KeyboardInterrupt)
        with died, self.assertRaises(KeyboardInterrupt):
            train(run.pk, owner)
        run.refresh_from_db()
        self.assertEqual((run.status, run.version), (TrainingRun.Status.RUNNING, None))
        self.assertFalse(ModelVersion.objects.exists())
        self.assertEqual(artifacts.leftovers(set()), [])

    def test_it_is_the_same_data_that_has_the_same_fingerprint(self) -> None:
        one, two = self.train(), self.train()
        self.assertEqual(one.dataset_fingerprint, two.dataset_fingerprint)
        self.assertEqual(one.metrics["rmse"]["value"], two.metrics["rmse"]["value"])
        rating = Rating.objects.first()
        assert rating is not None
        rate_movie(user=rating.user, movie=rating.movie, value=0.5 if rating.value != 0.5 else 1.0)
        self.assertNotEqual(self.train().dataset_fingerprint, one.dataset_fingerprint)
