"""A movie night in browsers: two people at once, keys alone, no JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import Client

from cinema.models import NightRating, NightVeto, User
from cinema.nights import join_night, open_night
from cinema.tests.browsers import CHROMIUM, sticking_out
from recommender import registry
from recommender.tests.stored_versions import DRAMA_FAN, StoredVersionsMixin, make_catalogue, rate, store_version

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
class NightBrowserTestCase(StoredVersionsMixin, StaticLiveServerTestCase):
    def setUp(self) -> None:
        pytest.importorskip("playwright")
        super().setUp()
        make_catalogue()
        registry.activate(store_version())
        self.alice = User.objects.create_user("alice")
        rate(self.alice, DRAMA_FAN)
        self.night = open_night(host=self.alice, name="Ana")
        self.url = f"{self.live_server_url}/night/{self.night.pk}"
        client = Client()
        client.force_login(self.alice)
        self.alices_session = client.cookies["sessionid"].value
        self.complaints: list[str] = []

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            yield browser
            browser.close()
        self.assertEqual(self.complaints, [])

    def page(self, browser: Browser, *, is_alice: bool = False, javascript: bool = True, width: int = 1200) -> Page:
        """A page of somebody's own browser. Whatever the console complains of fails the test."""
        context = browser.new_context(
            java_script_enabled=javascript, reduced_motion="reduce", viewport={"width": width, "height": 800}
        )
        context.set_default_timeout(10_000)
        if is_alice:
            cookie = {"name": "sessionid", "value": self.alices_session, "url": self.live_server_url}
            context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def test_the_hosts_page_follows_what_a_guest_does(self) -> None:
        with self.browser() as browser:
            host, guest = self.page(browser, is_alice=True), self.page(browser)
            host.goto(self.url)
            guest.goto(host.input_value("#invitation"))
            guest.fill("#id_name", "Gus")
            guest.get_by_role("button", name="Come in as a guest").click()
            host.locator(".night-people", has_text="Gus").first.wait_for()
            host.locator("#announcement", has_text="The room has changed.").wait_for(state="attached")
            for number in range(6):
                guest.locator(".star-input").nth(number).locator("input[value='4.0']").check()
            guest.get_by_role("button", name="Save and see the list").click()
            guest.locator(".messages", has_text="6 ratings of yours").wait_for()
            # By the keys: the veto, and the place is not lost.
            veto = guest.get_by_role("button", name="Veto").first
            veto.focus()
            guest.keyboard.press("Enter")
            guest.locator(".notice", has_text="You have 1 veto left.").wait_for()
            self.assertEqual(guest.evaluate("document.activeElement.textContent"), "Undo")
            host.locator("section", has=host.locator("#veto-title")).locator("bdi", has_text="Gus").wait_for()
            guest.keyboard.press("Enter")
            guest.locator("#announcement", has_text="back").wait_for(state="attached")
            host.locator("section", has=host.locator("#veto-title")).locator("bdi").wait_for(state="detached")
        self.assertFalse(NightVeto.objects.exists())

    def test_everything_works_without_javascript(self) -> None:
        with self.browser() as browser:
            guest = self.page(browser, javascript=False)
            guest.goto(f"{self.live_server_url}/night")
            guest.fill("#id_code", self.night.code.lower())
            guest.get_by_role("button", name="Find the room").click()
            guest.fill("#id_name", "Gus")
            guest.get_by_role("button", name="Come in as a guest").click()
            guest.locator(".star-input").first.locator("input").first.focus()
            for _ in range(7):
                guest.keyboard.press("ArrowRight")
            guest.keyboard.press("Enter")
            guest.locator(".messages", has_text="1 rating of yours").wait_for()
            guest.get_by_role("button", name="Veto").first.click()
            guest.locator(".messages", has_text="You have 1 veto left.").wait_for()
            guest.get_by_role("button", name="Take back").click()
            guest.get_by_role("button", name="We watched it").first.click()
            guest.get_by_role("button", name="Not watched").click()
            guest.get_by_text("Leave the room").click()
            guest.get_by_role("button", name="Leave").click()
            guest.locator(".messages", has_text="You left the room").wait_for()
        self.assertFalse(NightRating.objects.exists())

    def test_no_page_violates_the_policy_or_is_wider_than_a_phone(self) -> None:
        join_night(night=self.night, name="A guest of a very long name indeed, sir", user=None)
        with self.browser() as browser:
            page = self.page(browser, is_alice=True, width=360)
            stranger = self.page(browser, width=360)
            paths = [f"/night/join/{self.night.token}", "/night", f"/night/{self.night.pk}"]
            for visitor, path in [(page, "/night"), (page, paths[2]), (stranger, paths[0]), (stranger, paths[1])]:
                visitor.goto(self.live_server_url + path)
                self.assertEqual(sticking_out(visitor, 360), [], path)
            stranger.goto(self.live_server_url + paths[0])
            stranger.fill("#id_name", "Another guest of a very long name too")
            stranger.get_by_role("button", name="Come in as a guest").click()
            stranger.locator(".star-input").first.wait_for()
            self.assertEqual(sticking_out(stranger, 360), [])
