"""The list of runs, a run that says what keeps it, and a new one with other settings."""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta
from pathlib import Path

from django.test import Client, override_settings
from django.utils import timezone

from mlops.models import TrainingRun, WorkerHeartbeat
from mlops.run_status import remaining_seconds, trouble
from mlops.tests.test_dashboard import HTMX, StaffTestCase, a_run

EPOCHS = [
    {"epoch": 1, "train_rmse": 1.1, "validation_rmse": 1.05, "seconds": 0.2},
    {"epoch": 2, "train_rmse": 0.9, "validation_rmse": 0.97, "seconds": 0.4},
]


def a_worker() -> None:
    now = timezone.now()
    WorkerHeartbeat.objects.create(host="here", pid=1, started_at=now, seen_at=now)


class RunListTestCase(StaffTestCase):
    def test_it_shows_runs_by_state_and_settings(self) -> None:
        failed = a_run("failed", preset="classic", error="It broke").pk
        tuned = a_run("succeeded", preset="tuned").pk
        page = self.client.get("/training/runs")
        self.assertContains(page, "It broke")
        self.assertContains(page, f'href="/training/runs/{tuned}"')
        for query, wanted in (
            ("status=failed", [failed]),
            ("preset=tuned", [tuned]),
            ("status=failed&preset=tuned", []),
        ):
            with self.subTest(query):
                shown = self.client.get(f"/training/runs?{query}").context["page"].object_list
                self.assertEqual([run.pk for run in shown], wanted)

    def test_what_is_no_state_shows_all(self) -> None:
        a_run("failed")
        self.assertEqual(len(self.client.get("/training/runs?status=odd&preset=x&page=x").context["page"]), 1)

    def test_it_is_for_staff(self) -> None:
        self.client.force_login(self.alice)
        for path in ("/training/runs", "/training/runs/new", "/training/gate", "/training/compare"):
            self.assertEqual(self.client.get(path).status_code, 403)
            self.assertEqual(Client().get(path).status_code, 302)


class NewRunTestCase(StaffTestCase):
    def test_its_fields_are_those_of_the_preset(self) -> None:
        page = self.client.get("/training/runs/new?preset=classic")
        self.assertContains(page, 'name="set-learning_rate" value="0.01"')
        self.assertNotContains(page, "burn_in")

    def test_spark_is_chosen_like_any_other(self) -> None:
        page = self.client.get("/training/runs/new?preset=spark")
        self.assertContains(page, "requirements-spark.txt")
        self.assertContains(page, 'name="set-regularization" value="0.15"')
        self.client.post("/training/runs", {"with_settings": "1", "preset": "spark", "set-n_factors": "8"})
        run = TrainingRun.objects.get()
        self.assertEqual((run.preset, run.hyperparameters), ("spark", {"n_factors": 8}))
        self.assertContains(self.client.get(f"/training/runs/{run.pk}"), "<dt>engine</dt><dd>spark</dd>")

    def test_an_earlier_run_fills_it_in(self) -> None:
        run = a_run("failed", preset="classic", hyperparameters={"n_epochs": 3}, activate=False)
        page = self.client.get(f"/training/runs/new?again={run.pk}")
        self.assertContains(page, 'name="set-n_epochs" value="3"')
        self.assertContains(page, f"Run {run.pk} again")
        self.assertNotContains(page, 'name="activate" checked')

    def test_what_is_no_run_gives_the_usual_settings(self) -> None:
        for again in ("99", "x", "9" * 30):
            self.assertContains(self.client.get(f"/training/runs/new?again={again}"), "New training run")

    def test_it_trains_with_what_was_changed_and_only_that(self) -> None:
        self.client.post(
            "/training/runs",
            {"with_settings": "1", "preset": "classic", "set-n_epochs": "5", "set-n_factors": "50", "set-seed": ""},
        )
        run = TrainingRun.objects.get()
        self.assertEqual((run.preset, run.hyperparameters, run.activate), ("classic", {"n_epochs": 5}, False))

    def test_it_says_which_value_cannot_be(self) -> None:
        response = self.client.post(
            "/training/runs", {"with_settings": "1", "preset": "classic", "set-n_epochs": "0", "set-n_factors": "many"}
        )
        self.assertEqual(response.status_code, 422)
        self.assertEqual(set(response.context["settings"].errors), {"n_epochs", "n_factors"})
        self.assertFalse(TrainingRun.objects.exists())


class RunPageTestCase(StaffTestCase):
    def test_it_shows_speed_memory_data_and_log(self) -> None:
        with tempfile.TemporaryDirectory() as folder, override_settings(SHARED_DIR=Path(folder)):
            run = a_run("succeeded", history=EPOCHS, n_ratings=1234, dataset_fingerprint="f" * 64,
                        ratings_per_second=2.5e6, memory_bytes=300 * 1024**2)  # fmt: skip
            (Path(folder) / "logs").mkdir()
            (Path(folder) / "logs" / f"run-{run.pk}.log").write_text("epoch 1: <b>good</b>\n")
            page = self.client.get(f"/training/runs/{run.pk}")
        for text in ("2.5 M", "300.0\xa0MB", "1,234", "f" * 20, "epoch 1: &lt;b&gt;good&lt;/b&gt;"):
            self.assertContains(page, text)

    def test_its_epochs_can_be_taken_along(self) -> None:
        run = a_run("succeeded", history=EPOCHS)
        rows = json.loads(self.client.get(f"/training/runs/{run.pk}?table=epochs&as=json").content)["rows"]
        self.assertEqual(rows, [{**EPOCHS[0]}, {**EPOCHS[1]}])
        self.assertEqual(self.client.get(f"/training/runs/{run.pk}?table=other").status_code, 404)

    def test_the_polled_part_says_what_keeps_it(self) -> None:
        run = a_run("running", heartbeat_at=timezone.now() - timedelta(seconds=20))
        self.assertContains(self.client.get(f"/training/runs/{run.pk}", headers=HTMX), "Nothing has been heard of")


class TroubleTestCase(StaffTestCase):
    def test_a_run_that_goes_well_has_none(self) -> None:
        self.assertEqual(trouble(a_run("running")), "")
        TrainingRun.objects.all().delete()
        self.assertEqual(trouble(a_run("succeeded")), "")

    def test_a_waiting_run_says_whether_anybody_will_come(self) -> None:
        run = a_run("queued")
        self.assertEqual(trouble(run), "")  # a worker takes a second
        run.created_at -= timedelta(seconds=10)
        self.assertIn("No worker is running", trouble(run))
        a_worker()
        self.assertIn("busy with other jobs", trouble(run))

    def test_a_silent_process_is_told_of_before_it_is_given_up(self) -> None:
        run = a_run("running", heartbeat_at=timezone.now() - timedelta(seconds=15))
        self.assertIn("15 s", trouble(run))

    def test_a_run_that_is_to_stop_says_so(self) -> None:
        self.assertIn("asked to stop", trouble(a_run("running", cancel_requested=True)))


class RemainingTestCase(StaffTestCase):
    def test_it_goes_on_as_it_has(self) -> None:
        run = a_run("running", started_at=timezone.now() - timedelta(seconds=30), progress=0.75)
        self.assertAlmostEqual(remaining_seconds(run) or 0, 10, delta=1)

    def test_the_last_run_of_its_kind_knows_better(self) -> None:
        now = timezone.now()
        a_run("succeeded", started_at=now - timedelta(seconds=100), finished_at=now, n_ratings=1000)
        run = a_run("running", started_at=now - timedelta(seconds=30), progress=0.75, n_ratings=1100)
        self.assertAlmostEqual(remaining_seconds(run) or 0, 70, delta=1)
        run.n_ratings = 5000
        self.assertAlmostEqual(remaining_seconds(run) or 0, 10, delta=1)

    def test_at_the_beginning_nothing_can_be_said(self) -> None:
        self.assertIsNone(remaining_seconds(a_run("running", progress=0.01)))
        TrainingRun.objects.all().delete()
        self.assertIsNone(remaining_seconds(a_run("queued")))
