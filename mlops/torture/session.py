"""The whole of it: a site in a folder of its own, set up, tortured, asked, ended and judged."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
from django.conf import settings
from django.db import connection, connections

from mlops.torture.ledger import Key, Ledger
from mlops.torture.raters import Account, Rater, call, kept_ratings
from mlops.torture.sightings import Sightings
from mlops.torture.trouble import Killer, Operator

READY_SECONDS = 300
CALM_SECONDS = 90
N_FILMS = 1500

# What must be 0 in a report.
BAD = (
    "lost", "duplicated", "unasked", "unlearnt", "server_errors", "lists_of_mixed_versions", "lists_older_than_2_s",
    "not_accepted",
)  # fmt: skip

# Made in the site's own process, since nobody may make accounts with tokens from outside.
MAKE_ACCOUNTS = """
import json
from knox.models import AuthToken
from cinema.models import Movie, User
people = [User.objects.create_user(f"rater-{{n}}") for n in range({n})]
tokens = [AuthToken.objects.create(user)[1] for user in people]
films = list(Movie.objects.order_by("pk").values_list("pk", flat=True)[:{films}])
print(json.dumps([[[user.pk, token] for user, token in zip(people, tokens)], films]))
"""


class TortureFailed(Exception):
    """The site did not come up, or not come back."""


@contextmanager
def _database() -> Iterator[str]:
    """DATABASE_URL of an empty database: a file in the site's folder, or one of its own beside ours on PostgreSQL."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        yield ""
        return
    name = f"{connection.settings_dict['NAME']}_torture"
    quoted = connection.ops.quote_name(name)
    parts = urlsplit(url)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {quoted}")
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")


@dataclass(frozen=True, slots=True)
class Plan:
    """``each``: everybody rates so often, instead of as often as ``seconds`` allow."""

    seconds: float
    raters: int
    kills: int
    seed: int
    each: int | None = None


def torture(plan: Plan, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs it and returns the report, whose ``ok`` says whether nothing was lost, doubled, unlearnt or broken.

    Raises TortureFailed.
    """
    with tempfile.TemporaryDirectory() as folder, _database() as database:
        site = _Site(Path(folder), database)
        try:
            say("Setting up a site of its own, with the demo ratings and a first version …")
            site.start()
            accounts, films = site.accounts(plan.raters)
            say(f"{plan.raters} raters, {plan.kills} kills, {_length(plan)} …")
            ledger, sightings = Ledger(), Sightings()
            began = time.monotonic()
            done, killed = _hurt(site, plan, accounts, films, ledger, sightings)
            took = time.monotonic() - began
            say("Letting it come back, and asking what it has kept …")
            site.wait_until_ready(CALM_SECONDS)
            kept, doubled = _kept(site.url, accounts)
            log = _activations(site)
        finally:
            site.stop()
        integrity = site.integrity()
    losses = ledger.judge(kept)
    report = {
        "database": connection.vendor,
        "seconds": round(took, 1),
        "raters": plan.raters,
        "seed": plan.seed,
        "acknowledged": ledger.acknowledged,
        "unanswered": ledger.unanswered,
        "lost": len(losses.lost),
        "duplicated": doubled,
        "unasked": len(losses.unasked),
        "unlearnt": ledger.slow_to_learn,
        "refused": {str(status): n for status, n in sorted(ledger.refused.items())},
        "server_errors": ledger.server_errors,
        "killed": killed,
        "kills": sum(killed.values()),
        "operator": done,
        "rating_ms": {"median": ledger.milliseconds(0.5), "p99": ledger.milliseconds(0.99)},
        "lists": len(sightings.seen),
        "lists_of_mixed_versions": len(sightings.mixed(log)),
        "lists_older_than_2_s": len(sightings.stale()),
        "integrity": integrity,
    }
    if plan.each is not None:
        report["asked_for"] = plan.raters * plan.each
        report["not_accepted"] = ledger.unanswered + sum(ledger.refused.values())
    return {"ok": integrity["ok"] and not any(report.get(name) for name in BAD), **report}


def _cut_connections(database: str) -> None:
    """Ends every connection to that database, from one of our own."""
    own = connections.create_connection("default")  # we are in a thread of the torture's
    try:
        with own.cursor() as cursor:
            name = urlsplit(database).path.lstrip("/")
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    finally:
        own.close()


def _length(plan: Plan) -> str:
    return f"{plan.seconds:.0f} seconds" if plan.each is None else f"{plan.each} ratings each"


def _hurt(
    site: _Site, plan: Plan, accounts: list[Account], films: list[int], ledger: Ledger, sightings: Sightings
) -> tuple[dict[str, int], dict[str, int]]:
    """All of them at once. What the operator did, and what was killed."""
    people = [
        Rater(site.url, one, films, ledger, sightings, seed=plan.seed + n, each=plan.each)
        for n, one in enumerate(accounts)
    ]
    cut = partial(_cut_connections, site.database) if site.database else None
    killer = Killer(site.process, plan.kills, plan.seconds, plan.seed, cut)
    operator = Operator(site.url, site.admin_token, ledger, sightings, plan.seed)
    threads: list[Rater | Killer | Operator] = [*people, killer]
    if plan.each is None:
        threads.append(operator)
    broken: list[threading.ExceptHookArgs] = []
    threading.excepthook = broken.append  # whoever stops rating unseen would leave the ledger with a gap
    for thread in threads:
        thread.start()
    if plan.each is None:
        threading.Event().wait(plan.seconds)  # a torture lasts as long as was asked for
    else:
        for person in people:
            person.join(plan.seconds)
    for thread in threads:
        thread.stop_requested.set()
    for thread in threads:
        thread.join(60)
    threading.excepthook = threading.__excepthook__
    if broken:
        raise TortureFailed(f"What tortures has failed itself, in {broken[0].thread}: {broken[0].exc_value!r}")
    return operator.done, killer.killed


def _kept(url: str, accounts: list[Account]) -> tuple[dict[Key, float], int]:
    """Every rating that is there, and how many are there twice."""
    kept: dict[Key, float] = {}
    doubled = 0
    for account in accounts:
        for film, value in kept_ratings(url, account):
            doubled += (account.id, film) in kept
            kept[account.id, film] = value
    return kept, doubled


def _activations(site: _Site) -> dict[int, str]:
    """generation → version, as the site's own log says."""
    found: dict[int, str] = {}
    page = 1
    while True:
        status, answer = call(f"{site.url}/api/ml/activations?page_size=200&page={page}", site.admin_token)
        if status != 200:
            raise TortureFailed(f"The activations could not be read: {status}")
        found |= {one["generation"]: one["version"] for one in answer["results"]}
        if not answer["next"]:
            return found
        page += 1


class _Site:
    """``manage.py up`` in a folder."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database = folder, database
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._environment = {
            **os.environ,
            "CINEMA_VAR": str(folder),
            "CINEMA_SHARED": "",
            "DATABASE_URL": database,
            "RATINGS_PER_MINUTE": "1000000",
            "TRAININGS_PER_MINUTE": "1000000",
        }
        self._manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        self._log = (folder / "up.log").open("wb")

    def start(self) -> None:
        self._up = subprocess.Popen(
            [*self._manage, "up", "--port", str(self._port)],
            env=self._environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self.process = psutil.Process(self._up.pid)
        self.wait_until_ready(READY_SECONDS)

    @property
    def admin_token(self) -> str:
        token: str = json.loads((self.folder / "credentials.json").read_text())["admin"]["token"]
        return token

    def wait_until_ready(self, seconds: float) -> None:
        """Until a version is live and a list is made from it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (self.folder / "credentials.json").exists():
                status, answer = call(f"{self.url}/api/ml/status", self.admin_token)
                if status == 200 and answer["live_version"]:
                    return
            if self._up.poll() is not None:
                break
            time.sleep(0.2)  # between two looks
        raise TortureFailed(f"The site is not there. Its log ends: {self._tail()}")

    def accounts(self, n: int) -> tuple[list[Account], list[int]]:
        """Raters with tokens, and the films that they rate."""
        code = MAKE_ACCOUNTS.format(n=n, films=N_FILMS)
        made = subprocess.run(
            [*self._manage, "shell", "-v", "0", "-c", code],
            env=self._environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        people, films = json.loads(made.stdout.strip().splitlines()[-1])
        return [Account(*one) for one in people], films

    def integrity(self) -> dict[str, Any]:
        """What ``verify_integrity`` says once everything has ended."""
        found = subprocess.run(
            [*self._manage, "verify_integrity", "--json"], env=self._environment, capture_output=True, text=True
        )
        report: dict[str, Any] = json.loads(found.stdout)
        return {"ok": report["ok"], "bad": [check for check in report["checks"] if not check["ok"]]}

    def stop(self) -> None:
        self._up.terminate()
        try:
            self._up.wait(60)
        except subprocess.TimeoutExpired:
            self._up.kill()
            self._up.wait()
        self._log.close()

    def _tail(self) -> str:
        return (self.folder / "up.log").read_text(errors="replace")[-500:]
