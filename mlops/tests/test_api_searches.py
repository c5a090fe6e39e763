"""The API of searches."""

from __future__ import annotations

from typing import Any

from cinema.tests.api_clients import ApiTestCase
from mlops import runs
from mlops.models import Search, TrainingRun, Trial
from mlops.tests.small_searches import a_search, a_trial

Status, State = TrainingRun.Status, Trial.State


class StartSearchTestCase(ApiTestCase):
    def start(self, **body: Any) -> Any:
        return self.api("POST", "/api/ml/searches", by=self.staff, json=body)

    def test_it_queues_a_search_and_says_where_to_look(self) -> None:
        response = self.start(preset="fast", objective="ndcg", trials=12, minutes=30, seed=7)
        search = Search.objects.get()
        run = TrainingRun.objects.get()
        url = f"http://testserver/api/ml/searches/{search.pk}"
        self.assertEqual(response.status_code, 202)
        self.assertEqual(
            response.json(), {"search_id": search.pk, "run_id": run.pk, "status": "queued", "status_url": url}
        )
        self.assertEqual(response.headers["Location"], url)
        self.assertEqual(
            (search.preset, search.objective, search.max_trials, search.max_minutes, search.seed, search.requested_by),
            ("fast", "ndcg", 12, 30, 7, self.staff),
        )

    def test_it_needs_no_body(self) -> None:
        self.assertEqual(self.api("POST", "/api/ml/searches", by=self.staff, content_type="").status_code, 202)
        self.assertEqual((Search.objects.get().max_trials, Search.objects.get().max_minutes), (20, None))

    def test_minutes_alone_set_no_number_of_trials(self) -> None:
        self.start(minutes=5)
        self.assertEqual((Search.objects.get().max_trials, Search.objects.get().max_minutes), (None, 5))

    def test_it_refuses_what_cannot_be_searched(self) -> None:
        bodies: tuple[dict[str, Any], ...] = (
            {"preset": "magic"},
            {"objective": "mae"},
            {"trials": 0},
            {"trials": 201},
            {"trials": True},
            {"trials": "20"},
            {"trials": 2.5},
            {"trials": 10**20},
            {"trials": None},
            {"minutes": 301},
            {"seed": -1},
        )
        for body in bodies:
            with self.subTest(body):
                self.assert_problem(self.start(**body), 400, "invalid")
        self.assertFalse(Search.objects.exists())

    def test_it_names_the_run_in_progress_before_any_throttle(self) -> None:
        run = runs.request_training()
        with self.settings(THROTTLE_RATES={"training": 0}):
            problem = self.assert_problem(self.start(), 409, "training_in_progress")
            self.assertEqual(problem["run_id"], run.pk)
            runs.request_cancel(run)
            self.assert_problem(self.start(), 429)

    def test_a_training_waits_for_a_search(self) -> None:
        self.start()
        problem = self.assert_problem(
            self.api("POST", "/api/ml/train", by=self.staff, json={}), 409, "training_in_progress"
        )
        self.assertEqual(problem["run_id"], TrainingRun.objects.get().pk)


class SearchesTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.search = a_search(Status.CANCELLED, importances={"n_factors": 1.0})
        a_trial(self.search, 0.9)
        a_trial(self.search, 0.88, n_factors=20)
        self.path = f"/api/ml/searches/{self.search.pk}"

    def test_it_lists_searches_with_their_best(self) -> None:
        found = self.api("GET", "/api/ml/searches", by=self.staff).json()
        self.assertEqual((found["count"], found["next"]), (1, None))
        one = found["results"][0]
        self.assertEqual((one["search_id"], one["status"], one["trials_done"]), (self.search.pk, "cancelled", 2))
        self.assertEqual((one["best"]["number"], one["best"]["value"], one["of_preset"]["value"]), (1, 0.88, 0.9))
        self.assertNotIn("trials", one)

    def test_it_shows_every_trial(self) -> None:
        found = self.api("GET", self.path, by=self.staff).json()
        self.assertEqual([trial["state"] for trial in found["trials"]], ["complete", "complete"])
        self.assertEqual(found["trials"][1]["parameters"]["n_factors"], 20)
        self.assertEqual(found["importances"], {"n_factors": 1.0})

    def test_it_shows_a_search_that_has_found_nothing(self) -> None:
        found = self.api("GET", f"/api/ml/searches/{a_search().pk}", by=self.staff).json()
        self.assertEqual((found["best"], found["of_preset"], found["trials"]), (None, None, []))

    def test_it_resumes_and_cancels(self) -> None:
        response = self.api("POST", f"{self.path}/resume", by=self.staff)
        self.assertEqual(response.status_code, 202)
        run = TrainingRun.objects.get(pk=response.json()["run_id"])
        self.assertEqual((run.search, run.status), (self.search, Status.QUEUED))
        self.assert_problem(self.api("POST", f"{self.path}/resume", by=self.staff), 409, "training_in_progress")
        self.assertEqual(self.api("POST", f"{self.path}/cancel", by=self.staff).json()["status"], "cancelled")
        self.assert_problem(self.api("POST", f"{self.path}/cancel", by=self.staff), 409, "not_active")

    def test_it_resumes_nothing_that_is_done(self) -> None:
        done = a_search()
        problem = self.api("POST", f"/api/ml/searches/{done.pk}/resume", by=self.staff)
        self.assert_problem(problem, 409, "not_resumable")

    def test_a_run_says_that_it_is_a_search(self) -> None:
        found = self.api("GET", "/api/ml/runs", by=self.staff).json()["results"][0]
        self.assertEqual((found["kind"], found["search_id"]), ("search", self.search.pk))

    def test_it_is_for_staff_alone(self) -> None:
        for method, path in (
            ("GET", "/api/ml/searches"),
            ("POST", "/api/ml/searches"),
            ("GET", self.path),
            ("POST", f"{self.path}/cancel"),
            ("POST", f"{self.path}/resume"),
        ):
            with self.subTest(path):
                self.assert_problem(self.api(method, path, by=self.charlie), 403)
                self.assert_problem(self.api(method, path), 401)
                self.assert_problem(self.api(method, path.replace(str(self.search.pk), "999"), by=self.charlie), 403)
        self.assertEqual(TrainingRun.objects.count(), 1)
        self.assert_problem(self.api("GET", "/api/ml/searches/999", by=self.staff), 404)
