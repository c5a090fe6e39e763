"""The controls of lists in the API."""

from __future__ import annotations

from typing import Any

from cinema.controls import controls_of, neutral, save_controls
from cinema.tests.api_clients import ApiTestCase
from recommender.tests.stored_versions import DRAMA_FAN, rate


class ControlsOfAListTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)

    def get(self, query: str = "", **options: Any) -> Any:
        return self.api("GET", f"/api/ml/recommendations/{self.alice.pk}{query}", by=options.get("by", self.alice))

    def test_it_says_what_was_applied(self) -> None:
        self.assertEqual(self.get().json()["controls"], {**neutral(), "note": None})
        query = "?popularity=-0.5&novelty=1&recency=0.25&diversity=.3e0&since=2020"
        answer = self.get(query.replace("=.3", "=0.3")).json()
        self.assertEqual(
            answer["controls"],
            {"popularity": -0.5, "novelty": 1.0, "recency": 0.25, "diversity": 0.3, "since": 2020, "note": None},
        )
        self.assertNotEqual(answer["items"], self.get().json()["items"])

    def test_what_is_left_out_is_as_the_person_saved_it(self) -> None:
        save_controls(user=self.alice, recency=1.0, since=2020)
        self.assertEqual(self.get().json()["controls"]["recency"], 1.0)
        applied = self.get("?diversity=0.5&since=").json()["controls"]
        self.assertEqual((applied["recency"], applied["diversity"], applied["since"]), (1.0, 0.5, None))
        self.assertEqual(self.get("?recency=0").json()["controls"]["recency"], 0.0)
        self.assertIn("recency", self.assert_problem(self.get("?recency="), 400)["errors"])
        self.assertEqual(controls_of(self.alice)["diversity"], 0.0)  # asking saves nothing

    def test_it_says_why_something_was_not_applied(self) -> None:
        answer = self.get("?since=2200").json()
        self.assertEqual((answer["controls"]["since"], answer["controls"]["note"]), (None, "nothing_since"))
        self.assertEqual(answer["items"], self.get().json()["items"])
        newcomer = self.api("GET", f"/api/ml/recommendations/{self.bob.pk}?novelty=1", by=self.bob).json()
        self.assertEqual((newcomer["controls"]["novelty"], newcomer["controls"]["note"]), (0.0, "not_personal"))

    def test_staff_sees_the_same_list(self) -> None:
        save_controls(user=self.alice, recency=-1.0)
        self.assertEqual(self.get().json(), self.get(by=self.staff).json())

    def test_it_takes_plain_numbers_within_their_ranges_only(self) -> None:
        for name in ("popularity", "novelty", "recency", "diversity"):
            wrong = [
                "1.01",
                "nan",
                "NaN",
                "inf",
                "-Infinity",
                "1e999",
                "true",
                "1_0",
                "٠",
                "0,5",
                "0x1",
                "1" * 5000,
                "a",
            ]
            if name in ("novelty", "diversity"):
                wrong.append("-0.1")
            for value in (*wrong, "%00", "-1.01", "--1"):
                with self.subTest(name, value=value[:10]):
                    problem = self.assert_problem(self.get(f"?{name}={value}"), 400)
                    self.assertIn(name, problem["errors"])
        for value in ("1899", "2201", "20", "2000.0", "true", "nan", "-2000", "２０００", "9" * 400):
            with self.subTest("since", value=value[:10]):
                self.assertIn("since", self.assert_problem(self.get(f"?since={value}"), 400)["errors"])


class ControlsOfOneselfTestCase(ApiTestCase):
    def patch(self, controls: Any) -> Any:
        return self.api("PATCH", "/api/me", by=self.alice, json={"controls": controls})

    def test_it_keeps_them(self) -> None:
        answer = self.patch({"popularity": 0.5, "since": 2001})
        self.assertEqual(answer.json()["controls"], {**neutral(), "popularity": 0.5, "since": 2001})
        answer = self.patch({"novelty": 1, "since": None})
        self.assertEqual(answer.json()["controls"], {**neutral(), "popularity": 0.5, "novelty": 1.0})
        self.assertEqual(answer.json(), self.api("GET", "/api/me", by=self.alice).json())
        self.assertEqual(self.api("GET", "/api/me", by=self.bob).json()["controls"], neutral())

    def test_null_resets_them_and_leaving_them_out_does_not(self) -> None:
        self.patch({"recency": 1})
        self.api("PATCH", "/api/me", by=self.alice, json={"discovery": 2})
        self.assertEqual(controls_of(self.alice)["recency"], 1.0)
        self.assertEqual(self.patch(None).json()["controls"], neutral())

    def test_it_takes_json_numbers_within_their_ranges_only(self) -> None:
        for name in ("popularity", "novelty", "recency", "diversity"):
            values: tuple[Any, ...] = (1.01, -1.01, True, False, "0.5", "", None, [], {}, [0.5], 10**400)
            for value in values:
                with self.subTest(name, value=repr(value)[:10]):
                    self.assert_problem(self.patch({name: value}), 400)
        years: tuple[Any, ...] = (1899, 2201, 2000.0, True, "2000", "", [], {}, 10**400)
        for value in years:
            with self.subTest("since", value=repr(value)[:10]):
                self.assert_problem(self.patch({"since": value}), 400)
        no_objects: tuple[Any, ...] = ([], [1], 1, True, "x")
        for value in no_objects:
            with self.subTest(repr(value)):
                self.assert_problem(self.patch(value), 400)
        for text in (b"NaN", b"Infinity", b"-1e400"):
            body = b'{"controls": {"popularity": ' + text + b"}}"
            with self.subTest(text):
                self.assert_problem(self.api("PATCH", "/api/me", by=self.alice, body=body), 400)
        self.assertEqual(controls_of(self.alice), neutral())

    def test_one_that_is_wrong_keeps_all_out(self) -> None:
        body = {"discovery": 2, "controls": {"recency": 1, "novelty": 7}}
        self.assert_problem(self.api("PATCH", "/api/me", by=self.alice, json=body), 400)
        self.alice.refresh_from_db()
        self.assertIsNone(self.alice.discovery)
        self.assertEqual(controls_of(self.alice), neutral())
