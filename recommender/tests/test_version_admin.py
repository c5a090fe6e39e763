from __future__ import annotations

from django.test import TestCase

from cinema.models import User
from recommender import artifacts, registry
from recommender.models import Activation, LivePointer, ModelVersion
from recommender.tests.stored_versions import StoredVersionsMixin, store_version

LIST = "/admin/recommender/modelversion/"


class VersionAdminTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.a, self.b = store_version(metrics={"rmse": {"value": 0.9}}), store_version()
        registry.activate(self.a)
        self.grace = User.objects.create_superuser("grace")
        self.client.force_login(self.grace)

    def live(self) -> ModelVersion | None:
        return registry.live().version

    def act(self, action: str, *chosen: ModelVersion, **values: object):
        data = {"action": action, "_selected_action": [version.pk for version in chosen], **values}
        return self.client.post(LIST, data, follow=True)

    def test_it_lists_versions_with_their_figures(self) -> None:
        response = self.client.get(LIST)
        self.assertContains(response, self.a.label)
        self.assertContains(response, "0.900")

    def test_it_activates_one(self) -> None:
        self.assertContains(self.act("activate", self.b), f"Live is now {self.b.label}.")
        self.assertEqual(self.live(), self.b)
        entry = Activation.objects.first()
        assert entry is not None
        self.assertEqual(entry.actor, self.grace)

    def test_it_activates_not_several(self) -> None:
        self.assertContains(self.act("activate", self.a, self.b), "exactly one")
        self.assertEqual(self.live(), self.a)

    def test_it_shows_why_a_version_cannot_be_activated(self) -> None:
        artifacts.delete(self.b.label)
        self.assertContains(self.act("activate", self.b), "cannot be used")
        self.assertEqual(self.live(), self.a)

    def test_it_asks_why_before_it_rolls_back(self) -> None:
        registry.activate(self.b)
        self.assertContains(self.act("roll_back", self.b), "Reason:")
        self.assertEqual(self.live(), self.b)
        self.assertContains(self.act("roll_back", self.b, confirm="1", reason=""), "This field is required")
        self.assertEqual(self.live(), self.b)
        response = self.act("roll_back", self.b, confirm="1", reason="worse", generation=2)
        self.assertContains(response, f"Rolled back. Live is now {self.a.label}.")
        self.assertEqual(self.live(), self.a)
        entry = Activation.objects.first()
        assert entry is not None
        self.assertEqual((entry.kind, entry.reason, entry.actor), ("rollback", "worse", self.grace))

    def test_it_rolls_back_from_the_live_version_only(self) -> None:
        registry.activate(self.b)
        for chosen in ([self.a], [self.a, self.b]):
            self.assertContains(self.act("roll_back", *chosen, confirm="1", reason="x"), "Choose the live version")
        self.assertEqual(self.live(), self.b)

    def test_it_shows_why_it_cannot_roll_back(self) -> None:
        self.assertContains(self.act("roll_back", self.a, confirm="1", reason="x"), "No version was live before")
        registry.activate(self.b)
        response = self.act("roll_back", self.b, confirm="1", reason="x", generation=1)
        self.assertContains(response, "The live version has changed")
        self.assertEqual(self.live(), self.b)

    def test_staff_without_the_right_to_look_may_not(self) -> None:
        self.client.force_login(User.objects.create_user("heidi", is_staff=True))
        self.assertEqual(self.act("activate", self.b).status_code, 403)
        self.assertEqual(self.live(), self.a)

    def test_everything_else_can_only_be_looked_at(self) -> None:
        pointer = LivePointer.objects.get()
        rows = (("modelversion", self.a.pk), ("activation", Activation.objects.get().pk), ("livepointer", pointer.pk))
        for model, pk in rows:
            base = f"/admin/recommender/{model}/"
            self.assertEqual(self.client.get(base).status_code, 200, model)
            self.assertEqual(self.client.get(f"{base}{pk}/change/").status_code, 200, model)
            self.assertEqual(self.client.post(f"{base}{pk}/change/", {"label": "x"}).status_code, 403, model)
            self.assertEqual(self.client.get(f"{base}add/").status_code, 403, model)
            self.assertEqual(self.client.post(f"{base}{pk}/delete/", {"post": "yes"}).status_code, 403, model)
        self.act("delete_selected", self.b, post="yes")
        self.assertEqual(ModelVersion.objects.count(), 2)
