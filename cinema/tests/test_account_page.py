"""Password and API tokens, looked after by their owner."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from unittest import mock

from django.contrib.auth import get_user
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from cinema import tokens
from cinema.credentials import credentials_path, write_credentials
from cinema.models import AuditEntry, User
from cinema.tests.api_clients import ApiTestCase

OLD, NEW = "correct horse battery", "staple of another kind"


class AccountPageTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.dora = User.objects.create_user("dora", password=OLD)
        self.client.force_login(self.dora)

    def tearDown(self) -> None:
        credentials_path().unlink(missing_ok=True)

    def change(self, **fields: str) -> Any:
        form = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW, **fields}
        return self.client.post("/my/account/password", form)

    def new_token(self, days: str = "30") -> str:
        page = self.client.post("/my/account/tokens", {"days": days})
        found = re.search(r'class="token">([0-9a-f]{64})<', page.content.decode())
        assert found is not None, page.content.decode()[:500]
        return found[1]

    def who(self, token: str) -> int:
        return Client().get("/api/me", headers={"Authorization": f"Token {token}"}).status_code


class PasswordTestCase(AccountPageTestCase):
    def test_it_changes_the_password_and_ends_other_sessions(self) -> None:
        elsewhere = Client()
        elsewhere.force_login(self.dora)
        self.assertRedirects(self.change(), "/my/account")
        self.assertEqual(get_user(self.client), self.dora)
        self.assertEqual(elsewhere.get("/my/account").status_code, 302)
        self.dora.refresh_from_db()
        self.assertTrue(self.dora.check_password(NEW))
        self.assertEqual(AuditEntry.objects.filter(action="password", actor=self.dora, role="member").count(), 1)

    def test_it_wants_the_old_one_and_a_good_new_one(self) -> None:
        bad = (
            {"old_password": "wrong"}, {"new_password2": "other than the first"},
            {"new_password1": "short", "new_password2": "short"}, {"new_password1": "dora dora", "new_password2": ""},
        )  # fmt: skip
        for fields in bad:
            self.assertContains(self.change(**fields), "Change your password", status_code=422)
        self.dora.refresh_from_db()
        self.assertTrue(self.dora.check_password(OLD))

    def test_a_session_left_open_is_no_place_to_guess(self) -> None:
        with self.settings(THROTTLE_RATES={"password": 2}):
            codes = [self.change(old_password=f"guess {n}").status_code for n in range(2)]
            self.assertEqual([*codes, self.change().status_code], [422, 422, 429])

    def test_tokens_stay_unless_one_says_so(self) -> None:
        token = self.new_token()
        self.change()
        self.assertEqual(self.who(token), 200)
        self.change(old_password=NEW, new_password1=OLD, new_password2=OLD, revoke_tokens="on")
        self.assertEqual(self.who(token), 401)

    def test_hashes_are_argon2_outside_of_tests(self) -> None:
        from django.conf import settings as live
        from django.contrib.auth.hashers import get_hasher

        from cinema import settings

        self.assertNotEqual(live.PASSWORD_HASHERS, settings.PASSWORD_HASHERS)
        with self.settings(PASSWORD_HASHERS=settings.PASSWORD_HASHERS):
            self.assertEqual(get_hasher().algorithm, "argon2")
            self.dora.set_password(NEW)
            self.assertTrue(self.dora.password.startswith("argon2$argon2id$"))


class TokensTestCase(AccountPageTestCase):
    def test_a_token_is_shown_once_and_works_until_it_expires(self) -> None:
        token = self.new_token("30")
        self.assertEqual(self.who(token), 200)
        page = self.client.get("/my/account")
        self.assertContains(page, f"{token[:8]}…")
        self.assertNotContains(page, token)
        kept = AuthToken.objects.get(user=self.dora)
        self.assertNotIn(token, (kept.digest, kept.token_key))
        self.assertAlmostEqual((kept.expiry - timezone.now()) / timedelta(days=1), 30, places=2)
        with mock.patch("django.utils.timezone.now", return_value=timezone.now() + timedelta(days=31)):
            self.assertEqual(self.who(token), 401)

    def test_a_revoked_one_is_dead_at_once(self) -> None:
        token, other = self.new_token(), self.new_token()
        self.assertRedirects(self.client.post("/my/account/tokens/revoke", {"token": token[:15]}), "/my/account")
        self.assertEqual((self.who(token), self.who(other)), (401, 200))

    def test_nobody_revokes_somebody_elses(self) -> None:
        token = self.new_token()
        mallory = Client()
        mallory.force_login(self.charlie)
        for beginning in (token[:15], "", "\x00", "x" * 500):
            mallory.post("/my/account/tokens/revoke", {"token": beginning})
        self.assertEqual(self.who(token), 200)
        self.assertNotContains(mallory.get("/my/account"), token[:8])

    def test_there_is_an_end_to_tokens(self) -> None:
        with mock.patch.object(tokens, "MAX_TOKENS", 2):
            self.new_token(), self.new_token()
            self.assertContains(
                self.client.post("/my/account/tokens", {"days": "30"}), "Revoke one that", status_code=422
            )
            AuthToken.objects.filter(user=self.dora).update(expiry=timezone.now())
            self.new_token()
        self.assertEqual(AuthToken.objects.filter(user=self.dora).count(), 1)

    def test_they_live_as_long_as_was_offered(self) -> None:
        for days in ("0", "-1", "100000", "", "nan"):
            self.assertEqual(self.client.post("/my/account/tokens", {"days": days}).status_code, 422, days)


class CredentialsFileTestCase(AccountPageTestCase):
    """var/credentials.json holds what is valid and nothing else."""

    def setUp(self) -> None:
        super().setUp()
        self.token = self.new_token()
        self.first = {
            "admin": {"username": "root", "password": "something else", "token": "abc"},
            "viewer": {"username": "dora", "password": OLD, "token": self.token},
        }
        write_credentials(self.first)

    def kept(self) -> Any:
        return json.loads(credentials_path().read_text())

    def test_the_first_password_vanishes_with_the_first_change(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.change()
        self.assertEqual(self.kept()["viewer"], {"username": "dora", "token": self.token})
        self.assertEqual(self.kept()["admin"], self.first["admin"])
        self.assertEqual(credentials_path().stat().st_mode & 0o777, 0o600)

    def test_it_vanishes_whoever_changes_it_and_wherever(self) -> None:
        with self.captureOnCommitCallbacks(execute=True), mock.patch("getpass.getpass", return_value=NEW):
            call_command("changepassword", "dora", stdout=mock.Mock(), stderr=mock.Mock())
        self.assertNotIn("password", self.kept()["viewer"])

    def test_one_that_is_still_valid_stays(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.change(old_password="wrong")
            self.dora.save()
        self.assertEqual(self.kept(), self.first)

    def test_a_revoked_token_vanishes_too(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post("/my/account/tokens/revoke", {"token": self.token[:15]})
        self.assertEqual(self.kept()["viewer"], {"username": "dora", "password": OLD})

    def test_a_file_that_is_gone_or_broken_hinders_nothing(self) -> None:
        for text in (None, "", "[1]", '{"a": 3}'):
            with self.subTest(text=text), self.captureOnCommitCallbacks(execute=True):
                if text is None:
                    credentials_path().unlink()
                else:
                    credentials_path().write_text(text)
                self.dora.set_password(OLD)
                self.dora.save()
                self.assertEqual(self.change().status_code, 302)
