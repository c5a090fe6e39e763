"""``manage.py train``: a training at the terminal."""

from __future__ import annotations

import io
from unittest import mock

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.test import TestCase

from mlops import runs
from mlops.management.commands import train
from mlops.models import TrainingRun
from mlops.training import Progress
from recommender import registry
from recommender.models import ModelVersion
from recommender.tests.stored_versions import StoredVersionsMixin, make_catalogue, make_crowd

Status = TrainingRun.Status


class TrainCommandTestCase(StoredVersionsMixin, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()

    def train(self, *arguments: str) -> str:
        output = io.StringIO()
        quick = ("--set", "n_factors=8", "--set", "n_epochs=4")
        call_command("train", *quick, *arguments, stdout=output, stderr=io.StringIO())
        return output.getvalue()

    def meanwhile(self, action: object) -> mock._patch[object]:
        return mock.patch.object(train.Command, "_show", mock.Mock(side_effect=action))

    def test_it_trains_measures_and_activates(self) -> None:
        told = self.train()
        version = ModelVersion.objects.get()
        self.assertEqual(registry.live().version, version)
        self.assertEqual(TrainingRun.objects.get().status, Status.SUCCEEDED)
        for words in (version.label, "rmse", "baseline", "It is live."):
            self.assertIn(words, told)

    def test_it_leaves_the_live_version_alone_when_told_to(self) -> None:
        self.assertIn("Live is no version.", self.train("--no-activate"))
        self.assertIsNone(registry.live().version)

    def test_without_spark_it_says_what_to_install_and_nothing_else_happens(self) -> None:
        self.train()
        live = registry.live().version
        with (
            mock.patch("mlops.spark.cluster.find_spec", return_value=None),
            self.assertRaisesMessage(CommandError, "pip install -r requirements-spark.txt"),
        ):
            self.train("--engine", "spark")
        self.assertEqual(registry.live().version, live)
        self.assertEqual(ModelVersion.objects.count(), 1)
        self.assertEqual(TrainingRun.objects.latest("pk").status, Status.FAILED)

    def test_it_refuses_what_it_does_not_understand(self) -> None:
        for wrong in ("n_factors", "n_factors=many", "colour=3"):
            with self.subTest(wrong), self.assertRaises(CommandError):
                self.train("--set", wrong)
        self.assertFalse(TrainingRun.objects.exists())

    def test_it_waits_for_no_other_training(self) -> None:
        run = runs.request_training()
        with self.assertRaisesMessage(CommandError, f"Training run {run.pk} is still in progress."):
            self.train()

    def test_it_can_be_cancelled_from_the_dashboard(self) -> None:
        def cancel(progress: Progress) -> None:
            runs.request_cancel(TrainingRun.objects.get())

        with self.meanwhile(cancel), self.assertRaisesMessage(CommandError, "The training was cancelled."):
            self.train()
        self.assertEqual(TrainingRun.objects.get().status, Status.CANCELLED)
        self.assertFalse(ModelVersion.objects.exists())

    def test_it_can_be_stopped_at_the_terminal(self) -> None:
        with self.meanwhile(KeyboardInterrupt), self.assertRaisesMessage(CommandError, "Nothing was changed."):
            self.train()
        self.assertEqual(TrainingRun.objects.get().status, Status.CANCELLED)

    def test_it_trains_on_while_its_progress_cannot_be_written(self) -> None:
        locked = mock.patch("mlops.runs.report_progress", side_effect=OperationalError("database is locked"))
        # A test case is one transaction, which a training is not: closing would end it.
        reconnect = mock.patch("mlops.training.close_old_connections")
        with locked, reconnect as reconnected, self.assertLogs("mlops.training", "WARNING"):
            self.train()
        reconnected.assert_called()
        self.assertEqual(TrainingRun.objects.get().status, Status.SUCCEEDED)
