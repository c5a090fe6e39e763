"""Every page by axe, in both themes: nothing that a screen reader or weak eyes would stumble over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

from cinema.library import hide_movie, put_on_shelf
from cinema.models import Movie, ShelfEntry
from cinema.nights import open_night
from cinema.reviews import write_review
from cinema.tests.browsers import InABrowser
from mlops.tests.control_room import control_room_pages
from mlops.tests.small_searches import a_search, a_trial
from recommender import registry

if TYPE_CHECKING:
    from playwright.sync_api import Page

SERIOUS = {"serious", "critical"}
PUBLIC = [
    "/",
    "/movies",
    "/movies/60",
    "/statistics",
    "/sign-in",
    "/sign-up",
    "/forgotten-password",
    "/account-deleted",
]
OWN = [
    "/",
    "/rails/for-you",
    "/rails/popular",
    "/movies/60",
    "/movies/10",
    "/my/ratings",
    "/my/watchlist",
    "/my/hidden",
    "/my/reviews",
    "/movies/60/reviews",
    "/my/taste",
    "/my/year",
    "/night",
    "/my/controls",
    "/my/what-if",
    "/my/data",
    "/my/data/import",
    "/my/account",
    "/my/account/delete",
    "/start?groups",
    "/start/rate",
    "/start/list",
]
STAFF = [
    "/training/",
    "/training/runs",
    "/training/runs/new",
    "/training/searches",
    "/training/compare",
    "/training/gate",
    "/training/timeline?at=2026-01-01T00:00",
    "/training/retention",
    "/training/schedules",
    "/training/health",
    "/training/health/thresholds",
]


class AccessibilityTestCase(InABrowser):
    def trouble(self, page: Page, path: str) -> list[str]:
        axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        page.goto(self.live_server_url + path)
        found: list[dict[str, Any]] = axe.run(page).response["violations"]
        return [
            f"{path}: {violation['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for violation in found
            if violation["impact"] in SERIOUS
            for node in violation["nodes"][:3]
        ]

    def check(self, theme: Literal["dark", "light"]) -> None:
        trouble: list[str] = []
        with self.page(theme=theme, anonymous=True) as page:
            for path in PUBLIC:
                trouble += self.trouble(page, path)
        version = registry.live().version
        film = Movie.objects.get(pk=50)
        hide_movie(user=self.alice, movie=film)
        put_on_shelf(user=self.alice, movie=film, shelf=ShelfEntry.Shelf.WATCHLIST)
        night = open_night(host=self.alice, name="Ana")
        write_review(user=self.alice, movie=film, text="Good.", has_spoilers=False)
        search = a_search(importances={"n_factors": 0.7, "learning_rate": 0.3})
        for number, state in enumerate(("complete", "complete", "pruned", "failed")):
            a_trial(search, 0.9 - number / 50, state, n_factors=50 + number)
        staff = [*STAFF, f"/models/{version}", f"/training/searches/{search.pk}", *control_room_pages()]
        with self.page(theme=theme) as page:
            for path in [*OWN, *staff, f"/night/{night.pk}"]:
                trouble += self.trouble(page, path)
        self.assertEqual(trouble, [])

    def test_dark_pages_have_nothing_serious(self) -> None:
        self.check("dark")

    def test_light_pages_have_nothing_serious(self) -> None:
        self.check("light")
