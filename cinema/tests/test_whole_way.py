"""The whole way of a viewer, in a real browser: from the sign-up to the deletion of the account."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from cinema.models import HiddenMovie, Rating, User
from cinema.tests.browsers import InABrowser
from recommender.tests.stored_versions import make_crowd

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAME, PASSWORD = "newcomer", "a film for every evening"


class WholeWayTestCase(InABrowser):
    def setUp(self) -> None:
        super().setUp()
        make_crowd()

    def answer_questions(self, page: Page) -> None:
        """Five films are rated by the keys, one in between is not known."""
        page.goto(f"{self.live_server_url}/start")
        page.locator(".film-group").first.click()
        page.get_by_role("button", name="Show me films").click()
        page.wait_for_url("**/start/rate")
        title = page.locator("#question-title")
        for key in ("5", "n", "4", "1", "5"):
            asked = title.inner_text()
            page.keyboard.press(key)
            page.wait_for_function("asked => document.getElementById('question-title').innerText !== asked", arg=asked)
        page.keyboard.press("4")
        page.wait_for_url("**/start/list")

    def test_from_the_first_click_to_the_last(self) -> None:
        with self.page(anonymous=True) as page:
            # Sign up, say what one likes, and get a first list.
            page.goto(f"{self.live_server_url}/sign-up")
            page.fill("input[name=username]", NAME)
            page.fill("input[name=password1]", PASSWORD)
            page.fill("input[name=password2]", PASSWORD)
            page.get_by_role("button", name="Make it").click()
            page.wait_for_url("**/start*")
            self.answer_questions(page)

            # The list is there, and follows a rating.
            page.goto(f"{self.live_server_url}/")
            first = page.locator("#rail h3").inner_text()
            page.locator(".spotlight input[value='5.0']").click()
            page.wait_for_function("first => document.querySelector('#rail h3').innerText !== first", arg=first)

            # Why: a sum that adds up.
            page.locator(".spotlight a", has_text="See the whole sum").click()
            page.locator("#sum-title").wait_for()
            numbers = [
                float(text.replace("−", "-")) for text in page.locator(".breakdown tbody td.number").all_inner_texts()
            ]
            total = float(page.locator(".breakdown tfoot td.number").inner_text())
            self.assertAlmostEqual(sum(numbers), total, delta=0.01 * len(numbers))

            # Hide it from its page, take that back, hide another from its card, and take that back.
            title = page.locator("h1").inner_text().rsplit(" ", 1)[0]
            page.locator("#hide-menu summary").click()
            page.locator("#hide-film").click()
            page.locator("#unhide-button").click()
            page.locator("#hide-menu").wait_for()
            page.goto(f"{self.live_server_url}/")
            self.assertEqual(page.locator("#rail h3").inner_text(), title)
            card = page.locator("#for-you .card").first
            hidden = card.locator(".title").inner_text()
            card.hover()
            card.locator(".hide-card").click()
            page.locator(".undo-notice", has_text=hidden).wait_for()
            page.wait_for_function(
                "title => ![...document.querySelectorAll('#rails .title')].some(one => one.innerText === title)",
                arg=hidden,
            )
            page.locator("#undo-button").click()
            page.locator("#for-you .card .title", has_text=re.compile(f"^{re.escape(hidden)}$")).first.wait_for()

            # Take everything along, then leave nothing behind.
            page.goto(f"{self.live_server_url}/my/data")
            with page.expect_download() as download:
                page.locator("a[href$='export.json']").click()
            exported = json.loads(Path(str(download.value.path())).read_text())
            page.goto(f"{self.live_server_url}/my/account/delete")
            page.fill("input[name=password]", PASSWORD)
            page.fill("input[name=username]", NAME)
            page.locator("main form button").last.click()
            page.wait_for_url("**/account-deleted")
            page.goto(f"{self.live_server_url}/")
            page.get_by_role("link", name="Make an account").first.wait_for()
        self.assertEqual(len(exported["ratings"]), 6)
        self.assertEqual(exported["account"]["username"], NAME)
        self.assertFalse(User.objects.filter(username=NAME).exists())
        self.assertFalse(HiddenMovie.objects.exists())
        self.assertFalse(Rating.objects.exclude(user__source="crowd").exclude(user=self.alice).exists())
