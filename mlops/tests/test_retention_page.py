from __future__ import annotations

from io import StringIO
from unittest import mock

from django.core.management import call_command

from mlops import retention
from mlops.models import RetentionPolicy
from mlops.tests.test_dashboard import StaffTestCase
from recommender import artifacts, registry
from recommender.models import ModelVersion
from recommender.tests.stored_versions import store_version

LOW = {"keep_newest": "1", "keep_best": "1", "best_by": "ndcg_at_10"}


class RetentionPageTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.old, self.older, self.live = store_version(), store_version(), store_version()
        registry.activate(self.live)

    def status(self) -> list[str]:
        return list(ModelVersion.objects.order_by("pk").values_list("status", flat=True))

    def test_the_page_is_the_dry_run(self) -> None:
        self.assertContains(self.client.get("/training/retention"), "All 3 stay")
        self.client.post("/training/retention", LOW)
        page = self.client.get("/training/retention")
        self.assertContains(page, "2 of 3 would go")
        self.assertContains(page, "✕ would go", count=2)
        self.assertEqual(self.status(), ["ready"] * 3)
        rows = self.client.get("/training/retention?table=retention&as=json").json()["rows"]
        self.assertEqual([row["kept"] for row in rows], [True, False, False])

    def test_the_button_does_what_the_page_said(self) -> None:
        self.client.post("/training/retention", LOW)
        page = self.client.get("/training/retention")
        shown = [fate.version.label for fate in page.context["going"]]
        self.assertContains(page, f'<input type="hidden" name="version" value="{self.old.label}">')
        response = self.client.post("/training/retention/prune", {"version": shown}, follow=True)
        self.assertContains(response, "Their figures stay")
        self.assertEqual(self.status(), ["deleted", "deleted", "ready"])
        self.assertFalse(artifacts.exists(self.old.label))
        again = self.client.post("/training/retention/prune", {"version": shown}, follow=True)
        self.assertContains(again, "nothing to delete")

    def test_what_nobody_was_shown_stays(self) -> None:
        self.client.post("/training/retention", LOW)
        self.client.post("/training/retention/prune", {"version": [self.old.label, self.live.label]})
        self.assertEqual(self.status(), ["deleted", "ready", "ready"])

    def test_a_deleted_version_is_still_to_be_looked_at(self) -> None:
        self.client.post("/training/retention", LOW)
        self.client.post("/training/retention/prune", {"version": self.old.label})
        page = self.client.get(f"/models/{self.old.label}")
        self.assertContains(page, "Its files were deleted")
        self.assertNotContains(page, f'action="/models/{self.old.label}/activate"')
        self.assertNotContains(self.client.get("/training/"), self.old.label)

    def test_a_number_that_cannot_be_is_refused(self) -> None:
        for name, value in (("keep_newest", "0"), ("keep_best", "-1"), ("best_by", "luck"), ("keep_newest", "")):
            with self.subTest(name=name, value=value):
                response = self.client.post("/training/retention", {**LOW, name: value})
                self.assertEqual(response.status_code, 422)
        self.assertFalse(RetentionPolicy.objects.exists())

    def test_it_is_for_staff(self) -> None:
        self.client.force_login(self.alice)
        self.assertEqual(self.client.get("/training/retention").status_code, 403)
        self.assertEqual(self.client.post("/training/retention/prune").status_code, 403)
        self.assertEqual(self.client.post(f"/models/{self.old.label}/annotate", {"pinned": "yes"}).status_code, 403)

    def test_pins_and_notes_can_be_set_and_taken_back(self) -> None:
        path = f"/models/{self.old.label}/annotate"
        self.client.post(path, {"pinned": "yes"})
        self.client.post(path, {"note": "the one for <i>Noir</i>"})
        self.old.refresh_from_db()
        self.assertEqual((self.old.pinned, self.old.note), (True, "the one for <i>Noir</i>"))
        self.assertContains(self.client.get("/training/"), "the one for &lt;i&gt;Noir&lt;/i&gt;")
        self.client.post(path, {"pinned": "no"})
        self.client.post(path, {"note": ""})
        self.old.refresh_from_db()
        self.assertEqual((self.old.pinned, self.old.note), (False, ""))
        self.client.post(path, {"note": "x" * 2001})
        self.old.refresh_from_db()
        self.assertEqual(self.old.note, "")


class PruneTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.versions = [store_version() for _ in range(3)]
        RetentionPolicy.objects.create(keep_newest=1, keep_best=1)

    def prune(self, *options: str) -> str:
        out = StringIO()
        call_command("prune", *options, stdout=out)
        return out.getvalue()

    def test_the_command_can_only_look(self) -> None:
        self.assertEqual(self.prune("--dry-run").count("WOULD GO"), 2)
        self.assertEqual(ModelVersion.objects.ready().count(), 3)

    def test_the_command_deletes(self) -> None:
        self.assertIn(self.versions[0].label, self.prune())
        self.assertEqual(ModelVersion.objects.ready().count(), 1)

    def test_after_a_training_it_deletes_only_if_it_is_to(self) -> None:
        RetentionPolicy.objects.update(automatic=False)
        retention.prune_after_training()
        self.assertEqual(ModelVersion.objects.ready().count(), 3)
        RetentionPolicy.objects.update(automatic=True)
        retention.prune_after_training()
        self.assertEqual(ModelVersion.objects.ready().count(), 1)

    def test_its_failure_is_nobodys_but_its_own(self) -> None:
        with mock.patch("recommender.artifacts.delete", side_effect=OSError), self.assertLogs("mlops", "ERROR"):
            retention.prune_after_training()
