"""An experiment in a real Chromium: planned by keyboard, started, seen at work, ended."""

from __future__ import annotations

from cinema.tests.browsers import InABrowser
from mlops.engagement_log import log
from recommender import arms
from recommender.tests.running_experiments import another_model, loaded
from recommender.tests.stored_versions import store_version


class ExperimentBrowserTestCase(InABrowser):
    def test_from_a_plan_to_what_it_found(self) -> None:
        from playwright.sync_api import expect

        newer = store_version(another_model())
        self.addCleanup(log.forget)
        with self.page() as page:
            page.goto(f"{self.live_server_url}/training/experiments")
            page.get_by_label("What is asked").fill("Is the newer one better?")
            page.keyboard.press("Tab")
            expect(page.get_by_label("Mix two versions in each list")).to_be_focused()
            page.locator("select[name=B-version]").select_option(newer.label)
            page.get_by_role("button", name="Plan it").press("Enter")
            expect(page.get_by_role("heading", name="Is the newer one better?")).to_be_visible()
            expect(page.locator("#found")).to_contain_text(newer.label)
            page.get_by_role("button", name="Start").press("Enter")
            expect(page.get_by_text("No list has been counted yet.")).to_be_visible()

            loaded(lambda: page.goto(self.live_server_url))
            page.reload()
            self.assertIsNotNone(arms._experiment)
        log.flush()
        with self.page() as page:
            page.goto(f"{self.live_server_url}/training/experiments")
            page.get_by_role("link", name="Is the newer one better?").first.click()
            expect(page.get_by_text("Too few people have come")).to_be_visible()
            expect(page.locator(".tiles")).to_contain_text("of 1 person")

            page.get_by_label("Why").fill("only a test")
            page.get_by_role("button", name="End it").press("Enter")
            expect(page.get_by_text("only a test")).to_be_visible()
            expect(page.get_by_text("Nothing has won.")).to_be_visible()
