from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth import get_user
from django.test import Client, TestCase, override_settings
from django.utils import timezone

from cinema.models import User


class SignInTestCase(TestCase):
    def setUp(self) -> None:
        self.alice = User.objects.create_user("alice", password="correct horse")

    def post(self, username: str = "alice", password: str = "correct horse", **extra: str):
        return self.client.post("/sign-in", {"username": username, "password": password, **extra})

    def test_it_works(self) -> None:
        self.assertContains(self.client.get("/sign-in"), "Sign in")
        self.assertRedirects(self.post(), "/")
        self.assertEqual(get_user(self.client), self.alice)

    def test_it_leads_to_where_one_wanted_to_go(self) -> None:
        page = self.client.get("/sign-in?next=/my/ratings")
        self.assertContains(page, '<input type="hidden" name="next" value="/my/ratings">')
        self.assertRedirects(self.post(next="/my/ratings"), "/my/ratings")

    def test_it_leads_nobody_off_the_site(self) -> None:
        for target in ("//evil.example", "https://evil.example", "/\\evil.example", "https:evil.example"):
            self.assertRedirects(self.post(next=target), "/", msg_prefix=target)
            self.assertNotContains(Client().get("/sign-in", {"next": target}), "evil.example")

    def test_it_says_the_same_of_every_name(self) -> None:
        User.objects.create_user("gone", password="correct horse", is_active=False)
        imported = User.objects.create(username="demo:7", source="demo", source_id=7, is_active=False)
        imported.set_unusable_password()
        imported.save()
        bodies = set()
        for name in ("alice", "nobody", "gone", "demo:7"):
            response = self.post(username=name, password="wrong" if name == "alice" else "correct horse")
            self.assertEqual(response.status_code, 422)
            body = response.content.decode()
            bodies.add(body[body.index('role="alert"') : body.index('<form class="stack"')])
            self.assertFalse(get_user(self.client).is_authenticated)
        self.assertEqual(len(bodies), 1)

    def elsewhere(self, address: str, password: str = "correct horse") -> int:
        answer = Client(REMOTE_ADDR=address).post("/sign-in", {"username": "alice", "password": password})
        return answer.status_code

    def shut_the_door(self) -> None:
        codes = [self.post(password=f"wrong {number}").status_code for number in range(5)]
        self.assertEqual(codes, [422, 422, 422, 422, 429])

    def test_it_stops_guessing_even_if_the_guess_is_right(self) -> None:
        self.shut_the_door()
        right, wrong = self.post(), self.post(password="wrong")
        self.assertContains(right, "too many attempts", status_code=429)
        self.assertIn(int(right["Retry-After"]), range(14 * 60, 15 * 60 + 2))
        self.assertFalse(get_user(self.client).is_authenticated)
        self.assertEqual(self.without_seconds(right), self.without_seconds(wrong))
        self.assertEqual(self.post(username=" ALICE").status_code, 429)
        # Another name from here, and the same name from elsewhere, are not held up.
        self.assertEqual(self.post(username="bob").status_code, 422)
        self.assertEqual(self.elsewhere("192.0.2.7"), 302)

    def without_seconds(self, response: Any) -> str:
        return re.sub(r"in \d+ seconds", "", response.content.decode())

    def test_names_that_do_not_exist_are_locked_out_alike(self) -> None:
        codes = [self.post(username="nobody", password=f"{number}").status_code for number in range(6)]
        self.assertEqual(codes, [422, 422, 422, 422, 429, 429])

    def test_the_door_opens_again_after_a_quarter_of_an_hour(self) -> None:
        self.shut_the_door()
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=50))
        self.assertEqual(self.post().status_code, 429)
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
        self.assertRedirects(self.post(), "/")

    def test_trying_at_a_shut_door_keeps_it_shut_no_longer(self) -> None:
        self.shut_the_door()
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=10))
        self.assertIn(int(self.post()["Retry-After"]), range(4 * 60, 5 * 60 + 2))

    def test_a_right_password_forgives_the_wrong_ones_before(self) -> None:
        for _ in range(2):
            for number in range(4):
                self.assertEqual(self.post(password=f"wrong {number}").status_code, 422)
            self.assertEqual(self.post().status_code, 302)
            self.client.logout()

    def test_it_believes_no_forwarded_address(self) -> None:
        codes = [
            self.client.post(
                "/sign-in",
                {"username": "alice", "password": "wrong"},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            ).status_code
            for number in range(6)
        ]
        self.assertEqual(codes, [422, 422, 422, 422, 429, 429])

    @override_settings(TRUSTED_PROXIES=1)
    def test_it_believes_its_own_proxy_and_no_further(self) -> None:
        for number in range(6):
            response = self.client.post(
                "/sign-in",
                {"username": "alice", "password": "wrong"},
                headers={"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.1"},
            )
        self.assertEqual(response.status_code, 429)
        form = {"username": "alice", "password": "correct horse"}
        self.assertEqual(self.client.post("/sign-in", form, headers={"X-Forwarded-For": "192.0.2.2"}).status_code, 302)

    @override_settings(THROTTLE_RATES={"sign-in": 100, "sign-in-name": 6})
    def test_guessing_from_many_addresses_is_slowed_down_by_name(self) -> None:
        codes = [self.elsewhere(f"192.0.2.{number}", "wrong") for number in range(8)]
        self.assertEqual(codes, [422] * 6 + [429] * 2)

    @override_settings(THROTTLE_RATES={"sign-in": 6, "sign-in-name": 100})
    def test_guessing_many_names_is_slowed_down_by_address(self) -> None:
        codes = [self.post(username=f"name {number}", password="wrong").status_code for number in range(8)]
        self.assertEqual(codes, [422] * 6 + [429] * 2)

    def test_no_attempt_keeps_a_password(self) -> None:
        self.post(password="hunter2 of all things")
        attempt = AccessAttempt.objects.get()
        self.assertNotIn("hunter2", attempt.post_data + attempt.get_data)

    def test_it_gives_a_new_session(self) -> None:
        self.client.get("/")
        self.client.session["x"] = 1
        session = self.client.session
        session.save()
        before = session.session_key
        self.post()
        self.assertNotEqual(self.client.session.session_key, before)

    def test_it_demands_the_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        response = client.post("/sign-in", {"username": "alice", "password": "correct horse"})
        self.assertEqual(response.status_code, 403)

    def test_it_survives_odd_names(self) -> None:
        for name in ("", "x" * 5000, "a\x00b", "<script>", "\u202e"):
            self.assertEqual(self.post(username=name).status_code, 422, name[:10])

    def test_it_sends_on_whoever_is_signed_in(self) -> None:
        self.client.force_login(self.alice)
        self.assertRedirects(self.client.get("/sign-in?next=/my/ratings"), "/my/ratings")


class SignOutTestCase(TestCase):
    def setUp(self) -> None:
        self.client.force_login(User.objects.create_user("alice"))

    def test_it_works(self) -> None:
        old = self.client.cookies["sessionid"].value
        self.assertRedirects(self.client.post("/sign-out"), "/")
        self.assertFalse(get_user(self.client).is_authenticated)
        self.client.cookies["sessionid"] = old
        self.assertFalse(get_user(self.client).is_authenticated)

    def test_it_rejects_get(self) -> None:
        self.assertEqual(self.client.get("/sign-out").status_code, 405)
        self.assertTrue(get_user(self.client).is_authenticated)


class AdminSignInTestCase(TestCase):
    """The admin has no door of its own."""

    def test_it_sends_strangers_to_the_one_sign_in(self) -> None:
        response = self.client.get("/admin/", follow=True)
        self.assertEqual(response.redirect_chain[-1][0], "/sign-in?next=%2Fadmin%2F")

    def test_it_refuses_viewers(self) -> None:
        self.client.force_login(User.objects.create_user("alice"))
        self.assertEqual(self.client.get("/admin/", follow=True).status_code, 403)

    def test_it_takes_no_password(self) -> None:
        User.objects.create_superuser("grace", password="correct horse")
        response = self.client.post("/admin/login/", {"username": "grace", "password": "correct horse"})
        self.assertEqual(response.status_code, 405)
        self.assertFalse(get_user(self.client).is_authenticated)

    def test_it_lets_staff_in(self) -> None:
        self.client.force_login(User.objects.create_superuser("grace"))
        self.assertContains(self.client.get("/admin/"), "Administration")
        self.assertRedirects(self.client.get("/admin", follow=False), "/admin/")
