"""Comparing versions: asking, waiting, reading, and what each would show somebody."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cinema.models import User
from mlops import comparing
from mlops.models import Comparison
from mlops.tests.test_dashboard import HTMX, StaffTestCase
from recommender import registry
from recommender.models import ModelVersion
from recommender.tests.stored_versions import DRAMA_FAN, make_catalogue, rate, store_version


def a_difference(value: float, *, verdict: str, n: int = 500) -> dict:
    return {
        "before": 0.9, "after": 0.9 + value, "value": value, "interval": [value - 0.01, value + 0.01], "n": n,
        "better": 0.2, "worse": 0.5, "smaller_is_better": True, "verdict": verdict,
    }  # fmt: skip


def a_result(one: str, other: str) -> dict:
    def row(measure: str, group: str, of: str, found: dict) -> dict:
        return {"measure": measure, "group": group, "of": of, "definition": "a definition", "n": found["n"],
                "values": {}, "differences": {other: found}}  # fmt: skip

    return {
        "labels": [one, other], "n_people": 500, "n_ratings": 9000, "n_unknown": 3, "rule": "new ratings",
        "coverage": {one: 0.8, other: 0.7}, "overlap": {other: 0.55}, "seeds_known": False,
        "rows": [
            row("rmse", "", "", a_difference(0.08, verdict="worse")),
            row("rmse", "heavy", "people", a_difference(0.09, verdict="worse")),
            row("rmse", "genre: <i>Drama", "films", a_difference(-0.05, verdict="better")),
            row("novelty", "", "", a_difference(0.5, verdict="open")),
        ],
    }  # fmt: skip


class ComparePagesTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        self.one, self.other = store_version(), store_version()
        registry.activate(self.other)

    def ask(self, *labels: str, **more: str):
        return self.client.post("/training/compare/start", {"version": labels, **more})

    def a_comparison(self, **fields) -> Comparison:
        now = timezone.now()
        values = {"key": f"{self.one.label},{self.other.label}", "requested_at": now, "heard_at": now, **fields}
        return Comparison.objects.create(**values)

    def test_it_offers_the_versions_there_are(self) -> None:
        page = self.client.get("/training/compare")
        self.assertContains(page, f'value="{self.one.label}" id="version-{self.one.pk}">')
        self.assertContains(page, f'value="{self.other.label}" id="version-{self.other.pk}" checked')

    def test_asking_queues_one_job_against_the_live_version(self) -> None:
        for _ in range(2):
            response = self.ask(self.one.label, self.other.label)
        row = Comparison.objects.get()
        self.assertRedirects(response, f"/training/compare/{row.pk}")
        self.assertEqual((row.labels, row.requested_by), ([self.other.label, self.one.label], self.grace))

    def test_it_says_which_choice_cannot_be(self) -> None:
        for labels, text in (
            ((self.one.label,), "Choose 2 to 5 versions"),
            ((self.one.label, self.one.label), "Choose 2 to 5 versions"),
            ((self.one.label, "v20200101_000000"), "no such version"),
            (tuple(f"v2020010{n}_000000" for n in range(6)), "Choose 2 to 5"),
        ):
            with self.subTest(labels):
                response = self.client.post("/training/compare/start", {"version": labels}, follow=True)
                self.assertContains(response, text)
        self.assertFalse(Comparison.objects.exists())

    def test_it_waits_and_stops_asking_when_it_is_done(self) -> None:
        row = self.a_comparison(status="running", progress=0.4)
        page = self.client.get(f"/training/compare/{row.pk}", headers=HTMX).content.decode()
        self.assertIn('hx-trigger="every 1s"', page)
        self.assertIn("40 %", page)
        Comparison.objects.update(status="done", result=a_result(*row.labels), finished_at=timezone.now())
        page = self.client.get(f"/training/compare/{row.pk}", headers=HTMX).content.decode()
        self.assertNotIn("hx-trigger", page)
        self.assertTrue(page.strip().startswith('<div class="board" id="result"'))

    def test_it_names_who_gains_and_who_loses(self) -> None:
        row = self.a_comparison(status="done", result=a_result(self.one.label, self.other.label))
        page = self.client.get(f"/training/compare/{row.pk}")
        (one,) = page.context["challengers"]
        self.assertEqual(
            [(title, [line.title for line in lines]) for title, lines in one.losses], [("RMSE", ["Heavy raters"])]
        )
        self.assertEqual(
            [(title, [line.title for line in lines]) for title, lines in one.gains], [("RMSE", ["<i>Drama"])]
        )
        self.assertContains(page, "RMSE +0.080 [+0.070, +0.090]; its stars are closer for 20 % of people.")
        self.assertContains(page, "&lt;i&gt;Drama")
        self.assertContains(page, "55 % of a person")

    def test_better_is_to_the_right_whatever_the_measure(self) -> None:
        row = self.a_comparison(status="done", result=a_result(self.one.label, self.other.label))
        (one,) = self.client.get(f"/training/compare/{row.pk}").context["challengers"]
        places = {line.title: line.whisker for line in one.everybody}
        self.assertLess(places["RMSE"].at, 80)
        self.assertTrue(places["RMSE"].low < places["RMSE"].at < places["RMSE"].high < 80)
        self.assertGreater(places["Novelty"].at, 80)

    def test_every_figure_can_be_taken_along(self) -> None:
        row = self.a_comparison(status="done", result=a_result(self.one.label, self.other.label))
        answer = self.client.get(f"/training/compare/{row.pk}?table=comparison&as=json").json()
        self.assertEqual(len(answer["rows"]), 4)
        self.assertEqual(answer["rows"][0]["difference"], 0.08)

    def test_one_that_nobody_carries_any_more_can_be_asked_for_again(self) -> None:
        row = self.a_comparison(status="running", heard_at=timezone.now() - timedelta(minutes=5))
        self.assertContains(self.client.get(f"/training/compare/{row.pk}"), "Nobody is at it any more")
        self.ask(*row.labels)
        row.refresh_from_db()
        self.assertEqual(
            (row.status, row.is_active), ("running", False)
        )  # the live one comes first: another comparison
        again = Comparison.objects.latest("pk")
        self.assertEqual(again.status, "waiting")

    def test_it_says_why_there_is_none(self) -> None:
        row = self.a_comparison(status="failed", error="There is no rating that <all> know")
        self.assertContains(self.client.get(f"/training/compare/{row.pk}"), "There is no rating that &lt;all&gt; know")

    def test_it_shows_somebodys_lists_side_by_side(self) -> None:
        person = User.objects.create_user("eve")
        rate(person, DRAMA_FAN)
        row = self.a_comparison(status="done", result=a_result(self.one.label, self.other.label))
        for wanted in ("eve", str(person.pk)):
            address = f"/training/compare/{row.pk}?person={wanted}"
            fragment = self.client.get(address, headers=HTMX).content.decode().strip()
            self.assertTrue(fragment.startswith('<div id="lists"'))
            page = self.client.get(address)
            lists = page.context["lists"]
            self.assertEqual([one.label for one in lists], [self.one.label, self.other.label])
            for one in lists:
                self.assertEqual(len(one.places), 10)
                self.assertFalse({place.film.movie_id for place in one.places} & {10 * (row + 1) for row in DRAMA_FAN})
            self.assertTrue(any(place.because for place in lists[0].places))
            self.assertEqual([place.elsewhere for place in lists[1].places], list(range(1, 11)))

    def test_it_says_whom_it_does_not_know_and_what_cannot_be_read(self) -> None:
        row = self.a_comparison(status="done", result=a_result(self.one.label, self.other.label))
        for wanted in ("nobody", "9" * 40, "²"):
            self.assertContains(self.client.get(f"/training/compare/{row.pk}?person={wanted}"), "There is nobody")
        ModelVersion.objects.filter(pk=self.one.pk).update(artifact_sha256="0" * 64)
        page = self.client.get(f"/training/compare/{row.pk}?person=alice")
        self.assertContains(page, "sha256 mismatch")

    def test_it_needs_few_queries(self) -> None:
        row = self.a_comparison(status="done", result=a_result(self.one.label, self.other.label))
        with self.assertNumQueries(6):
            self.client.get(f"/training/compare/{row.pk}")


class CarryOutTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        self.versions = [store_version(), store_version()]

    def test_a_comparison_is_carried_out_once(self) -> None:
        row = comparing.request_comparison(self.versions, requested_by=self.grace)
        self.assertTrue(comparing.carry_out(row.pk))
        self.assertFalse(comparing.carry_out(row.pk))

    def test_without_a_common_rating_it_fails_with_a_reason(self) -> None:
        row = comparing.request_comparison(self.versions, requested_by=None)
        comparing.carry_out(row.pk)
        row.refresh_from_db()
        self.assertEqual(row.status, "failed")
        self.assertIn("none of these versions was trained on", row.error)

    def test_versions_without_twins_are_judged_on_newer_ratings(self) -> None:
        for n in range(12):
            person = User.objects.create_user(f"p{n}")
            rate(person, DRAMA_FAN)  # after the versions' data
        for user in User.objects.filter(username__startswith="p"):
            user.ratings.filter(movie_id__lte=30).update(rated_at=timezone.now() - timedelta(days=2000))
        row = comparing.request_comparison(self.versions, requested_by=None)
        comparing.carry_out(row.pk)
        row.refresh_from_db()
        self.assertEqual((row.status, row.error), ("done", ""))
        assert row.result is not None
        self.assertEqual(row.result["n_people"], 12)

    def test_again_keeps_the_old_result_until_the_new_one_is_there(self) -> None:
        row = comparing.request_comparison(self.versions, requested_by=None)
        Comparison.objects.update(status="done", result=a_result(*row.labels))
        self.assertEqual(comparing.request_comparison(self.versions, requested_by=None).status, "done")
        again = comparing.request_comparison(self.versions, requested_by=None, again=True)
        self.assertEqual((again.pk, again.status), (row.pk, "waiting"))
        self.assertIsNotNone(again.result)
