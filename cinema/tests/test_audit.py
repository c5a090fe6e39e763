"""The log of what was done to the site."""

from __future__ import annotations

from django.core.management import call_command
from django.test import Client

from cinema import audit
from cinema.models import AppendOnly, AuditEntry, User
from cinema.mydata import accounts
from cinema.tests.api_clients import ApiTestCase
from recommender.tests.stored_versions import store_version


class AuditTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.n_before = AuditEntry.objects.count()  # the version that all API tests begin with

    def entries(self) -> list[tuple[str, str, str]]:
        return list(AuditEntry.objects.order_by("pk").values_list("action", "role", "after"))[self.n_before :]

    def test_it_only_grows(self) -> None:
        audit.record(audit.Action.TRAIN, actor=self.staff)
        entry = AuditEntry.objects.get(action="train")
        for change in (entry.save, entry.delete, AuditEntry.objects.all().delete):
            with self.assertRaises(AppendOnly):
                change()
        with self.assertRaises(AppendOnly):
            AuditEntry.objects.update(role="member")

    def test_versions_runs_and_people_leave_their_line(self) -> None:
        one, two = store_version(), store_version()
        for version in (one, two):
            self.api("POST", f"/api/ml/versions/{version.label}/activate", by=self.staff)
        self.api("POST", "/api/ml/rollback", by=self.staff)
        run = self.api("POST", "/api/ml/train", by=self.staff).json()["run_id"]
        self.api("POST", f"/api/ml/runs/{run}/cancel", by=self.staff)
        self.api("GET", "/api/me/export", by=self.bob)
        self.assertEqual(
            self.entries(),
            [
                ("activate", "staff", one.label), ("activate", "staff", two.label), ("rollback", "staff", one.label),
                ("train", "staff", ""), ("cancel", "staff", ""), ("export", "member", ""),
            ],
        )  # fmt: skip
        back = AuditEntry.objects.get(action="rollback")
        self.assertEqual((back.before, back.after), (two.label, one.label))

    def test_refused_things_leave_none(self) -> None:
        self.assert_problem(self.api("POST", "/api/ml/rollback", by=self.staff), 409)
        self.assert_problem(self.api("POST", "/api/ml/train", by=self.charlie), 403)
        self.assertEqual(self.entries(), [])

    def test_who_signs_in_and_who_is_locked_out_is_told_once(self) -> None:
        User.objects.create_user("dora", password="correct horse battery")
        Client().post("/sign-in", {"username": "dora", "password": "correct horse battery"})
        for number in range(8):
            Client().post("/sign-in", {"username": "dora", "password": f"wrong {number}"})
        self.assertEqual(self.entries(), [("sign-in", "member", ""), ("lockout", "stranger", "")])
        self.assertNotIn("dora", str(list(AuditEntry.objects.values("subject", "before", "after"))))

    def test_the_person_goes_and_the_role_stays(self) -> None:
        leaver = User.objects.create_user("leaver", is_staff=True)
        audit.record(audit.Action.ACTIVATE, actor=leaver, after="v20260101_000000")
        accounts.delete_account(user=leaver)
        self.assertEqual(self.entries(), [("activate", "staff", "v20260101_000000"), ("delete-account", "staff", "")])
        self.assertFalse(AuditEntry.objects.filter(actor__isnull=False).exists())

    def test_the_administration_shows_it_and_cannot_change_it(self) -> None:
        audit.record(audit.Action.IMPORT, subject="ml-25m: 7 ratings")
        self.client.force_login(User.objects.create_superuser("root"))
        self.assertContains(self.client.get("/admin/cinema/auditentry/"), "ml-25m: 7 ratings")
        pk = AuditEntry.objects.get(action="import").pk
        self.assertEqual(self.client.get("/admin/cinema/auditentry/add/").status_code, 403)
        self.assertEqual(self.client.post(f"/admin/cinema/auditentry/{pk}/delete/", {"post": "yes"}).status_code, 403)

    def test_work_at_the_terminal_says_so(self) -> None:
        call_command("reset_link", self.charlie.username, verbosity=0)
        self.assertEqual(self.entries(), [("reset-link", "terminal", "")])
