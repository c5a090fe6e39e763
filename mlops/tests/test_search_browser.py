"""The page of a search in a browser, as it goes on."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from django.db import connection

from cinema.tests.browsers import InABrowser
from mlops.models import Search, TrainingRun
from mlops.tests.small_searches import a_search, a_trial

Status = TrainingRun.Status


def meanwhile(action: Callable[[], object]) -> None:
    """Does it in a thread: in the browser's own, Django refuses to."""

    def act() -> None:
        try:
            action()
        finally:
            connection.close()

    thread = Thread(target=act)
    thread.start()
    thread.join()


class SearchBrowserTestCase(InABrowser):
    def test_it_follows_a_search_to_its_end_without_reloading(self) -> None:
        search = a_search(Status.RUNNING)
        a_trial(search, 0.9)
        with self.page(width=700) as page:
            page.goto(f"{self.live_server_url}/training/searches/{search.pk}")
            page.locator(".finding", has_text="Nothing that was tried beats the preset yet.").wait_for()
            meanwhile(lambda: a_trial(search, 0.88, learning_rate=0.02))
            page.locator(".finding", has_text="Trial 1 beats the preset by 0.0200").wait_for()
            self.assertEqual(page.locator(".trial-plot .point").count(), 2)
            page.locator("#about summary").click()
            page.locator(".trials .scroll-x").last.evaluate("element => element.scrollLeft = 60")
            meanwhile(lambda: TrainingRun.objects.update(status=Status.SUCCEEDED))
            page.get_by_role("button", name="Train this").wait_for()
            # What was unfolded stays so, and nothing asks any more.
            self.assertTrue(page.locator("#about").evaluate("element => element.open"))
            self.assertEqual(page.locator(".trials .scroll-x").last.evaluate("element => element.scrollLeft"), 60)
            self.assertIsNone(page.locator("#search").get_attribute("hx-trigger"))
            page.get_by_label("Make it live").uncheck()
            page.get_by_role("button", name="Train this").click()
            page.locator(".messages", has_text="with the parameters of trial 1").wait_for()
        run = TrainingRun.objects.get(kind="training")
        self.assertEqual((run.hyperparameters["learning_rate"], run.activate), (0.02, False))

    def test_it_is_started_cancelled_and_resumed_without_javascript(self) -> None:
        with self.page(javascript=False) as page:
            page.goto(f"{self.live_server_url}/training/searches")
            page.get_by_label("Start from").select_option("classic")
            page.get_by_label("Trials").fill("9")
            page.get_by_role("button", name="Start searching").click()
            page.get_by_role("button", name="Cancel").click()
            page.get_by_role("button", name="Resume").click()
            page.locator(".messages", has_text="goes on").wait_for()
        search = Search.objects.get()
        self.assertEqual((search.preset, search.max_trials, search.status), ("classic", 9, Status.QUEUED))
        self.assertEqual(search.runs.count(), 2)
