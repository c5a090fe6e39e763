from __future__ import annotations

from mlops.models import GatePolicy
from mlops.tests.test_dashboard import StaffTestCase
from recommender import registry
from recommender.models import Activation
from recommender.tests.stored_versions import store_version

REFUSED = {
    "passed": False, "against": None, "generation": 1, "at": "2026-05-03T14:00:00+00:00",
    "checks": [
        {"name": "rmse", "passed": False, "text": "RMSE <worse> by far"},
        {"name": "ndcg", "passed": True, "text": "fine"},
    ],
}  # fmt: skip
VALUES = {
    "enabled": "on", "ndcg_margin": "0.02", "rmse_margin": "0.01", "newcomer_margin": "0.03", "coverage_margin": "0.1",
    "latency_factor": "2", "latency_floor_ms": "10",
}  # fmt: skip


class GatePageTestCase(StaffTestCase):
    def test_looking_writes_nothing(self) -> None:
        self.assertContains(self.client.get("/training/gate"), 'name="ndcg_margin" value="0.01"')
        self.assertFalse(GatePolicy.objects.exists())

    def test_margins_are_set_once_for_all(self) -> None:
        for margin in ("0.02", "0.05"):
            self.client.post("/training/gate", {**VALUES, "ndcg_margin": margin})
        self.assertEqual(GatePolicy.objects.get().ndcg_margin, 0.05)

    def test_a_margin_that_cannot_be_is_refused(self) -> None:
        for name, value in (
            ("ndcg_margin", "-1"),
            ("rmse_margin", "nan"),
            ("latency_factor", "0.5"),
            ("coverage_margin", ""),
        ):
            with self.subTest(name):
                response = self.client.post("/training/gate", {**VALUES, name: value})
                self.assertEqual(response.status_code, 422)
                self.assertIn(name, response.context["form"].errors)
        self.assertFalse(GatePolicy.objects.exists())

    def test_it_shows_its_verdicts_with_their_reasons(self) -> None:
        version = store_version(verdict=REFUSED)
        for path in ("/training/gate", f"/models/{version.label}"):
            self.assertContains(self.client.get(path), "RMSE &lt;worse&gt; by far")
        self.assertContains(self.client.get("/training/"), "✕ refused")


class OverruleTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.version = store_version(verdict=REFUSED)

    def activate(self, reason: str):
        state = registry.live()
        data = {"reason": reason, "generation": state.generation}
        return self.client.post(f"/models/{self.version.label}/activate", data, follow=True)

    def test_a_refused_version_needs_a_reason(self) -> None:
        for reason in ("", "   "):
            self.assertContains(self.activate(reason), "The gate refused")
        self.assertIsNone(registry.live().version)

    def test_with_a_reason_staff_overrules_and_the_log_says_so(self) -> None:
        self.activate("The old one knows no new films")
        self.assertEqual(registry.live().version, self.version)
        entry = Activation.objects.get()
        self.assertEqual((entry.actor, entry.reason), (self.grace, "The old one knows no new films"))

    def test_nothing_automatic_overrules_it(self) -> None:
        with self.assertRaises(registry.RefusedByGate):
            registry.activate(self.version, kind=Activation.Kind.AUTOMATIC, reason="Training run 7")

    def test_the_page_asks_for_it(self) -> None:
        self.assertContains(
            self.client.get(f"/models/{self.version.label}"), 'placeholder="Reason to overrule the gate"'
        )
