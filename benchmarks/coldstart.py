"""From nothing to a list: seconds from `manage.py up` on an empty folder to the first live version, and from the start
of the web server to the first recommendation when a version is there, beside its first answer of any kind. On SQLite.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.databases import ROOT, own_database
from benchmarks.site import free_port, web_server

LIMIT_SECONDS = 600.0
# Between two questions: what is measured may err by this. A training is not to be held up by being asked after.
PAUSE_SECONDS, TRAINING_PAUSE_SECONDS = 0.02, 0.25
DEMO_PERSON = 1

Environment = dict[str, str]


class NotThere(Exception):
    """No version is live, or no list came, within LIMIT_SECONDS."""


def measure(*, quick: bool) -> dict[str, Any]:
    """The first start once (it trains on the demo ratings), the web server's start as the median of several."""
    with (
        tempfile.TemporaryDirectory(prefix="cinema-bench-") as name,
        own_database(Path(name) / "var", sqlite=True) as environment,
    ):
        first_answer, first_version = _fresh_start(environment)
        token = _admin(environment)
        starts = [_web_start(environment, token) for _ in range(2 if quick else 5)]
    answers, lists = zip(*starts, strict=True)
    return {
        "fresh_var": {"first_answer_seconds": first_answer, "first_live_version_seconds": first_version},
        "web_server": {
            "first_answer_seconds": round(float(np.median(answers)), 2),
            "first_recommendation_seconds": round(float(np.median(lists)), 2),
            "starts": len(starts),
        },
    }


def _fresh_start(environment: Environment) -> tuple[float, float]:
    """Seconds until anything is answered, and until the status names a live version."""
    port = free_port()
    began = time.perf_counter()
    command = [sys.executable, "manage.py", "up", "--port", str(port)]
    with _process(command, environment) as process:
        answered = _seconds_until(lambda: _ask(port, "/healthz") is not None, began, process)
        _seconds_until(lambda: bool(_admin(environment)), began, process)
        token = _admin(environment)

        def is_live() -> bool:
            status = _ask(port, "/api/ml/status", token)
            return status is not None and status["live_version"] is not None

        return answered, _seconds_until(is_live, began, process, pause=TRAINING_PAUSE_SECONDS)


def _web_start(environment: Environment, token: str) -> tuple[float, float]:
    """The same of the web server alone, until /healthz answers and until a list comes from the model."""
    port = free_port()
    path = f"/api/ml/recommendations/{DEMO_PERSON}?n=10"
    began = time.perf_counter()
    with _process(web_server(port), environment) as process:
        answered = _seconds_until(lambda: _ask(port, "/healthz") is not None, began, process)

        def is_listed() -> bool:
            listed = _ask(port, path, token)
            return listed is not None and listed["model_version"] is not None and not listed["fallback"]

        return answered, _seconds_until(is_listed, began, process)


@contextmanager
def _process(command: list[str], environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    """Ended afterwards as Ctrl-C ends it."""
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _seconds_until(
    happened: Callable[[], bool], began: float, process: subprocess.Popen[bytes], *, pause: float = PAUSE_SECONDS
) -> float:
    while not happened():
        if process.poll() is not None or time.perf_counter() - began > LIMIT_SECONDS:
            raise NotThere("The site ended, or had nothing to show for ten minutes.")
        time.sleep(pause)  # between two questions
    return round(time.perf_counter() - began, 2)


def _admin(environment: Environment) -> str:
    """The administrator's token; empty before there is one."""
    try:
        kept = json.loads((Path(environment["CINEMA_VAR"]) / "credentials.json").read_text())
    except (OSError, ValueError):
        return ""
    token: str = kept["admin"]["token"]
    return token


def _ask(port: int, path: str, token: str = "") -> dict[str, Any] | None:
    """The answer if it is there and says 200. /healthz says what it likes: an empty answer counts."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Authorization": f"Token {token}"} if token else {})
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    if response.status != 200:
        return None
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
