from __future__ import annotations

from django.test import Client, TestCase

from cinema.models import User
from recommender import artifacts, registry
from recommender.models import Activation
from recommender.tests.stored_versions import StoredVersionsMixin, store_version


class VersionPagesTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.a, self.b = store_version(metrics={"rmse": {"value": 0.9}}), store_version()
        registry.activate(self.a)
        self.grace = User.objects.create_user("grace", is_staff=True)
        self.alice = User.objects.create_user("alice")
        self.client.force_login(self.grace)

    def live(self) -> str:
        version = registry.live().version
        assert version is not None
        return version.label

    def post(self, path: str, **values: object):
        return self.client.post(path, values, follow=True)

    def test_a_version_shows_its_figures_and_its_history(self) -> None:
        registry.activate(self.b, actor=self.grace, reason="to compare")
        response = self.client.get(f"/models/{self.b.label}")
        self.assertContains(response, "to compare")
        self.assertContains(response, "live")
        self.assertContains(self.client.get(f"/models/{self.a.label}"), "0.900")
        self.assertContains(self.client.get(f"/models/{self.a.label}"), "/activate")

    def test_a_version_shows_whether_its_confidence_comes_true_and_for_whom_its_figures_hold(self) -> None:
        plain = self.client.get(f"/models/{self.a.label}")
        self.assertNotContains(plain, "Does its confidence come true?")
        self.assertNotContains(plain, "For whom, and for which films")
        decile = {"claimed": 0.8, "observed": 0.7, "interval": [0.6, 0.75], "n": 50, "people": 9}
        group = {"of": "people", "definition": "fewer than 20 training ratings", "members": 9, "test_ratings": 50}
        version = store_version(
            metrics={
                "rmse": {"value": 0.9, "n": 9, "breakdown": {"newcomers": {"value": 1.234, "n": 9, "item_mean": 1.321}}}
            },
            diagnostics={
                "groups": {"newcomers": group},
                "reliability": {
                    "within": 1.0, "claimed": 0.8, "observed": 0.7, "n": 50, "gap": 0.1, "deciles": [decile]
                },
            },
        )  # fmt: skip
        page = self.client.get(f"/models/{version.label}")
        for words in ("Does its confidence come true?", "60.0 % to 75.0 %", "differ by 10.0 points"):
            self.assertContains(page, words)
        for words in ("For whom, and for which films", "fewer than 20 training ratings", "1.234", "1.321"):
            self.assertContains(page, words)

    def test_activating_works(self) -> None:
        response = self.post(
            f"/models/{self.b.label}/activate", reason="better", generation=1, next=f"/models/{self.b.label}"
        )
        self.assertRedirects(response, f"/models/{self.b.label}")
        self.assertContains(response, f"{self.b.label} is live.")
        self.assertEqual(self.live(), self.b.label)
        entry = Activation.objects.first()
        assert entry is not None
        self.assertEqual((entry.kind, entry.actor, entry.reason), ("manual", self.grace, "better"))

    def test_it_says_whose_word_counts_and_whether_the_moment_helps(self) -> None:
        verdict = {"ndcg_without": 0.14, "ndcg_with": 0.1389, "interval": [-0.0024, 0.0001], "n_people": 644}
        self.a.diagnostics = {
            "voices": {"ranker": 1.0, "ranker_factors": 0.3, "rating_model": 0.4, "network": 0.0, "moment": 0.0},
            "moment": {**verdict, "helps": False},
        }
        self.a.save()
        page = self.client.get(f"/models/{self.a.label}")
        self.assertContains(page, "<dt>0.30</dt><dd>its factors, which reach further</dd>")
        self.assertContains(page, "<dt>0</dt><dd>a neural network</dd>")
        self.assertContains(page, "They would have changed NDCG@10 by −0.0011 [−0.0024, +0.0001] for 644 people.")

    def test_activating_unseen_changes_nothing(self) -> None:
        registry.activate(self.b)
        response = self.post(f"/models/{self.a.label}/activate", generation=1)
        self.assertContains(response, "The live version has changed")
        self.assertEqual(self.live(), self.b.label)

    def test_activating_a_damaged_version_changes_nothing(self) -> None:
        artifacts.delete(self.b.label)
        self.assertContains(self.post(f"/models/{self.b.label}/activate"), "cannot be used")
        self.assertEqual(self.live(), self.a.label)

    def test_activating_with_a_bad_form_changes_nothing(self) -> None:
        for generation in ("x", "-1", str(10**30)):
            self.assertContains(self.post(f"/models/{self.b.label}/activate", generation=generation), "not understood")
        self.assertEqual(self.live(), self.a.label)

    def test_rolling_back_works_holds_and_can_be_released(self) -> None:
        registry.activate(self.b)
        response = self.post("/models/roll-back", reason="worse for newcomers", generation=2)
        self.assertContains(response, f"Rolled back: {self.a.label} is live")
        self.assertContains(response, "Automatic activation is on hold")
        self.assertNotContains(response, 'action="/models/roll-back"')
        self.assertEqual(self.live(), self.a.label)
        entry = Activation.objects.first()
        assert entry is not None
        self.assertEqual((entry.kind, entry.actor, entry.reason), ("rollback", self.grace, "worse for newcomers"))
        response = self.post("/models/lift-hold")
        self.assertNotContains(response, "Automatic activation is on hold")
        self.assertFalse(registry.live().hold)

    def test_rolling_back_needs_a_reason(self) -> None:
        registry.activate(self.b)
        self.assertContains(self.post("/models/roll-back", reason=" "), "needs a reason")
        self.assertEqual(self.live(), self.b.label)

    def test_rolling_back_ends_at_the_first(self) -> None:
        self.assertContains(self.post("/models/roll-back", reason="why not"), "No version was live before this one")

    def test_nobody_else_may(self) -> None:
        registry.activate(self.b)
        stranger = Client()
        self.client.force_login(self.alice)
        actions = ["/models/roll-back", "/models/lift-hold", f"/models/{self.a.label}/activate"]
        for path in actions:
            self.assertEqual(self.client.post(path, {"reason": "x"}).status_code, 403)
            self.assertRedirects(stranger.post(path, {"reason": "x"}), "/sign-in?next=%2F")
        self.assertEqual(self.client.get(f"/models/{self.a.label}").status_code, 403)
        self.assertRedirects(stranger.get(f"/models/{self.a.label}"), f"/sign-in?next=%2Fmodels%2F{self.a.label}")
        self.assertEqual(self.live(), self.b.label)

    def test_nothing_changes_on_get_or_without_the_token(self) -> None:
        for path in ("/models/roll-back", "/models/lift-hold", f"/models/{self.b.label}/activate"):
            self.assertEqual(self.client.get(path).status_code, 405)
            strict = Client(enforce_csrf_checks=True)
            strict.force_login(self.grace)
            self.assertEqual(strict.post(path, {"reason": "x"}).status_code, 403)
        self.assertEqual(self.live(), self.a.label)

    def test_what_is_no_version_is_not_found(self) -> None:
        for label in ("v0", "..%2f..%2fetc", "%00", "x" * 300, "v1%0a"):
            self.assertEqual(self.client.get(f"/models/{label}").status_code, 404, label)
            self.assertEqual(self.client.post(f"/models/{label}/activate").status_code, 404, label)

    def test_it_leads_nobody_off_the_site(self) -> None:
        response = self.client.post(f"/models/{self.b.label}/activate", {"next": "//evil.example"})
        self.assertRedirects(response, "/training/")

    def test_it_is_quick(self) -> None:
        with self.assertNumQueries(8):
            self.client.get(f"/models/{self.a.label}")
