from __future__ import annotations

from datetime import timedelta
from http.cookies import Morsel
from typing import Any

from django.test import Client, override_settings
from django.utils import timezone

from cinema import nights
from cinema.models import Night, NightParticipant, NightPick, NightVeto
from cinema.tests.test_night_pages import NightTestCase


class DoorsTestCase(NightTestCase):
    """Who gets in where."""

    def inside(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [
            ("GET", "", {}),
            ("GET", "/ratings", {}),
            ("POST", "/ratings", {}),
            ("POST", "/veto", {"movie": 10}),
            ("POST", "/watched", {"movie": 10}),
            ("POST", "/leave", {}),
            ("POST", "/seen", {"allow": "1"}),
            ("POST", "/remove", {"participant": self.ben.pk}),
            ("POST", "/close", {}),
        ]

    def strangers(self) -> dict[str, Client]:
        charlie, staff, elsewhere = Client(), Client(), Client()
        charlie.force_login(self.charlie)
        staff.force_login(self.staff)
        other = nights.open_night(host=self.charlie, name="Charlie")
        elsewhere.post(f"/night/join/{other.token}", {"name": "Eve"})
        # The cookie of another room, under this one's name.
        stolen: Morsel[str] = elsewhere.cookies[f"night-{other.pk}"]
        elsewhere.cookies[f"night-{self.night.pk}"] = stolen.value
        forged = Client()
        forged.cookies[f"night-{self.night.pk}"] = f"{self.participant('Ana').guest_key}:x:y"
        empty = Client()
        empty.cookies[f"night-{self.night.pk}"] = ""
        return {
            "Charlie": charlie,
            "staff": staff,
            "anonymous": Client(),
            "elsewhere": elsewhere,
            "forged": forged,
            "empty": empty,
        }

    def test_strangers_find_no_room(self) -> None:
        before = Night.objects.values().get(pk=self.night.pk)
        for name, client in self.strangers().items():
            for method, path, data in self.inside():
                response = (
                    client.generic(method, self.url + path) if method == "GET" else client.post(self.url + path, data)
                )
                self.assertEqual(response.status_code, 404, (name, method, path))
                none = (
                    client.get("/night/99999999999999999999")
                    if method == "GET"
                    else client.post(f"/night/99999{path}", data)
                )
                self.assertEqual((none.status_code, none.content), (404, response.content), (name, path))
        self.assertEqual(Night.objects.values().get(pk=self.night.pk), before)
        self.assertFalse(NightVeto.objects.exists() or NightPick.objects.exists())

    def test_strangers_see_the_join_page_with_a_valid_link_alone(self) -> None:
        for name, client in self.strangers().items():
            response = client.get(self.link)
            self.assertContains(response, "You are invited", msg_prefix=name)
            self.assertContains(response, "Ana")
            self.assertNotContains(response, "Ben")
            self.assertContains(response, "Never your other ratings")
            self.assertEqual(client.get(f"{self.link}x").status_code, 404)
            self.assertEqual(client.get("/night/join/x").status_code, 404)

    def test_what_is_the_hosts_is_the_hosts_alone(self) -> None:
        for client in (self.bobs, self.guest()):
            for path in ("seen", "remove", "close"):
                response = client.post(f"{self.url}/{path}", {"participant": self.participant("Ana").pk})
                self.assertEqual(response.status_code, 404)
        self.assertEqual(NightParticipant.objects.count(), 3)

    def test_an_expired_room_is_gone_for_everybody(self) -> None:
        guest = self.guest()
        Night.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        for client in (self.client, self.bobs, guest):
            self.assertEqual(client.get(self.url).status_code, 404)
            self.assertEqual(client.get(self.link).status_code, 404)
        # Whoever came first has deleted it.
        self.assertFalse(Night.objects.exists())

    def test_every_change_demands_the_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        for method, path, data in self.inside():
            if method == "POST":
                self.assertEqual(client.post(self.url + path, data).status_code, 403, path)
        for path in ("/night/open", "/night/code", self.link):
            self.assertEqual(client.post(path, {"name": "x", "code": self.night.code}).status_code, 403, path)
        self.assertEqual(Night.objects.count(), 1)

    def test_what_changes_something_rejects_get(self) -> None:
        for path in ("veto", "watched", "leave", "seen", "remove", "close"):
            self.assertEqual(self.client.get(f"{self.url}/{path}").status_code, 405, path)
        self.assertEqual(self.client.post(self.url).status_code, 405)

    def test_an_account_opens_a_room(self) -> None:
        response = self.client.post("/night/open", {"name": " Ana  Maria "})
        night = Night.objects.latest("pk")
        self.assertRedirects(response, f"/night/{night.pk}")
        self.assertEqual(night.participants.get().name, "Ana Maria")
        self.assertRedirects(Client().post("/night/open", {"name": "x"}), "/sign-in?next=%2F")

    def test_a_name_is_some_letters(self) -> None:
        for name in ("", "   ", "x" * 41, "\u200b", "a\u202eb", "...", "a\x00b"):
            response = self.client.post("/night/open", {"name": name})
            self.assertEqual(response.status_code, 422, repr(name))
            self.assertEqual(Client().post(self.link, {"name": name}).status_code, 422, repr(name))
        self.assertEqual(Night.objects.count(), 1)

    def test_a_code_leads_to_the_join_page_however_it_is_typed(self) -> None:
        code = self.night.code
        for typed in (code, code.lower(), f" {code[:3]}-{code[3:]} "):
            self.assertRedirects(Client().post("/night/code", {"code": typed}), self.link)

    def test_a_wrong_code_and_a_closed_room_answer_the_same(self) -> None:
        code, client = self.night.code, Client(headers={"User-Agent": "x"})
        wrong = client.post("/night/code", {"code": "222222" if code != "222222" else "333333"})
        self.client.post(f"{self.url}/close")
        closed = client.post("/night/code", {"code": code})
        self.assertContains(wrong, "No open room has this code", status_code=422)
        self.assertContains(closed, "No open room has this code", status_code=422)
        for typed in ("", "x", "<b>", "ABCDEF7", "\x00", "é" * 20):
            self.assertEqual(client.post("/night/code", {"code": typed}).status_code, 422, typed)

    @override_settings(THROTTLE_RATES={"night-code": 3})
    def test_codes_cannot_be_tried_out(self) -> None:
        for _ in range(3):
            Client().post("/night/code", {"code": "222222"})
        response = Client().post("/night/code", {"code": self.night.code})
        self.assertContains(response, "Slow down", status_code=429)

    def test_a_guest_comes_in_with_a_cookie_of_the_room(self) -> None:
        client = Client()
        response = client.post(self.link, {"name": "Gus"})
        self.assertRedirects(response, f"{self.url}/ratings")
        cookie = response.cookies[f"night-{self.night.pk}"]
        self.assertEqual((cookie["path"], cookie["samesite"]), ("/night", "Lax"))
        self.assertTrue(cookie["httponly"])
        self.assertEqual(client.get(self.url).status_code, 200)
        self.assertRedirects(client.get(self.link), self.url)
        self.assertNotContains(self.client.get(self.url), self.participant("Gus").guest_key)

    def test_an_account_comes_in_with_its_ratings(self) -> None:
        client = Client()
        client.force_login(self.charlie)
        self.assertContains(client.get(self.link), 'value="charlie"')
        self.assertRedirects(client.post(self.link, {"name": "Charlie"}), self.url)
        self.assertEqual(self.participant("Charlie").user, self.charlie)
        self.assertContains(client.get("/night"), self.url)

    def test_a_name_that_is_taken_and_a_full_room_are_said(self) -> None:
        self.assertContains(Client().post(self.link, {"name": "ben"}), "has this name", status_code=422)
        for number in range(6):
            nights.join_night(night=self.night, name=f"Guest {number}", user=None)
        self.assertContains(Client().post(self.link, {"name": "Gus"}), "The room is full", status_code=422)

    def test_the_first_page_works_for_everybody(self) -> None:
        self.assertContains(Client().get("/night"), "Opening a room takes an account")
        page = self.client.get("/night")
        self.assertContains(page, self.url)
        self.assertContains(page, 'value="alice"')
