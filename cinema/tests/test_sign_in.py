from __future__ import annotations

from django.contrib.auth import get_user
from django.test import Client, TestCase, override_settings

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

    @override_settings(THROTTLE_RATES={"sign-in": 3})
    def test_it_stops_guessing_even_if_the_guess_is_right(self) -> None:
        for _ in range(3):
            self.assertEqual(self.post(password="wrong").status_code, 422)
        response = self.post()
        self.assertContains(response, "too many attempts", status_code=429)
        self.assertGreater(int(response["Retry-After"]), 0)
        self.assertEqual(self.post(username=" ALICE").status_code, 429)
        # Another name from here, and the same name from elsewhere, are not held up.
        self.assertEqual(self.post(username="bob").status_code, 422)
        elsewhere = Client(REMOTE_ADDR="192.0.2.7")
        self.assertEqual(
            elsewhere.post("/sign-in", {"username": "alice", "password": "correct horse"}).status_code, 302
        )

    @override_settings(THROTTLE_RATES={"sign-in": 1})
    def test_it_believes_no_forwarded_address(self) -> None:
        for number in range(3):
            response = self.client.post(
                "/sign-in",
                {"username": "alice", "password": "wrong"},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            )
        self.assertEqual(response.status_code, 429)

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
