"""A copy of this site that lives for a while on a port of its own, for what should leave no trace here."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from django.conf import settings
from django.db import connection
from django.db.models import Count

from cinema.models import Rating, User
from mlops.site import web_server_command
from recommender import registry

STAFF, NAME, PASSWORD = "operator", "visitor", "a-long-word-for-a-short-life"
START_SECONDS = 60


class CannotCopy(Exception):
    """There is nothing to copy, or the copy does not start."""


@contextmanager
def copy_of_site() -> Iterator[str]:
    """The address of a running copy, with its own database and the live version; STAFF may enter with PASSWORD.

    Raises CannotCopy.
    """
    version = registry.live().version
    if version is None or connection.vendor != "sqlite":
        raise CannotCopy("This needs a trained version and an SQLite database.")
    with tempfile.TemporaryDirectory() as folder:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(Path(folder) / "db.sqlite3")])
        shutil.copytree(settings.ARTIFACTS_DIR / version.label, Path(folder) / "artifacts" / version.label)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {
            **os.environ,
            "CINEMA_VAR": folder,
            "CINEMA_SHARED": "",
            "DATABASE_URL": "",
            "RATINGS_PER_MINUTE": "1000000",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        for command in (
            ["collectstatic", "--no-input", "-v", "0"],
            ["createsuperuser", "--no-input", "--username", STAFF, "--email", "", "-v", "0"],
        ):
            subprocess.run([*manage, *command], env=environment, check=True)
        server = subprocess.Popen(web_server_command(f"127.0.0.1:{port}", 1), env=environment, cwd=settings.BASE_DIR)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(Visitor(url))
            yield url
        finally:
            server.terminate()
            server.wait()


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
            raise CannotCopy(f"{path} has no form.")
        return found[1]

    def sign_up(self, n_ratings: int) -> list[int]:
        """Makes an account NAME that rates like whoever has about ``n_ratings``; which films."""
        token = self.token("/sign-up")
        self.post("/sign-up", token, {"username": NAME, "password1": PASSWORD, "password2": PASSWORD})
        token = self.token("/my/ratings")
        ratings = _ratings_like_somebodys(n_ratings)
        for movie_id, value in ratings:
            self.post(f"/movies/{movie_id}/rating", token, {"value": str(value)}, **{"HX-Request": "true"})
        return [movie_id for movie_id, _ in ratings]


def _wait_for(visitor: Visitor) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with suppress(URLError, OSError):
            visitor.get("/healthz")
            return
        time.sleep(0.1)  # between two tries, not for something to be ready
    raise CannotCopy("The web server does not answer.")


def _ratings_like_somebodys(n: int) -> list[tuple[int, float]]:
    """The ratings of whoever has about ``n``."""
    counted = User.objects.annotate(n=Count("ratings"))
    somebody = counted.filter(n__gte=n).order_by("n").first() or counted.order_by("-n").first()
    if somebody is None:
        raise CannotCopy("There are no ratings.")
    ratings = Rating.objects.of(somebody).order_by("rated_at", "pk").values_list("movie_id", "value")[:n]
    return [(movie_id, value) for movie_id, value in ratings]
