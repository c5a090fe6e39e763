"""The API of experiments."""

from __future__ import annotations

from cinema.tests.api_clients import ApiTestCase
from mlops.tests.made_experiments import live_through, make_people
from recommender.tests.running_experiments import loaded, start
from recommender.tests.stored_versions import DRAMA_FAN, rate, store_version


class ExperimentsApiTestCase(ApiTestCase):
    def test_staff_sees_what_was_found(self) -> None:
        experiment = start("ab", self.version, store_version(), interest=0.1)
        live_through(experiment, make_people(100), {"A": 0.3, "B": 0.6})
        answer = self.api("GET", f"/api/ml/experiments/{experiment.pk}", by=self.staff).json()
        self.assertEqual((answer["status"], answer["kind"], len(answer["arms"])), ("running", "ab", 2))
        self.assertEqual(answer["arms"][0], {"name": "A", "version": self.version.label, "settings": {}})
        found = answer["found"]
        self.assertEqual((found["winner"], found["lists"], found["people"]), ("B", 400, 100))
        low, high = found["contrasts"][0]["interval"]
        self.assertTrue(0 < low < found["contrasts"][0]["estimate"] < high)
        listed = self.api("GET", "/api/ml/experiments", by=self.staff).json()["results"]
        self.assertEqual([one["experiment_id"] for one in listed], [experiment.pk])

    def test_an_interval_that_is_not_known_is_null(self) -> None:
        experiment = start("ab", None, None)
        found = self.api("GET", f"/api/ml/experiments/{experiment.pk}", by=self.staff).json()["found"]
        self.assertIsNone(found["contrasts"][0]["interval"])
        self.assertEqual(found["finding"], "No list has been counted yet.")

    def test_it_is_started_and_ended(self) -> None:
        experiment = start("ab", None, None, status="draft")
        address = f"/api/ml/experiments/{experiment.pk}"
        self.assert_problem(self.api("POST", f"{address}/stop", by=self.staff), 409, "experiment_not_running")
        self.assertEqual(self.api("POST", f"{address}/start", by=self.staff).json()["status"], "running")
        self.assert_problem(self.api("POST", f"{address}/start", by=self.staff), 409, "already_started")
        another = start("ab", None, None, status="draft")
        refused = self.api("POST", f"/api/ml/experiments/{another.pk}/start", by=self.staff)
        self.assert_problem(refused, 409, "experiment_running")
        answer = self.api("POST", f"{address}/stop", by=self.staff, json={"reason": "enough"}).json()
        self.assertEqual((answer["status"], answer["end_reason"], answer["verdict"]["lists"]), ("stopped", "enough", 0))

    def test_it_is_nobody_elses_business(self) -> None:
        experiment = start("ab", None, None)
        for method, path in (("GET", ""), ("GET", f"/{experiment.pk}"), ("POST", f"/{experiment.pk}/stop")):
            self.assert_problem(self.api(method, f"/api/ml/experiments{path}", by=self.charlie), 403)
            self.assert_problem(self.api(method, f"/api/ml/experiments{path}"), 401)

    def test_a_list_says_which_arm_made_it(self) -> None:
        rate(self.alice, DRAMA_FAN)
        address = f"/api/ml/recommendations/{self.alice.pk}?n=4"
        self.assertEqual(self.api("GET", address, by=self.alice).json()["experiment"], None)
        experiment = start("ab", None, None)
        answer = self.api("GET", address, by=self.alice).json()
        self.assertEqual(answer["experiment"], experiment.pk)
        self.assertIn(answer["arm"], ("A", "B"))

    def test_a_mixed_list_says_it_of_each_place(self) -> None:
        rate(self.alice, DRAMA_FAN)
        experiment = start("interleaved", self.version, store_version())
        answer = loaded(lambda: self.api("GET", f"/api/ml/recommendations/{self.alice.pk}?n=4", by=self.alice).json())
        self.assertEqual((answer["experiment"], answer["arm"]), (experiment.pk, None))
        self.assertEqual({item["arm"] for item in answer["items"]}, {"A", "B"})
