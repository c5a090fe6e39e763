from __future__ import annotations

from typing import Any

from mlops.tests.made_experiments import live_through, make_people
from recommender import registry
from recommender.models import Experiment
from recommender.tests.running_experiments import start
from recommender.tests.stored_versions import CatalogueTestCase, store_version


class ExperimentPagesTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.other = store_version()
        self.client.force_login(self.staff)

    def fill(self, **changes: Any) -> dict[str, Any]:
        form = {
            "name": "Does the newer one win?", "kind": "interleaved", "share": "50", "interest": "2", "harm": "5",
            "A-version": self.version.label, "B-version": self.other.label,
        }  # fmt: skip
        return {**form, **changes}

    def test_staff_plans_starts_and_ends_one(self) -> None:
        page = self.client.post("/training/experiments", self.fill(), follow=True)
        experiment = Experiment.objects.get()
        self.assertContains(page, "Planned. Look at it once more")
        self.assertEqual((experiment.kind, experiment.share, experiment.interest), ("interleaved", 50, 0.02))
        address = f"/training/experiments/{experiment.pk}"
        self.assertContains(self.client.get(address), f"<dd>{self.other.label}</dd>")
        self.assertContains(self.client.post(f"{address}/start", follow=True), "Started.")
        self.assertContains(self.client.get(address), "No list has been counted yet.")
        self.assertContains(self.client.post(f"{address}/stop", {"reason": "tea"}, follow=True), "Ended by grace: tea")
        self.assertContains(self.client.get("/training/experiments"), "nothing clear, 0 lists")

    def test_settings_and_a_third_arm_are_planned_too(self) -> None:
        settings = {"kind": "ab", "B-novelty": "0.5", "B-discovery": "3", "C-use": "on", "C-diversity": "0.2"}
        self.client.post("/training/experiments", self.fill(**settings, **{"B-version": ""}))
        arms = {arm.name: (arm.version, arm.settings) for arm in Experiment.objects.get().arms.all()}
        self.assertEqual(arms["B"], (None, {"discovery": 3, "novelty": 0.5}))
        self.assertEqual(arms["C"], (None, {"diversity": 0.2}))

    def test_what_cannot_be_planned_says_why_and_keeps_what_was_filled_in(self) -> None:
        page = self.client.post("/training/experiments", self.fill(**{"B-version": self.version.label}))
        self.assertContains(page, "Both versions are the same", status_code=422)
        self.assertContains(page, "Does the newer one win?", status_code=422)
        page = self.client.post("/training/experiments", self.fill(kind="ab", **{"B-novelty": "7"}))
        self.assertContains(page, "less than or equal to 1", status_code=422)
        self.assertFalse(Experiment.objects.exists())

    def test_a_running_one_shows_what_it_has_found(self) -> None:
        experiment = start("ab", self.version, self.other, interest=0.1)
        live_through(experiment, make_people(100), {"A": 0.3, "B": 0.6})
        address = f"/training/experiments/{experiment.pk}"
        page = self.client.get(address)
        self.assertRegex(page.content.decode(), r"B is better than A: \+\d+\.\d more of 100 lists engaged with\.")
        self.assertContains(page, "▲ better")
        self.assertContains(page, 'hx-trigger="every 30s"')
        self.assertContains(page, "✓ as intended")
        fragment = self.client.get(address, headers={"HX-Request": "true"})
        self.assertNotContains(fragment, "<html")
        rows = self.client.get(f"{address}?table=experiment&as=json").json()["rows"]
        self.assertEqual((rows[-1]["arm"], rows[-1]["lists"]), ("B", 400))

    def test_the_winner_is_made_live_once_it_is_over(self) -> None:
        experiment = start("ab", self.version, self.other, interest=0.1)
        live_through(experiment, make_people(100), {"A": 0.3, "B": 0.6})
        address = f"/training/experiments/{experiment.pk}"
        self.assertContains(self.client.post(f"{address}/promote", follow=True), "End the experiment first.")
        self.client.post(f"{address}/stop")
        self.assertContains(self.client.get("/training/experiments"), "<strong>B</strong> is better, 400 lists")
        self.assertContains(self.client.get(address), f"Make <code>{self.other.label}</code> live")
        self.assertContains(self.client.post(f"{address}/promote", follow=True), f"{self.other.label} is live.")
        self.assertEqual(registry.live().version, self.other)

    def test_a_plan_is_discarded(self) -> None:
        experiment = start("ab", None, None, status="draft")
        self.client.post(f"/training/experiments/{experiment.pk}/discard")
        self.assertFalse(Experiment.objects.exists())

    def test_it_is_for_staff(self) -> None:
        experiment = start("ab", None, None)
        self.client.force_login(self.charlie)
        for path in ("", f"/{experiment.pk}/start", f"/{experiment.pk}/stop", f"/{experiment.pk}/promote"):
            self.assertEqual(self.client.post(f"/training/experiments{path}").status_code, 403, path)
        self.assertEqual(self.client.get(f"/training/experiments/{experiment.pk}").status_code, 403)
