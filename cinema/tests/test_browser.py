"""What only a browser shows: fragments that find their place, keys, and a policy that nothing violates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import Client

from cinema.models import ListControls, Rating, User
from recommender import registry
from recommender.tests.stored_versions import DRAMA_FAN, StoredVersionsMixin, make_catalogue, rate, store_version

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
class BrowserTestCase(StoredVersionsMixin, StaticLiveServerTestCase):
    def setUp(self) -> None:
        pytest.importorskip("playwright")
        super().setUp()
        make_catalogue()
        registry.activate(store_version())
        self.alice = User.objects.create_superuser("alice")
        rate(self.alice, DRAMA_FAN)

    @contextmanager
    def page(self, *, javascript: bool = True) -> Iterator[Page]:
        """A page of Alice's browser. Whatever the console complains of fails the test."""
        from playwright.sync_api import sync_playwright

        client = Client()
        client.force_login(self.alice)
        complaints: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            context = browser.new_context(java_script_enabled=javascript, reduced_motion="reduce")
            context.set_default_timeout(10_000)
            session = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": self.live_server_url}])
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            yield page
            browser.close()
        self.assertEqual(complaints, [])

    def values(self, movie_id: int) -> list[float]:
        return list(Rating.objects.filter(user=self.alice, movie_id=movie_id).values_list("value", flat=True))

    def test_a_click_on_a_star_is_learned_and_the_list_follows(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/")
            first = page.locator("#rail h3").inner_text()
            form = page.locator(".rate-card form").first
            form_id = form.get_attribute("id")
            with page.expect_response(f"{self.live_server_url}/"):  # the list asks for itself anew
                form.locator("input[value='0.5']").click()
            page.locator(f"#{form_id} .receipt", has_text="Learned in").wait_for()
            self.assertIn("0.5 stars. Learned in", page.locator("#announcement").inner_text())
            # By the keys, one step at a time, and the place is not lost.
            page.locator(f"#{form_id} input[value='0.5']").focus()
            for _ in range(3):
                page.keyboard.press("ArrowRight")
            page.locator(f"#{form_id} legend", has_text="You gave it 2.0").wait_for()
            self.assertEqual(page.evaluate("document.activeElement.value"), "2.0")
            page.locator(f"#{form_id} button[name=unrate]").click()
            page.locator(f"#{form_id} legend", has_text="Rate it").wait_for()
            self.assertEqual(page.locator(f"[id={form_id}]").count(), 1)
            page.locator("#rail h3", has_text=first).wait_for()
        self.assertEqual(self.values(int(str(form_id).removeprefix("rating-"))), [])

    def test_everything_works_without_javascript(self) -> None:
        with self.page(javascript=False) as page:
            page.goto(f"{self.live_server_url}/movies?search=Film+10")
            page.locator(".card a", has_text="Film 10").click()
            page.locator("#rating-110-9").check()
            page.get_by_role("button", name="Save").click()
            page.locator(".messages", has_text="You gave Film 10 4.5 stars").wait_for()
        self.assertEqual(self.values(110), [4.5])

    def test_the_list_follows_the_chosen_number_of_discoveries(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/")
            with page.expect_response(f"{self.live_server_url}/"):  # the list asks for itself anew
                page.locator("#discovery label", has_text="None").click()
            page.locator("#announcement", has_text="Discoveries in your lists: none.").wait_for(state="attached")
            # By the keys, and the place is not lost.
            with page.expect_response(f"{self.live_server_url}/"):
                page.keyboard.press("ArrowRight")
            page.locator("#announcement", has_text="Discoveries in your lists: 1.").wait_for(state="attached")
            self.assertEqual(page.evaluate("document.activeElement.value"), "1")
        self.alice.refresh_from_db()
        self.assertEqual(self.alice.discovery, 1)

    def test_discoveries_are_chosen_without_javascript(self) -> None:
        with self.page(javascript=False) as page:
            page.goto(f"{self.live_server_url}/my/ratings")
            page.locator("#discovery label", has_text="3").click()
            page.locator("#discovery").get_by_role("button", name="Save").click()
            page.locator(".messages", has_text="Discoveries in your lists: 3.").wait_for()
        self.alice.refresh_from_db()
        self.assertEqual(self.alice.discovery, 3)

    def test_a_slider_shows_its_price_while_it_moves_and_is_kept_on_request_alone(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/my/controls")
            page.locator("#id_diversity").focus()
            for _ in range(9):
                page.keyboard.press("ArrowRight")
            self.assertEqual(page.locator("#diversity-words").inner_text(), "as mixed as can be")
            page.locator("#diversity-price", has_text="By itself: Costs").wait_for()
            page.locator(".short-list .badge", has_text="new here").first.wait_for()
            self.assertEqual(page.evaluate("document.activeElement.id"), "id_diversity")
            self.assertIn("Costs", page.locator("#announcement").inner_text())
        self.assertFalse(ListControls.objects.exists())

    def test_controls_are_kept_reset_and_taken_back(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/my/controls")
            page.locator("#id_diversity").fill("0.9")
            page.get_by_role("button", name="Save").click()
            page.locator(".notice", has_text="follow these controls").wait_for()
            page.get_by_role("button", name="Reset").click()
            page.locator(".notice", has_text="as they are by themselves").wait_for()
            self.assertEqual(page.locator("#id_diversity").input_value(), "0")
            page.get_by_role("button", name="Undo").click()
            page.locator(".notice", has_text="follow these controls").wait_for()
            self.assertEqual(page.locator("#id_diversity").input_value(), "0.9")
        self.assertEqual(ListControls.objects.get().diversity, 0.9)

    def test_controls_and_what_if_work_without_javascript(self) -> None:
        with self.page(javascript=False) as page:
            page.goto(f"{self.live_server_url}/my/controls")
            page.locator("#id_recency").fill("1")
            page.get_by_role("button", name="Show").click()
            page.locator("#recency-words", has_text="as new as can be").wait_for()
            self.assertNotIn("token", page.url)
            page.get_by_role("button", name="Save").click()
            page.locator(".notice", has_text="follow these controls").wait_for()
            page.goto(f"{self.live_server_url}/my/what-if")
            page.locator("#film-10").select_option("0.5")
            page.get_by_role("button", name="Show").click()
            page.get_by_role("button", name="Apply this change").wait_for()
            self.assertTrue(page.url.endswith("/my/what-if?film-10=0.5"), page.url)
            page.get_by_role("button", name="Apply this change").click()
            page.locator(".notice", has_text="One rating changed").wait_for()
        self.assertEqual(self.values(10), [0.5])
        self.assertEqual(ListControls.objects.get().recency, 1.0)

    def test_the_list_moves_with_each_rating_that_is_tried(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/my/what-if")
            page.locator("#film-10").select_option("0.5")
            page.locator("#what-if-moves", has_text="Apply this change").wait_for()
            page.locator("#what-if-search").press_sequentially("film 50")
            page.locator("#film-510").select_option("5.0")
            page.locator("#what-if-moves", has_text="Apply these 2 changes").wait_for()
            address = page.url  # holds what was tried
        self.assertEqual((self.values(10), self.values(510)), ([5.0], []))
        with self.page() as page:
            page.goto(address)
            page.get_by_role("button", name="Apply these 2 changes").click()
            page.locator(".notice", has_text="2 ratings changed").wait_for()
        self.assertEqual((self.values(10), self.values(510)), ([0.5], [5.0]))

    def test_the_search_finds_while_one_types(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/movies")
            page.locator("#id_search").fill("42")
            page.locator("#results", has_text="1 film").wait_for()
            self.assertIn("search=42", page.url)
            page.locator("#id_genre").select_option("Drama")
            page.locator("#results", has_text="No film like that").wait_for()

    def test_the_chosen_theme_stays(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/movies")
            page.locator("[data-theme-toggle]").click()
            self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")
            page.goto(f"{self.live_server_url}/")
            self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")

    def test_no_page_violates_the_policy_or_is_wider_than_a_phone(self) -> None:
        label = registry.live().version
        paths = [
            "/",
            "/movies",
            "/movies/110",
            "/my/ratings",
            "/my/controls",
            "/my/what-if",
            "/training/",
            f"/models/{label}",
        ]
        admin = [
            "/admin/",
            "/admin/cinema/movie/",
            "/admin/cinema/movie/10/change/",
            "/admin/recommender/modelversion/",
        ]
        with self.page() as page:
            page.set_viewport_size({"width": 360, "height": 800})
            for path in paths:
                page.goto(self.live_server_url + path)
                self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 360, path)
            for path in admin:
                page.goto(self.live_server_url + path)
