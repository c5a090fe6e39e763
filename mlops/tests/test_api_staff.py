"""The API of staff: training, runs, versions, rollback, metrics, and the status."""

from __future__ import annotations

import threading
from typing import Any

from django.db import connection
from django.test import Client, TransactionTestCase, override_settings
from django.utils import timezone

from cinema.models import User
from cinema.tests.api_clients import ApiTestCase, token_of
from mlops import runs
from mlops.models import TrainingRun
from recommender import artifacts, registry
from recommender.tests.stored_versions import rate, store_version


class TrainTestCase(ApiTestCase):
    def train(self, **body: Any) -> Any:
        return self.api("POST", "/api/ml/train", by=self.staff, json=body)

    def test_it_queues_a_run_and_says_where_to_look(self) -> None:
        response = self.train()
        run = TrainingRun.objects.get()
        self.assertEqual(response.status_code, 202)
        self.assertEqual(
            response.json(),
            {"run_id": run.pk, "status": "queued", "status_url": f"http://testserver/api/ml/runs/{run.pk}"},
        )
        self.assertEqual(response.headers["Location"], response.json()["status_url"])
        self.assertEqual((run.requested_by, run.preset, run.activate), (self.staff, "balanced", True))

    def test_it_needs_no_body(self) -> None:
        response = self.api("POST", "/api/ml/train", by=self.staff, content_type="")
        self.assertEqual(response.status_code, 202)

    def test_it_takes_a_preset_and_replacements(self) -> None:
        self.train(preset="classic", hyperparameters={"n_epochs": 3}, activate=False)
        run = TrainingRun.objects.get()
        self.assertEqual((run.preset, run.hyperparameters, run.activate), ("classic", {"n_epochs": 3}, False))

    def test_an_engine_means_its_preset(self) -> None:
        self.assertEqual(self.train(engine="spark", hyperparameters={"n_factors": 8}).status_code, 202)
        run = TrainingRun.objects.get()
        self.assertEqual((run.preset, run.hyperparameters), ("spark", {"n_factors": 8}))

    def test_it_refuses_what_cannot_be_trained_with(self) -> None:
        bodies: tuple[dict[str, Any], ...] = (
            {"preset": "magic"},
            {"engine": "magic"},
            {"engine": "spark", "preset": "classic"},
            {"engine": "builtin", "preset": "spark"},
            {"engine": "spark", "hyperparameters": {"learning_rate": 0.1}},
            {"hyperparameters": {"n_factors": 0}},
            {"hyperparameters": {"n_factors": True}},
            {"hyperparameters": {"n_factors": 10**20}},
            {"hyperparameters": {"learning_rate": "fast"}},
            {"hyperparameters": {"unknown": 1}},
            {"hyperparameters": []},
            {"activate": "yes"},
            {"activate": 1},
        )
        for body in bodies:
            with self.subTest(body):
                self.assert_problem(self.train(**body), 400, "invalid")
        self.assertFalse(TrainingRun.objects.exists())

    def test_it_names_the_run_in_progress_before_any_throttle(self) -> None:
        run_id = self.train().json()["run_id"]
        with self.settings(THROTTLE_RATES={"training": 0}):
            problem = self.assert_problem(self.train(), 409, "training_in_progress")
        self.assertEqual(problem["run_id"], run_id)

    def test_it_is_throttled(self) -> None:
        with self.settings(THROTTLE_RATES={"training": 1}):
            runs.request_cancel(TrainingRun.objects.get(pk=self.train().json()["run_id"]))
            response = self.train()
            self.assert_problem(response, 429)
            self.assertIn("Retry-After", response.headers)


class SimultaneousTrainTestCase(TransactionTestCase):
    def test_it_starts_one_of_twenty(self) -> None:
        token = token_of(User.objects.create_user("grace", is_staff=True))
        barrier = threading.Barrier(20)
        codes: list[int] = []

        def post() -> None:
            client = Client(headers={"Authorization": f"Token {token}"})
            barrier.wait()
            codes.append(client.post("/api/ml/train", content_type="application/json").status_code)
            connection.close()

        threads = [threading.Thread(target=post) for _ in range(20)]
        with override_settings(THROTTLE_RATES={"training": 100}):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(sorted(codes), [202] + [409] * 19)
        self.assertEqual(TrainingRun.objects.count(), 1)


class RunsTestCase(ApiTestCase):
    def test_it_shows_how_far_a_run_is(self) -> None:
        run, owner = runs.start_in_foreground()
        runs.report_progress(run.pk, owner, epoch=3, n_epochs=20, progress=0.25, phase="training")
        answer = self.api("GET", f"/api/ml/runs/{run.pk}", by=self.staff).json()
        self.assertEqual(
            (answer["status"], answer["epoch"], answer["n_epochs"], answer["progress"], answer["error"]),
            ("running", 3, 20, 0.25, ""),
        )
        self.assertEqual(self.api("GET", "/api/ml/runs", by=self.staff).json()["count"], 1)

    def test_it_settles_a_lost_run_before_showing_it(self) -> None:
        run, _ = runs.start_in_foreground()
        TrainingRun.objects.update(heartbeat_at=timezone.now().replace(year=2020))
        self.assertEqual(self.api("GET", f"/api/ml/runs/{run.pk}", by=self.staff).json()["status"], "interrupted")

    def test_it_cancels(self) -> None:
        run = runs.request_training()
        answer = self.api("POST", f"/api/ml/runs/{run.pk}/cancel", by=self.staff)
        self.assertEqual((answer.status_code, answer.json()["status"]), (200, "cancelled"))
        self.assert_problem(self.api("POST", f"/api/ml/runs/{run.pk}/cancel", by=self.staff), 409, "not_active")


class VersionsTestCase(ApiTestCase):
    def activate(self, label: str, **body: Any) -> Any:
        return self.api("POST", f"/api/ml/versions/{label}/activate", by=self.staff, json=body)

    def rollback(self, **body: Any) -> Any:
        return self.api("POST", "/api/ml/rollback", by=self.staff, json=body)

    def test_it_lists_versions_newest_first(self) -> None:
        other = store_version()
        results = self.api("GET", "/api/ml/versions", by=self.staff).json()["results"]
        self.assertEqual([version["label"] for version in results], [other.label, self.version.label])
        self.assertEqual([version["is_live"] for version in results], [False, True])

    def test_a_version_tells_its_diagnostics_where_it_is_asked_for_alone(self) -> None:
        version = store_version(diagnostics={"reliability": {"gap": 0.02}})
        detail = self.api("GET", f"/api/ml/versions/{version.label}", by=self.staff).json()
        self.assertEqual(detail["diagnostics"], {"reliability": {"gap": 0.02}})
        self.assertNotIn("diagnostics", self.api("GET", "/api/ml/versions", by=self.staff).json()["results"][0])
        self.assertEqual(self.api("GET", f"/api/ml/versions/{version.label}", by=self.alice).status_code, 403)

    def test_it_activates_and_rolls_back(self) -> None:
        other = store_version()
        answer = self.activate(other.label, reason="better", generation=1)
        self.assertEqual(answer.json(), {"live_version": other.label, "generation": 2, "hold": False})
        answer = self.rollback(reason="worse after all")
        self.assertEqual(answer.json(), {"live_version": self.version.label, "generation": 3, "hold": True})
        shown = self.api("GET", f"/api/ml/recommendations/{self.alice.pk}", by=self.alice).json()
        self.assertEqual((shown["model_version"], shown["generation"]), (self.version.label, 3))

    def test_it_refuses_with_the_codes_of_the_contract(self) -> None:
        self.assert_problem(self.rollback(), 409, "nothing_to_roll_back_to")
        other = store_version()
        self.assert_problem(self.activate(other.label, generation=7), 409, "stale_generation")
        artifacts.delete(other.label)
        self.assert_problem(self.activate(other.label), 409, "artifact_corrupt")
        self.assert_problem(self.activate("v19990101_000000"), 404)
        self.assert_problem(self.activate(other.label, generation=-1), 400)
        self.assert_problem(self.activate(other.label, generation=10**20), 400)
        self.assertEqual(registry.live().version, self.version)


class KeepingTestCase(ApiTestCase):
    def patch(self, body: dict[str, Any], by: Any = None) -> Any:
        return self.api("PATCH", f"/api/ml/versions/{self.version.label}", by=by or self.staff, json=body)

    def test_a_note_and_a_pin_can_be_set_one_by_one(self) -> None:
        answer = self.patch({"note": " the good one "}).json()
        self.assertEqual((answer["note"], answer["pinned"]), ("the good one", False))
        answer = self.patch({"pinned": True}).json()
        self.assertEqual((answer["note"], answer["pinned"]), ("the good one", True))

    def test_nothing_else_can(self) -> None:
        for body in (
            {"pinned": "yes"},
            {"pinned": 1},
            {"note": [7]},
            {"note": 7},
            {"note": -4.9},
            {"note": "x" * 2001},
            {"note": "\n" + "x" * 2000},
        ):
            with self.subTest(body):
                self.assert_problem(self.patch(body), 400)
        self.patch({"label": "v1", "metrics": {}})
        self.version.refresh_from_db()
        self.assertFalse(self.version.pinned)
        self.assertTrue(self.version.label.startswith("v20"))
        self.assert_problem(self.patch({"pinned": True}, by=self.alice), 403)

    def test_a_refused_version_is_overruled_with_a_reason_only(self) -> None:
        refused = store_version(verdict={"passed": False, "checks": []})
        path = f"/api/ml/versions/{refused.label}/activate"
        self.assert_problem(self.api("POST", path, by=self.staff, json={}), 409, "refused_by_gate")
        self.assertEqual(registry.live().version, self.version)
        answer = self.api("POST", path, by=self.staff, json={"reason": "a look"})
        self.assertEqual(answer.json()["live_version"], refused.label)
        verdict = self.api("GET", f"/api/ml/versions/{refused.label}", by=self.staff).json()["verdict"]
        self.assertIs(verdict["passed"], False)


class TimelineTestCase(ApiTestCase):
    def live_at(self, at: str) -> Any:
        return self.api("GET", f"/api/ml/live?at={at}", by=self.staff)

    def test_it_lists_every_change_newest_first(self) -> None:
        other = store_version()
        registry.activate(other, actor=self.staff, reason="better")
        results = self.api("GET", "/api/ml/activations", by=self.staff).json()["results"]
        self.assertEqual(
            [(one["generation"], one["version"]) for one in results], [(2, other.label), (1, self.version.label)]
        )
        self.assertEqual((results[0]["actor"], results[0]["reason"], results[0]["kind"]), ("grace", "better", "manual"))

    def test_it_says_what_was_live_at_any_moment(self) -> None:
        self.assertIsNone(self.live_at("2020-01-01T00:00:00Z").json()["activation"])
        now = self.api("GET", "/api/ml/live", by=self.staff).json()
        self.assertEqual(now["activation"]["version"], self.version.label)
        self.assertEqual(self.live_at("2199-01-01T00:00").json()["activation"]["generation"], 1)

    def test_what_is_no_moment_is_refused(self) -> None:
        for at in ("yesterday", "2026-13-01T00:00Z", "9" * 30, "14:00"):
            with self.subTest(at):
                self.assert_problem(self.live_at(at), 400)


class MetricsTestCase(ApiTestCase):
    metrics = {"rmse": {"value": 0.9, "interval": [0.8, 1.0], "n": 5, "baseline": 1.0, "passport": {}}}

    def test_it_shows_the_live_version_and_the_history(self) -> None:
        self.version.metrics = self.metrics
        self.version.save()
        live = self.api("GET", "/api/ml/metrics", by=self.staff).json()
        self.assertEqual((live["version"], live["metrics"], live["live"]), (self.version.label, self.metrics, True))
        other = store_version()
        history = self.api("GET", "/api/ml/metrics/history", by=self.staff).json()["results"]
        self.assertEqual([entry["version"] for entry in history], [self.version.label, other.label])


class StatusTestCase(ApiTestCase):
    def test_it_works(self) -> None:
        rate(self.alice, {0: 4.0})
        latest = store_version()
        run = runs.request_training()
        answer = self.api("GET", "/api/ml/status", by=self.charlie).json()
        self.assertEqual(
            answer,
            {
                "live_version": self.version.label,
                "latest_version": latest.label,
                "generation": 1,
                "training": {"run_id": run.pk, "status": "queued", "progress": 0.0},
                "counts": {"users": 4, "movies": 60, "ratings": 1},
                "ratings_since_live": 1,
            },
        )
