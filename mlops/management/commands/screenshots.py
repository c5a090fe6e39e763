"""``manage.py screenshots``: the main pages in both themes and on a phone, as docs/screenshots shows them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cinema.models import Movie
from mlops.models import Comparison, Search, TrainingRun
from mlops.site_copy import NAME, PASSWORD, STAFF, CannotCopy, Visitor, copy_of_site
from recommender import registry

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

N_RATINGS = 60
# What is looked at: theme, width and height.
LOOKS = {"dark": ("dark", 1280, 900), "light": ("light", 1280, 900), "phone": ("dark", 390, 844)}


class Command(BaseCommand):
    help = "Takes pictures of a copy of this site with Chromium. Nothing here is changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", type=Path, default=settings.BASE_DIR / "docs" / "screenshots", help="folder")
        parser.add_argument("--only", nargs="*", default=None, help="names of pages, home for instance")

    def handle(self, *args: Any, **options: Any) -> None:
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as error:
            raise CommandError("This needs requirements-dev.txt: python3 run.py test installs it.") from error
        if chromium is None:
            raise CommandError("This needs Chromium.")
        options["out"].mkdir(parents=True, exist_ok=True)
        pages = self._pages()
        if options["only"] is not None:
            pages = {name: page for name, page in pages.items() if name in options["only"]}
        try:
            with copy_of_site() as url:
                Visitor(url).sign_up(N_RATINGS)
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(
                        executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
                    )
                    for look in LOOKS:
                        self._look(browser, url, look, pages, options["out"])
        except CannotCopy as error:
            raise CommandError(str(error)) from error

    def _pages(self) -> dict[str, tuple[str, str]]:
        """Name → who looks, and the path."""
        film = Movie.objects.most_rated_first().filter(title="Fargo").first() or Movie.objects.most_rated_first()[0]
        version = registry.live().version
        return {
            "welcome": ("", "/"),
            "start": (NAME, "/start/rate"),
            "home": (NAME, "/"),
            "film": (NAME, f"/movies/{film.pk}"),
            "taste": (NAME, "/my/taste"),
            "controls": (NAME, "/my/controls?diversity=0.6&popularity=-0.4"),
            "what-if": (NAME, "/my/what-if"),
            "night": (NAME, "/night"),
            "statistics": ("", "/statistics"),
            "training": (STAFF, "/training/"),
            "version": (STAFF, f"/models/{version}"),
            "timeline": (STAFF, "/training/timeline"),
            "health": (STAFF, "/training/health?stretch=hour"),
            **self._what_there_is(),
        }

    def _what_there_is(self) -> dict[str, tuple[str, str]]:
        """Pages about something that has to have happened: a run, a comparison, a search."""
        run = TrainingRun.objects.filter(kind=TrainingRun.Kind.TRAINING, version__verdict__isnull=False).first()
        comparison = Comparison.objects.filter(status=Comparison.Status.DONE).first()
        search = Search.objects.filter(trials__isnull=False).first()
        found = {"run": run, "compare": comparison, "search": search}
        paths = {"run": "runs", "compare": "compare", "search": "searches"}
        for name in [name for name, one in found.items() if one is None]:
            self.stderr.write(f"{name} is left out: there is none yet.")
        return {name: (STAFF, f"/training/{paths[name]}/{one.pk}") for name, one in found.items() if one is not None}

    def _look(self, browser: Browser, url: str, look: str, pages: dict[str, tuple[str, str]], out: Path) -> None:
        theme, width, height = LOOKS[look]
        for who in sorted({who for who, _ in pages.values()}):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="light" if theme == "light" else "dark",
                reduced_motion="reduce",
            )
            page = context.new_page()
            if who:
                self._sign_in(page, url, who)
            for name, (whose, path) in pages.items():
                if whose == who:
                    page.goto(url + path)
                    page.wait_for_load_state("networkidle")
                    page.screenshot(path=out / f"{name}-{look}.jpg", type="jpeg", quality=82)
                    self.stdout.write(f"{name}-{look}.jpg")
            context.close()

    def _sign_in(self, page: Page, url: str, name: str) -> None:
        page.goto(f"{url}/sign-in")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_load_state("networkidle")
