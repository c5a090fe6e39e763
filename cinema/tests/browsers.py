"""A real Chromium, in which somebody is signed in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import pytest
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import Client

from cinema.models import User
from recommender import registry
from recommender.tests.stored_versions import DRAMA_FAN, StoredVersionsMixin, make_catalogue, rate, store_version

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# What reaches beyond the right edge of a window that has grown wider than it should, innermost last.
_STICKING_OUT = """width => document.documentElement.scrollWidth <= width ? [] :
    [...document.querySelectorAll("body *")].filter(element => element.getBoundingClientRect().right > width)
    .slice(0, 8).map(element => `${element.tagName}.${element.className} ${element.textContent.trim().slice(0, 40)}`)"""


# What htmx writes to the console, in this order, of a request that a newer one took the place of: ``hx-sync`` with
# ``replace`` asks for it, so it is no fault. One that failed says another second line.
_REPLACED = ("htmx:afterRequest", "htmx:sendAbort")


def faults(complaints: list[str]) -> list[str]:
    """What the console complained of, without the requests that were meant to give way to a newer one."""
    kept: list[str] = []
    for complaint in complaints:
        if kept and kept[-1].startswith(_REPLACED[0]) and complaint.startswith(_REPLACED[1]):
            kept.pop()
        else:
            kept.append(complaint)
    return kept


def sticking_out(page: Page, width: int) -> list[str]:
    """The elements that make a page wider than ``width``, for it not to scroll sideways; the fonts that a machine has
    decide, too."""
    found: list[str] = page.evaluate(_STICKING_OUT, width)
    return found


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
class InABrowser(StoredVersionsMixin, StaticLiveServerTestCase):
    def setUp(self) -> None:
        pytest.importorskip("playwright")
        super().setUp()
        make_catalogue()
        registry.activate(store_version())
        self.alice = User.objects.create_superuser("alice")
        rate(self.alice, DRAMA_FAN)

    @contextmanager
    def page(
        self,
        *,
        javascript: bool = True,
        user: User | None = None,
        anonymous: bool = False,
        theme: Literal["dark", "light"] = "dark",
        width: int = 1280,
    ) -> Iterator[Page]:
        """A page of Alice's browser, or of somebody else's. Whatever the console complains of fails the test."""
        from playwright.sync_api import sync_playwright

        client = Client()
        if not anonymous:
            client.force_login(user or self.alice)
        complaints: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            context = browser.new_context(
                java_script_enabled=javascript,
                reduced_motion="reduce",
                color_scheme=theme,
                viewport={"width": width, "height": 900},
                accept_downloads=True,
            )
            context.set_default_timeout(10_000)
            if not anonymous:
                session = client.cookies["sessionid"].value
                context.add_cookies([{"name": "sessionid", "value": session, "url": self.live_server_url}])
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            yield page
            browser.close()
        self.assertEqual(faults(complaints), [])
