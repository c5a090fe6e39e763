"""A site of its own on a free port of loopback, in production's shape: gunicorn with two processes of four threads, on
SQLite."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.databases import ROOT, own_database

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    user: int
    token: str
    unrated: list[int]  # ids of films


@dataclass(frozen=True, eq=False)
class RunningSite:
    port: int
    accounts: list[Account]
    environment: dict[str, str]

    def everybody_rates(self) -> None:
        """One film each, written by another process."""
        _run(["-m", "benchmarks.fill_site", "rate"], self.environment)

    def note_nothing(self) -> None:
        """From the next seconds on, no list is noted."""
        _run(["-m", "benchmarks.fill_site", "note-nothing"], self.environment)

    def lists_noted(self) -> int:
        return int(_run(["-m", "benchmarks.fill_site", "noted"], self.environment))


class CannotStart(Exception):
    """The site does not answer."""


@contextmanager
def running_site(n_accounts: int, *, preset: str) -> Iterator[RunningSite]:
    """With the demo ratings, a version of ``preset``, and accounts who rate like some of the demo's people.
    Raises CannotStart."""
    with (
        tempfile.TemporaryDirectory(prefix="cinema-bench-") as folder,
        own_database(Path(folder), sqlite=True) as own,
    ):
        environment = {
            **own,
            "DJANGO_SETTINGS_MODULE": "benchmarks.site_settings",
            "CINEMA_SHARED": "",
            "RATINGS_PER_MINUTE": "1000000",
        }
        told: list[dict[str, Any]] = json.loads(
            _run(["-m", "benchmarks.fill_site", str(n_accounts), preset], environment)
        )
        port = free_port()
        server = subprocess.Popen(web_server(port), env=environment, cwd=ROOT)
        try:
            _wait_for(port, server)
            yield RunningSite(port, [Account(**one) for one in told], environment)
        finally:
            server.terminate()
            server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def web_server(port: int) -> list[str]:
    """Its command, as `manage.py up` gives it."""
    return [
        sys.executable, "-m", "gunicorn", "cinema.wsgi", "--worker-class", "cinema.web_worker.SharingWorker",
        "--workers", "2", "--threads", "4", "--bind", f"127.0.0.1:{port}",
        "--no-control-socket", "--log-level", "warning",
    ]  # fmt: skip


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # between two tries
    raise CannotStart("The web server does not answer.")
