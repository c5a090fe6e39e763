from __future__ import annotations

import json
from datetime import timedelta

from django.db import connection
from django.test import Client, TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cinema.models import User
from mlops.models import TrainingRun, WorkerHeartbeat
from recommender import registry
from recommender.tests.stored_versions import StoredVersionsMixin, store_version

METRICS = {
    "rmse": {
        "value": 0.897,
        "interval": [0.861, 0.934],
        "n": 671,
        "baseline": 0.911,
        "passport": {"protocol": "test ratings", "seed": 0, "baseline": "biases of film and person"},
    },
    "precision_at_10_rated": {
        "value": 0.632,
        "interval": [0.61, 0.65],
        "n": 671,
        "baseline": 0.586,
        "random_order": 0.565,
        "perfect_order": 0.772,
        "passport": {"baseline": "popularity"},
    },
    "coverage_at_10": {"value": 0.052, "interval": None, "n": 671, "baseline": 0.037, "passport": {}},
    "ndcg_at_10": {"value": 0.077, "interval": [0.07, 0.08], "n": 657, "baseline": 0.063, "passport": {}},
}
HTMX = {"HX-Request": "true"}


def a_run(status: str = "running", **fields) -> TrainingRun:
    now = timezone.now()
    values = {"preset": "tuned", "started_at": now, "heartbeat_at": now, **fields}
    return TrainingRun.objects.create(status=status, **values)


class StaffTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alice = User.objects.create_user("alice")
        self.grace = User.objects.create_user("grace", is_staff=True)
        self.client.force_login(self.grace)


class GuardsTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.run_ = a_run()
        self.pages = ["/training/", f"/training/runs/{self.run_.pk}"]
        self.actions = ["/training/runs", f"/training/runs/{self.run_.pk}/cancel"]

    def test_it_sends_strangers_to_sign_in(self) -> None:
        client = Client()
        for page in self.pages:
            self.assertRedirects(client.get(page), f"/sign-in?next={page.replace('/', '%2F')}")
        for action in self.actions:
            self.assertRedirects(client.post(action), "/sign-in?next=%2F")

    def test_it_refuses_viewers_fragments_too(self) -> None:
        self.client.force_login(self.alice)
        for page in self.pages:
            self.assertEqual(self.client.get(page).status_code, 403)
            self.assertEqual(self.client.get(page, headers=HTMX).status_code, 403)
        for action in self.actions:
            self.assertEqual(self.client.post(action).status_code, 403)
        self.run_.refresh_from_db()
        self.assertFalse(self.run_.cancel_requested)

    def test_it_shows_viewers_no_way_there(self) -> None:
        self.client.force_login(self.alice)
        self.assertNotContains(self.client.get("/movies"), "/training/")

    def test_it_changes_nothing_on_get(self) -> None:
        for action in self.actions:
            self.assertIn(self.client.get(action).status_code, (200, 405))
        self.assertEqual(TrainingRun.objects.count(), 1)
        self.run_.refresh_from_db()
        self.assertFalse(self.run_.cancel_requested)

    def test_it_demands_the_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.grace)
        for action in self.actions:
            self.assertEqual(client.post(action).status_code, 403)


class DashboardTestCase(StaffTestCase):
    def test_it_works_before_the_first_training(self) -> None:
        response = self.client.get("/training/")
        self.assertContains(response, "No version has been trained yet")
        self.assertContains(response, "Train now")
        self.assertNotContains(response, "Roll back")

    def test_it_is_found_without_the_slash(self) -> None:
        self.assertRedirects(self.client.get("/training"), "/training/")

    def test_it_says_when_no_worker_runs(self) -> None:
        self.assertContains(self.client.get("/training/"), "No worker is running")
        now = timezone.now()
        WorkerHeartbeat.objects.create(host="here", pid=1, started_at=now, seen_at=now)
        self.assertNotContains(self.client.get("/training/"), "No worker is running")

    def test_it_shows_the_live_versions_figures_beside_their_targets(self) -> None:
        registry.activate(store_version(metrics=METRICS))
        response = self.client.get("/training/")
        tiles = {figure.name: figure for figure in response.context["targets"]}
        self.assertEqual(
            {name: (figure.value, figure.target, figure.met) for name, figure in tiles.items()},
            {
                "rmse": ("0.897", "below 1.0", True),
                "precision_at_10_rated": ("63.2 %", "above 60 %", True),
                "recall_at_10_rated": ("–", "above 40 %", None),
                "coverage_at_10": ("5.2 %", "above 70 %", False),
            },
        )
        self.assertContains(response, "✓ Target met", count=2)
        self.assertContains(response, "✕ Target missed", count=1)
        self.assertContains(response, "Not measured", count=1)
        for words in ("0.861 to 0.934", "Popularity", "Random order", "56.5 %", "Perfect order", "671", "NDCG@10"):
            self.assertContains(response, words)

    def test_it_lists_versions_with_what_is_live_and_what_is_latest(self) -> None:
        a, b = store_version(metrics=METRICS), store_version(metrics=METRICS)
        registry.activate(a)
        page = self.client.get("/training/").content.decode()
        rows = page.split('<table class="versions">')[1].split("<tbody>")[1].split("</tr>")
        self.assertIn(b.label, rows[0])
        self.assertIn(">latest<", rows[0])
        self.assertIn(f'action="/models/{b.label}/activate"', rows[0])
        self.assertIn(a.label, rows[1])
        self.assertIn("live<", rows[1])
        self.assertNotIn("activate", rows[1])

    def test_it_draws_the_metrics_over_versions(self) -> None:
        for _ in range(3):
            registry.activate(store_version(metrics=METRICS))
        self.assertContains(self.client.get("/training/"), "0.897 at first, 0.897 now, of 3.")

    def test_it_lists_runs_with_their_errors(self) -> None:
        a_run("failed", error="No space left on device", finished_at=timezone.now())
        self.assertContains(self.client.get("/training/"), "No space left on device")

    def test_it_settles_lost_runs_when_somebody_looks(self) -> None:
        run = a_run(heartbeat_at=timezone.now() - timedelta(minutes=5))
        self.assertContains(self.client.get("/training/"), "interrupted")
        run.refresh_from_db()
        self.assertEqual(run.status, "interrupted")

    def test_it_answers_htmx_with_the_board_alone(self) -> None:
        page = self.client.get("/training/", headers=HTMX).content.decode().strip()
        self.assertTrue(page.startswith('<div class="board"'))
        self.assertIn('id="live-version" hx-swap-oob="true"', page)

    def test_it_is_quick(self) -> None:
        for _ in range(4):
            registry.activate(store_version(metrics=METRICS))
        for _ in range(8):
            a_run("succeeded", requested_by=self.grace)
        with CaptureQueriesContext(connection) as queries:
            self.client.get("/training/")
        self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])


class TrainTestCase(StaffTestCase):
    def test_it_works(self) -> None:
        response = self.client.post("/training/runs", {"preset": "classic", "activate": "on"}, follow=True)
        run = TrainingRun.objects.get()
        self.assertEqual(
            (run.status, run.preset, run.activate, run.requested_by), ("queued", "classic", True, self.grace)
        )
        self.assertContains(response, f"Training run {run.pk} is on its way")
        self.assertContains(response, "Waiting for the worker")
        self.assertContains(response, 'hx-trigger="every 1s"')

    def test_it_leaves_the_live_version_when_told_so(self) -> None:
        self.client.post("/training/runs", {"preset": "tuned"})
        self.assertFalse(TrainingRun.objects.get().activate)

    def test_it_offers_the_recommended_preset_first(self) -> None:
        self.assertContains(self.client.get("/training/"), '<option value="balanced" selected>')

    def test_it_refuses_settings_it_does_not_know(self) -> None:
        self.assertContains(
            self.client.post("/training/runs", {"preset": "x"}, follow=True), "Choose one of the settings"
        )
        self.assertFalse(TrainingRun.objects.exists())

    @override_settings(THROTTLE_RATES={"training": 1})
    def test_it_starts_one_at_a_time_whatever_the_throttle_says(self) -> None:
        run = a_run()
        for _ in range(3):
            response = self.client.post("/training/runs", {"preset": "tuned"}, follow=True)
            self.assertContains(response, f"Training run {run.pk} is still going on")
        self.assertEqual(TrainingRun.objects.count(), 1)

    @override_settings(THROTTLE_RATES={"training": 1})
    def test_it_slows_down_whoever_starts_too_many(self) -> None:
        self.client.post("/training/runs", {"preset": "tuned"})
        TrainingRun.objects.update(status="failed")
        response = self.client.post("/training/runs", {"preset": "tuned"})
        self.assertContains(response, "Too many trainings", status_code=429)
        self.assertGreater(int(response["Retry-After"]), 0)
        self.assertEqual(TrainingRun.objects.count(), 1)


class RunPageTestCase(StaffTestCase):
    def test_it_works(self) -> None:
        run = a_run("succeeded", requested_by=self.grace, hyperparameters={"n_epochs": 7}, error="Not activated: held")
        response = self.client.get(f"/training/runs/{run.pk}")
        self.assertContains(response, '<dt>n_epochs</dt><dd>7 <span class="badge">changed</span></dd>')
        self.assertContains(response, "<dt>n_factors</dt><dd>50</dd>")
        self.assertContains(response, "Not activated: held")
        self.assertNotContains(response, "every 1s")

    def test_its_progress_asks_again_while_it_runs(self) -> None:
        history = [{"epoch": i, "train_rmse": 1 - i / 10, "validation_rmse": 1.0, "seconds": i} for i in (1, 2, 3)]
        run = a_run(phase="measuring", epoch=3, n_epochs=20, progress=0.3, history=history)
        response = self.client.get(f"/training/runs/{run.pk}", headers=HTMX)
        page = response.content.decode()
        self.assertTrue(page.startswith('<div class="stack" id="progress"'))
        self.assertIn(f'hx-get="/training/runs/{run.pk}" hx-trigger="every 1s"', page)
        for words in ("Measuring", "3 of 20", "30 %", "0.700", 'value="0.300"', "After epoch 3"):
            self.assertIn(words, page)
        self.assertNotIn("HX-Trigger", response)

    def test_its_progress_asks_no_more_when_it_has_ended_and_tells_the_page(self) -> None:
        for status in ("succeeded", "failed", "interrupted", "cancelled"):
            run = a_run(status)
            response = self.client.get(f"/training/runs/{run.pk}", headers=HTMX)
            self.assertNotContains(response, "hx-trigger")
            self.assertIn("training-finished", json.loads(response["HX-Trigger"]))

    def test_its_frame_follows_the_end(self) -> None:
        run = a_run("succeeded")
        page = self.client.get(f"/training/runs/{run.pk}", headers={**HTMX, "HX-Target": "run"}).content.decode()
        self.assertTrue(page.strip().startswith('<div class="board" id="run"'))

    def test_it_shows_old_settings_that_are_no_preset_any_more(self) -> None:
        run = a_run("succeeded", preset="forgotten", hyperparameters={"x": 1})
        self.assertContains(self.client.get(f"/training/runs/{run.pk}"), "forgotten")

    def test_it_answers_404_for_what_is_no_run(self) -> None:
        self.assertEqual(self.client.get("/training/runs/99").status_code, 404)
        self.assertEqual(self.client.get(f"/training/runs/{10**20}").status_code, 404)
        self.assertEqual(self.client.post("/training/runs/99/cancel").status_code, 404)


class CancelTestCase(StaffTestCase):
    def test_it_works(self) -> None:
        run = a_run()
        response = self.client.post(f"/training/runs/{run.pk}/cancel", follow=True)
        run.refresh_from_db()
        self.assertTrue(run.cancel_requested)
        self.assertContains(response, "asked to stop")

    def test_it_ends_a_waiting_run_at_once(self) -> None:
        run = a_run("queued", started_at=None, heartbeat_at=None)
        self.client.post(f"/training/runs/{run.pk}/cancel")
        run.refresh_from_db()
        self.assertEqual(run.status, "cancelled")

    def test_it_leaves_a_run_that_has_ended(self) -> None:
        run = a_run("succeeded")
        self.assertContains(self.client.post(f"/training/runs/{run.pk}/cancel", follow=True), "had already ended")
        run.refresh_from_db()
        self.assertEqual((run.status, run.cancel_requested), ("succeeded", False))
