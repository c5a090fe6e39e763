from __future__ import annotations

import json
import random
from datetime import timedelta
from unittest import mock
from uuid import UUID

from django.test import TestCase
from django.utils import timezone

from cinema.models import Rating
from cinema.ratings import rate_movie
from mlops import comparing, contest_lines, runs
from mlops.models import GatePolicy, TrainingRun
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


class GateTestCase(StoredVersionsMixin, TestCase):
    """A good version is live, and another one comes."""

    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()
        # At different times, or everybody's test part would be the same last films.
        now, spread = timezone.now(), random.Random(0)
        ratings = list(Rating.objects.order_by("user_id", "movie_id"))
        for rating in ratings:
            rating.rated_at = rating.changed_at = now - timedelta(seconds=spread.randrange(10**6))
        Rating.objects.bulk_update(ratings, ["rated_at", "changed_at"])

    def train(self, **hyperparameters: float) -> ModelVersion:
        # Eighty people show less than a real site's.
        GatePolicy.objects.update_or_create(pk=1, defaults={"ndcg_margin": 0.08, "rmse_margin": 0.03})
        settings = {"n_factors": 8, "n_epochs": 30, "regularization": 0.05, **hyperparameters}
        run, owner = runs.start_in_foreground(preset="classic", hyperparameters=settings)
        return train(run.pk, owner)

    def failed(self, version: ModelVersion) -> list[str]:
        assert version.verdict is not None
        return [check["name"] for check in version.verdict["checks"] if not check["passed"]]

    def test_the_first_version_has_nothing_to_be_compared_with(self) -> None:
        version = self.train()
        self.assertEqual((self.failed(version), registry.live().version), ([], version))

    def test_one_that_differs_only_in_its_seed_passes(self) -> None:
        first = self.train()
        second = self.train(seed=1)
        assert second.verdict is not None
        self.assertEqual((self.failed(second), registry.live().version), ([], second))
        self.assertEqual((second.verdict["against"], second.verdict["generation"]), (first.label, 1))
        self.assertEqual(
            [check["name"] for check in second.verdict["checks"]],
            ["ndcg", "rmse", "newcomers", "coverage", "latency", "files"],
        )

    def test_a_deliberately_worse_one_is_refused_and_says_why(self) -> None:
        first = self.train()
        worse = self.train(regularization=1.0, n_epochs=1, learning_rate=0.0001)
        self.assertEqual(registry.live().version, first)
        self.assertIn("rmse", self.failed(worse))
        assert worse.verdict is not None
        text = next(check["text"] for check in worse.verdict["checks"] if check["name"] == "rmse")
        self.assertRegex(text, r"RMSE \d\.\d+ against \d\.\d+: \+\d\.\d+ \[\+.*worse than the margin of 0.03 allows")
        run = TrainingRun.objects.get(version=worse)
        self.assertEqual((run.status, run.error), (TrainingRun.Status.SUCCEEDED, ""))

    def test_the_compare_page_names_the_groups_that_lose(self) -> None:
        first = self.train()
        worse = self.train(regularization=1.0, n_epochs=1, learning_rate=0.0001)
        row = comparing.request_comparison([first, worse], requested_by=None)
        comparing.carry_out(row.pk)
        row.refresh_from_db()
        assert row.result is not None
        (one,) = contest_lines.challengers(row.result)
        losing = {line.title for title, lines in one.losses for line in lines if title == "RMSE"}
        self.assertLessEqual({"Casual raters", "Popular films", "Drama", "Comedy"}, losing)
        self.assertNotIn("RMSE", [title for title, _ in one.gains])

    def test_switched_off_it_is_not_asked(self) -> None:
        GatePolicy.objects.create(enabled=False)
        self.train()
        worse = self.train(regularization=1.0, n_epochs=1, learning_rate=0.0001)
        self.assertIsNone(worse.verdict)
        self.assertEqual(registry.live().version, worse)

    def test_a_live_version_that_cannot_be_read_holds_nobody_up(self) -> None:
        artifacts.delete(self.train().label)
        second = self.train(seed=1)
        self.assertEqual((self.failed(second), registry.live().version), ([], second))

    def test_against_a_version_that_knows_every_rating_nothing_can_be_shown(self) -> None:
        first = self.train()
        model, _ = artifacts.load(first.label, first.artifact_sha256)
        artifacts.delete(first.label)
        first.artifact_sha256 = artifacts.save(first.label, model, {}).manifest_sha256  # without its twin
        first.save()
        second = self.train(seed=1)
        self.assertEqual((self.failed(second), registry.live().version), (["common"], first))

    def test_what_became_live_while_it_was_compared_stays(self) -> None:
        self.train()
        other = self.train(seed=1)

        def somebody_rolls_back(*args: object, **more: object) -> None:
            registry.roll_back(actor=None)

        with mock.patch("mlops.examination._agreement", side_effect=somebody_rolls_back):
            third = self.train(seed=2)
        self.assertNotIn(registry.live().version, (other, third))
        self.assertIn("Not activated", TrainingRun.objects.get(version=third).error)

    def test_it_remembers_what_its_twin_was_kept_from(self) -> None:
        version = self.train()
        self.assertEqual(version.held_out.count(), 80)
        artifacts.load_twin(version.label, version.artifact_sha256)

    def test_it_measures_how_close_what_was_learned_at_once_came(self) -> None:
        self.assertIsNone(self.train().diagnostics["agreement"])
        first = registry.live().version
        assert first is not None
        found = self.train(seed=1).diagnostics["agreement"]
        self.assertEqual((found["against"], found["people"]), (first.label, 80))
        self.assertTrue(0 < found["rmse"] < 0.5)
        self.assertTrue(0.3 < found["overlap_at_10"] <= 1)
