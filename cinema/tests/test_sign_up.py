from __future__ import annotations

from unittest import mock

from django.contrib.auth import get_user
from django.db import IntegrityError
from django.test import TestCase, override_settings

from cinema.models import User

PASSWORD = "projector-amber-9"


class SignUpTestCase(TestCase):
    def post(self, username: str = "alice", password1: str = PASSWORD, password2: str | None = None, **extra: str):
        values = {"username": username, "password1": password1, "password2": password2 or password1, **extra}
        return self.client.post("/sign-up", values)

    def assert_refused(self, response, message: str) -> None:
        self.assertContains(response, message, status_code=422)
        self.assertFalse(get_user(self.client).is_authenticated)

    def test_it_works(self) -> None:
        self.assertContains(self.client.get("/sign-up"), "Make an account")
        self.assertRedirects(self.post(), "/start", fetch_redirect_response=False)
        user = get_user(self.client)
        self.assertEqual((user.username, user.is_staff, user.is_superuser), ("alice", False, False))
        self.assertContains(self.client.get("/"), "Welcome, alice")

    def test_it_gives_nobody_more_than_a_name(self) -> None:
        self.post(is_staff="on", is_superuser="on", source="demo", source_id="7", is_active="")
        user = User.objects.get()
        self.assertEqual((user.is_staff, user.is_superuser, user.is_imported), (False, False, False))

    def test_it_refuses_the_names_of_imported_people(self) -> None:
        self.assert_refused(self.post(username="demo:7"), "Enter a valid username")

    def test_it_refuses_a_name_that_is_taken_in_any_case(self) -> None:
        User.objects.create_user("Alice")
        self.assert_refused(self.post(username="alice"), "This name is taken")

    def test_it_refuses_a_name_that_was_taken_at_the_same_moment(self) -> None:
        with mock.patch.object(User, "save", side_effect=IntegrityError):
            self.assert_refused(self.post(), "This name is taken")

    def test_it_refuses_weak_passwords(self) -> None:
        self.assert_refused(self.post(password1="short"), "at least 10 characters")
        self.assert_refused(self.post(password1="1234567890"), "entirely numeric")
        self.assert_refused(self.post(username="projector", password1="projector1"), "too similar")
        self.assert_refused(self.post(password1="password123"), "too common")
        self.assert_refused(self.post(password2="another"), "match")

    def test_it_refuses_odd_names(self) -> None:
        for name in ("", "x" * 151, "a b", "a\x00b", "<script>alert(1)</script>"):
            response = self.post(username=name)
            self.assertEqual(response.status_code, 422, name[:10])
            self.assertNotContains(response, "<script>alert", status_code=422)

    @override_settings(THROTTLE_RATES={"sign-up": 2})
    def test_it_makes_few_accounts_a_minute(self) -> None:
        self.assertEqual([self.post(username=f"p{i}").status_code for i in range(3)], [302, 302, 429])
        self.assertEqual(User.objects.count(), 2)

    def test_it_leads_to_where_one_wanted_to_go_on_this_site(self) -> None:
        self.assertRedirects(self.post(next="/movies"), "/movies")
        self.assertRedirects(self.post(username="bob", next="//evil.example"), "/start", fetch_redirect_response=False)
