"""The control room in a real Chromium on a real site: train, watch it learn, gate, compare, activate, roll back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.test import SimpleTestCase

from cinema.tests.browsers import CHROMIUM
from mlops.tests.test_up import RunningSite, wait_until

# A catalogue and people of two tastes, at different times, so that everybody's test part is another.
SEED = """
import random
from datetime import timedelta
from django.utils import timezone
from cinema.models import Rating
from recommender.tests.stored_versions import make_catalogue, make_crowd
make_catalogue()
make_crowd()
now, spread = timezone.now(), random.Random(0)
ratings = list(Rating.objects.order_by("user_id", "movie_id"))
for rating in ratings:
    rating.rated_at = rating.changed_at = now - timedelta(seconds=spread.randrange(10**6))
Rating.objects.bulk_update(ratings, ["rated_at", "changed_at"])
"""


@pytest.mark.cluster
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
class ControlRoomTestCase(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.site = RunningSite(Path(folder.name))
        environment = {**os.environ, "CINEMA_VAR": folder.name}
        environment.pop("CINEMA_TEST_DB", None)
        for command in (["migrate", "-v", "0"], ["shell", "-v", "0", "-c", SEED]):
            subprocess.run(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
                env=environment,
                check=True,
                timeout=120,
            )
        cls.site.start()
        cls.addClassCleanup(cls.site.kill_whatever_is_left)
        cls.site.wait_for_run(1, seconds=120)

    site: RunningSite

    def test_from_a_training_to_a_roll_back_without_reloading(self) -> None:
        from playwright.sync_api import expect, sync_playwright

        admin = json.loads((self.site.var / "credentials.json").read_text())["admin"]
        home = f"http://127.0.0.1:{self.site.port}"
        complaints: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page()
            page.set_default_timeout(60_000)
            expect.set_options(timeout=60_000)
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.goto(f"{home}/sign-in?next=/training/")
            page.fill("input[name=username]", admin["username"])
            page.fill("input[name=password]", admin["password"])
            page.press("input[name=password]", "Enter")
            first = page.locator(".is-live code").inner_text()

            # Train, with settings that take long enough to watch.
            page.get_by_role("link", name="With other settings").click()
            page.get_by_label("n epochs").fill("1000")
            page.get_by_label("n factors").fill("64")
            page.get_by_role("button", name="Train", exact=True).click()
            page.get_by_role("link", name="2", exact=True).first.click()
            expect(page.locator("#progress")).to_contain_text("RMSE, held back")
            rows = page.locator("#history-table tbody tr")

            def epochs() -> int:
                page.wait_for_timeout(50)  # the page polls by itself; this only lets it
                return rows.count()

            seen = wait_until(epochs, 60, "the curve begins")
            wait_until(lambda: epochs() > seen, 60, "the curve grows")

            # The verdict comes without a reload, and leads to the full comparison.
            expect(page.get_by_role("heading", name="The gate's verdict")).to_be_visible()
            checks = page.locator(".checks li")
            expect(checks).to_have_count(6)
            expect(checks.first).to_contain_text("NDCG@10")
            second = re.search(r"v\d{8}_\d{6}", page.locator("#about-title + dl").inner_text().split("Version")[-1])
            assert second is not None
            page.get_by_role("button", name="Compare them in full").click()
            expect(page.get_by_role("heading", name="What was judged")).to_be_visible()
            expect(page.locator("table.contest").first).to_contain_text("RMSE")
            page.get_by_label("Number or name of a person").fill("crowd:3")
            page.get_by_role("button", name="Show their lists").click()
            expect(page.locator(".side-by-side .places")).to_have_count(2)

            # Make the other one live by hand, whichever it is by now, then go back.
            live = self.site.get("/api/ml/status")[1]["live_version"]
            other = second[0] if live == first else first
            page.goto(f"{home}/models/{other}")
            page.get_by_label(f"Reason for activating {other}").fill("I want to see it")
            page.get_by_role("button", name=f"Activate {other}").click()
            expect(page.locator(".messages")).to_contain_text(f"{other} is live")
            page.get_by_label("Reason for rolling back").fill("I have seen it")
            page.get_by_role("button", name="Roll back").click()
            expect(page.locator(".messages")).to_contain_text(f"Rolled back: {live} is live")
            page.goto(f"{home}/training/timeline")
            expect(page.locator("#activations")).to_contain_text("I have seen it")
            expect(page.locator("#activations")).to_contain_text("I want to see it")
            browser.close()
        self.assertEqual(complaints, [])
        self.assertEqual(self.site.get("/api/ml/status")[1]["live_version"], live)
