"""``manage.py benchmark_pages``: how long somebody waits for home, and from a rating to the new rails."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.models import Count

from cinema.models import Movie, Rating, User
from mlops.site import web_server_command
from recommender import registry

NAME, PASSWORD = "benchmark", "a-long-word-for-a-short-life"
ROUNDS = 60
START_SECONDS = 60


class Visitor:
    """A browser without a picture: cookies, forms, and what htmx would send."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str, **headers: str) -> str:
        with self._opener.open(Request(self.url + path, headers=headers), timeout=30) as response:
            page: str = response.read().decode()
        return page

    def post(self, path: str, token: str, data: dict[str, str], **headers: str) -> str:
        form = urlencode({**data, "csrfmiddlewaretoken": token}).encode()
        with self._opener.open(
            Request(self.url + path, form, {**headers, "Referer": self.url}), timeout=30
        ) as response:
            page: str = response.read().decode()
        return page

    def token(self, path: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path))
        if found is None:
            raise CommandError(f"{path} has no form.")
        return found[1]


class Command(BaseCommand):
    help = "Times pages on a copy of this site, for somebody with so many ratings. Nothing here is changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ratings", type=int, default=500, help="ratings of whoever looks (default 500)")
        parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often (default {ROUNDS})")

    def handle(self, *args: Any, **options: Any) -> None:
        version = registry.live().version
        if version is None or connection.vendor != "sqlite":
            raise CommandError("This needs a trained version and an SQLite database.")
        with tempfile.TemporaryDirectory() as folder:
            var = Path(folder)
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(var / "db.sqlite3")])
            shutil.copytree(settings.ARTIFACTS_DIR / version.label, var / "artifacts" / version.label)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            environment = {**os.environ, "CINEMA_VAR": folder, "RATINGS_PER_MINUTE": "1000000", "DATABASE_URL": ""}
            manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
            subprocess.run([*manage, "collectstatic", "--no-input", "-v", "0"], env=environment, check=True)
            server = subprocess.Popen(
                web_server_command(f"127.0.0.1:{port}", 1), env=environment, cwd=settings.BASE_DIR
            )
            try:
                self._measure(Visitor(f"http://127.0.0.1:{port}"), options["ratings"], options["rounds"])
            finally:
                server.terminate()
                server.wait()

    def _measure(self, visitor: Visitor, n_ratings: int, rounds: int) -> None:
        _wait_for(visitor)
        token = visitor.token("/sign-up")
        visitor.post("/sign-up", token, {"username": NAME, "password1": PASSWORD, "password2": PASSWORD})
        token = visitor.token("/my/ratings")
        ratings = _ratings_like_somebodys(n_ratings)
        for movie_id, value in ratings:
            visitor.post(f"/movies/{movie_id}/rating", token, {"value": str(value)}, **{"HX-Request": "true"})
        rated = {movie_id for movie_id, _ in ratings}
        others = Movie.objects.most_rated_first().exclude(pk__in=rated).values_list("pk", flat=True)[:rounds]

        machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
        data = f"{Rating.objects.count()} ratings of {Movie.objects.count()} films"
        self.stdout.write(f"{machine}; {data}; somebody with {len(ratings)} ratings; {rounds} rounds over HTTP")
        self.stdout.write("  milliseconds                         median   95 % longest")
        self._report("home, the whole page", [_time(lambda: visitor.get("/")) for _ in range(rounds)])
        waits = []
        for movie_id in others:
            waits.append(_time(lambda film=movie_id: self._rate_and_look(visitor, film, token)))  # type: ignore[misc]
        self._report("a rating and the rails that follow", waits)

    def _rate_and_look(self, visitor: Visitor, movie_id: int, token: str) -> None:
        visitor.post(f"/movies/{movie_id}/rating", token, {"value": "4.0"}, **{"HX-Request": "true"})
        rails = visitor.get("/", **{"HX-Request": "true"})
        if f'"/movies/{movie_id}"' in rails:
            raise CommandError(f"Film {movie_id} is still shown after its rating.")

    def _report(self, what: str, seconds: list[float]) -> None:
        times = np.array(seconds) * 1000
        self.stdout.write(f"  {what:36} {np.median(times):6.0f} {np.percentile(times, 95):6.0f} {times.max():6.0f}")


def _time(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _wait_for(visitor: Visitor) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with suppress(URLError, OSError):
            visitor.get("/healthz")
            return
        time.sleep(0.1)  # between two tries, not for something to be ready
    raise CommandError("The web server does not answer.")


def _ratings_like_somebodys(n: int) -> list[tuple[int, float]]:
    """The ratings of whoever has about ``n``."""
    counted = User.objects.annotate(n=Count("ratings"))
    somebody = counted.filter(n__gte=n).order_by("n").first() or counted.order_by("-n").first()
    if somebody is None:
        raise CommandError("There are no ratings.")
    ratings = Rating.objects.of(somebody).order_by("rated_at", "pk").values_list("movie_id", "value")[:n]
    return [(movie_id, value) for movie_id, value in ratings]
