"""Without a password, and without mail: the operator hands out a link."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any
from unittest import mock

from django.contrib.auth import get_user
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cinema import passwords
from cinema.models import AuditEntry, ResetRequest, User

NEW = "staple of another kind"


def link_for(name: str) -> str:
    out = io.StringIO()
    call_command("reset_link", name, "--site", "http://testserver/", stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


class ResetLinkTestCase(TestCase):
    def setUp(self) -> None:
        self.dora = User.objects.create_user("Dora", password="correct horse battery")

    def use(self, link: str, client: Client | None = None, **fields: str) -> Any:
        client = client or self.client
        page = client.get(link, follow=True)
        if page.status_code != 200:
            return page
        form = {"new_password1": NEW, "new_password2": NEW, **fields}
        return client.post(page.request["PATH_INFO"], form)

    def test_it_gives_a_new_password_once(self) -> None:
        elsewhere = Client()
        elsewhere.force_login(self.dora)
        link = link_for(" dora")
        self.assertRedirects(self.use(link), "/sign-in")
        self.dora.refresh_from_db()
        self.assertTrue(self.dora.check_password(NEW))
        self.assertEqual(elsewhere.get("/my/account").status_code, 302)
        self.assertFalse(get_user(self.client).is_authenticated)
        self.assertContains(self.use(link, Client()), "This link does not work", status_code=404)

    def test_the_token_leaves_the_address_before_anything_is_shown(self) -> None:
        token = link_for("dora").rsplit("/", 1)[1]
        page = self.client.get(link_for("dora"), follow=True)
        self.assertNotIn(token, page.request["PATH_INFO"])
        self.assertNotContains(page, token)
        self.assertEqual(page["Cache-Control"], "max-age=0, no-cache, no-store, must-revalidate, private")

    def test_it_is_over_after_a_day(self) -> None:
        link = link_for("dora")
        later = passwords.default_token_generator._now() + timedelta(hours=24, seconds=2)
        with mock.patch.object(passwords.default_token_generator, "_now", return_value=later):
            self.assertEqual(self.client.get(link).status_code, 404)

    def test_what_was_altered_does_not_work(self) -> None:
        link = link_for("dora")
        for other in (
            link[:-1],
            link.replace("/reset-password/", "/reset-password/x"),
            "/reset-password/MQ/set-password",
        ):
            self.assertEqual(self.client.get(other).status_code, 404, other)

    def test_it_asks_for_a_good_password(self) -> None:
        self.assertEqual(self.use(link_for("dora"), new_password1="short", new_password2="short").status_code, 422)

    def test_nobody_gets_one_for_who_cannot_sign_in(self) -> None:
        User.objects.create_user("gone", is_active=False)
        User.objects.create(username="demo:7", source="demo", source_id=7)
        for name in ("gone", "demo:7", "nobody", ""):
            with self.assertRaises(CommandError):
                link_for(name)

    def test_the_log_says_that_one_was_handed_out(self) -> None:
        self.use(link_for("dora"))
        self.assertEqual(
            list(AuditEntry.objects.order_by("pk").values_list("action", "role")),
            [("reset-link", "terminal"), ("password", "member")],
        )


class ForgottenPageTestCase(TestCase):
    def setUp(self) -> None:
        self.dora = User.objects.create_user("dora", password="correct horse battery")
        self.grace = User.objects.create_superuser("grace")

    def ask(self, name: str) -> Any:
        return self.client.post("/forgotten-password", {"username": name})

    def test_it_says_the_same_of_every_name(self) -> None:
        User.objects.create_user("gone", is_active=False)
        texts = {
            re.sub("nonce.*?>|csrf.*?>", "", self.ask(name).content.decode()) for name in ("dora", "nobody", "gone")
        }
        self.assertEqual(len(texts), 1)
        self.assertEqual(ResetRequest.objects.count(), 3)

    def test_it_does_the_same_work_for_every_name(self) -> None:
        self.ask("somebody")
        counts = []
        for name in ("dora", "nobody"):
            with CaptureQueriesContext(connection) as queries:
                self.ask(name)
            counts.append(len(queries))
        self.assertEqual(counts[0], counts[1])

    def test_asking_without_end_is_slowed_down_and_keeps_little(self) -> None:
        with self.settings(THROTTLE_RATES={"reset-request": 2}):
            self.assertEqual([self.ask("dora").status_code for _ in range(3)], [200, 200, 429])
        with mock.patch.object(passwords, "MAX_WAITING", 3):
            for number in range(6):
                passwords.ask_for_help(f"name {number}")
        self.assertEqual(ResetRequest.objects.count(), 3)
        ResetRequest.objects.update(asked_at=timezone.now() - timedelta(days=8))
        passwords.ask_for_help("\0 somebody " + "x" * 500)
        self.assertEqual(ResetRequest.objects.count(), 1)

    def test_staff_sees_who_asked_and_hands_out_a_link(self) -> None:
        self.ask("DORA")
        self.ask("nobody")
        self.client.force_login(self.grace)
        page = self.client.get("/admin/cinema/resetrequest/")
        self.assertContains(page, "none of this name")
        pks = list(ResetRequest.objects.values_list("pk", flat=True))
        answer = self.client.post(
            "/admin/cinema/resetrequest/", {"action": "hand_out_links", "_selected_action": pks}, follow=True
        )
        link = re.search(r"http://testserver(/reset-password/[^\s<]+)", answer.content.decode())
        assert link is not None
        self.assertContains(answer, "There is no account nobody.")
        self.assertContains(Client().get(link[1], follow=True), "Choose a new password")
        self.assertEqual(list(ResetRequest.objects.values_list("name", flat=True)), ["nobody"])

    def test_staff_gets_no_link_to_more_rights(self) -> None:
        from django.contrib.auth.models import Permission

        helper = User.objects.create_user("helper", is_staff=True)
        helper.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
        self.client.force_login(helper)
        form = {"action": "hand_out_links", "_selected_action": [self.grace.pk, self.dora.pk]}
        answer = self.client.post("/admin/cinema/user/", form, follow=True).content.decode()
        self.assertIn("You may not hand out a link for grace.", answer)
        self.assertEqual(len(re.findall("/reset-password/", answer)), 1)
