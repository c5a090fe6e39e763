"""``manage.py up``: everything, from an empty folder to a running site."""

from __future__ import annotations

import hashlib
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, OperationalError, connection
from django.utils.crypto import salted_hmac

from cinema.credentials import credentials_path
from cinema.database_lock import only_one
from cinema.first_start import ADMIN, Account, ensure_accounts
from cinema.importing.demo import load_demo
from cinema.importing.rating_rows import build_missing_indexes
from cinema.importing.sources import ImportRejected
from cinema.models import Movie
from mlops import runs, site_lock, swap
from mlops.models import TrainingRun
from mlops.site import PortTaken, Site, is_loopback, probe_port
from mlops.watchdog import Watchdog
from recommender import registry
from recommender.retention import delete_unowned

WATCH_SECONDS = 1.0
SWEEP_EVERY = 10.0
TIDY_EVERY = 600.0
ANSWER_SECONDS = 60.0
DATABASE_SECONDS = 30.0
RETRY_SECONDS = 1.0


class Command(BaseCommand):
    help = "Sets up what is missing and runs the site: web server, worker, first training."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._tried_again = False
        self._told_phase = ""
        self._told_other = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=5000, help="port to listen on (default 5000)")
        parser.add_argument("--workers", type=int, default=2, help="web processes (default 2)")
        parser.add_argument(
            "--only", choices=site_lock.PARTS, help="the web server or the worker alone; the other one runs elsewhere"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, only = options["host"], options["port"], options["only"]
        serves = only != "worker"
        if serves:
            self._check_address(host, port)
        lock = self._hold(only)
        try:
            if serves:
                probe_port(host, port)
        except PortTaken as error:
            raise CommandError(f"{error} Is another program there? Choose another port with --port.") from error
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup the end of the terminal is ignored, and stays so.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        with site_lock.preparing():
            accounts = self._prepare()
        if self._stop.is_set():
            return
        # The children open connections of their own.
        connection.close()
        site = Site(host=host, port=port, workers=max(1, options["workers"]), say=self._say, only=only)
        try:
            site.start()
            if serves:
                self._welcome(site, accounts)
            else:
                self._say("The worker is running. Stop with Ctrl-C.")
            self._run(site)
        finally:
            self._say("Stopping…")
            site.stop(hurry=self._hurry.is_set)
            lock.close()
            self._say("Stopped.")

    def _say(self, text: str) -> None:
        # Whoever reads may have gone; that is no reason to leave the site unwatched.
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:
            pass

    def _on_signal(self, signal_number: int, frame: FrameType | None) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def _check_address(self, host: str, port: int) -> None:
        if not 1 <= port <= 65535:
            raise CommandError(f"--port {port} is not a port: it must be from 1 to 65535.")
        if not is_loopback(host) and not settings.PRODUCTION:
            raise CommandError(
                f"--host {host} would open the site to the network. Set CINEMA_PRODUCTION=1, SECRET_KEY (50 random "
                "characters) and ALLOWED_HOSTS (the site's host names), or leave --host away."
            )

    def _hold(self, only: site_lock.Part | None) -> ExitStack:
        """A lock for as long as this process lives, however it ends; and no half-restored state."""
        try:
            lock = site_lock.hold(only)
        except site_lock.SiteRunning as error:
            raise CommandError("CINÉMA is running already on this folder of data. Stop that one first.") from error
        try:
            with site_lock.preparing():
                if swap.finish():
                    self._say("A restore had been cut short. It is complete now.")
        except swap.SwapFailed as error:
            lock.close()
            raise CommandError(str(error)) from error
        return lock

    def _prepare(self) -> dict[str, Account]:
        """Everything before the first process. Each step does nothing if there is nothing to do."""
        try:
            self._await_database()
            if self._stop.is_set():
                return {}
            self._collect_static()
            # Hosts that start at the same time do it one after the other, and the later ones find it done.
            with only_one("start", wait=self._wait_for_other) as held:
                if not held:
                    return {}
                self._compare_keys()
                call_command("migrate", verbosity=0, interactive=False)
                build_missing_indexes()  # those that an import was killed before it built
                self._load_demo()
                accounts = ensure_accounts()
            runs.sweep()
            delete_unowned()
        except ImportRejected as error:
            raise CommandError(str(error)) from error
        except Error as error:
            raise CommandError(f"The database cannot be used: {str(error).strip()}") from error
        return accounts

    def _await_database(self) -> None:
        """On a machine that has just started, the database's server may come later. Raises Error if it does not."""
        deadline = time.monotonic() + DATABASE_SECONDS
        told = False
        while not self._stop.is_set():
            try:
                connection.ensure_connection()
                return
            except OperationalError as error:
                if connection.vendor == "sqlite" or time.monotonic() > deadline:
                    raise
                if not told:
                    told = True
                    self._say(f"The database does not answer yet: {str(error).strip()}")
                    self._say(f"Trying again for {DATABASE_SECONDS:.0f} s.")
            self._stop.wait(RETRY_SECONDS)

    def _wait_for_other(self) -> bool:
        if not self._told_other:
            self._told_other = True
            self._say("Another host is starting this site at the moment: waiting for it.")
        return not self._stop.is_set()

    def _compare_keys(self) -> None:
        """Hosts with different keys would sign each other's people out, and throw each other's tasks away."""
        if settings.SHARED_DIR == settings.VAR_DIR:
            return
        key = salted_hmac("mlops.up", "the key of all hosts", algorithm="sha256").hexdigest()
        path = Path(settings.SHARED_DIR) / "secret_key.digest"
        if path.exists() and path.read_text() != key:
            self._say(
                "SECRET_KEY is not the one of the last start on CINEMA_SHARED: all hosts of a site need the same."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(key)

    def _load_demo(self) -> None:
        if Movie.objects.exists():
            return
        self._say("Loading the demo ratings (MovieLens)…")
        report = load_demo()
        self._say(f"  {report.ratings_added} ratings of {report.movies_added} films by {report.people_added} people")

    def _collect_static(self) -> None:
        """Again only when a source of static files has changed."""
        if settings.STATIC_READY:
            return
        digest = hashlib.sha256((settings.BASE_DIR / "requirements.txt").read_bytes())
        for path in sorted((settings.BASE_DIR / "static").rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(settings.BASE_DIR)).encode() + path.read_bytes())
        stamp = Path(settings.VAR_DIR) / "static.stamp"
        collected = Path(settings.STATIC_ROOT).is_dir() and stamp.exists()
        if collected and stamp.read_text() == digest.hexdigest():
            return
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(digest.hexdigest())

    def _welcome(self, site: Site, accounts: dict[str, Account]) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not site.answers():
            if self._stop.wait(0.2):
                return
            site.watch()
            if time.monotonic() > deadline:
                raise CommandError("The web server does not answer. Its messages stand above.")
        self._say("")
        self._say(f"CINÉMA is at {site.url}")
        if accounts and sys.stdout.isatty():
            for role, account in accounts.items():
                self._say(f"  {role:6} {account.username} / {account.password}")
            self._say(f"  Shown once; kept with the API tokens in {_shown(credentials_path())}")
        elif credentials_path().exists():
            self._say(f"  User names, first passwords and API tokens are in {_shown(credentials_path())}")
        else:
            self._say(f"  {_shown(credentials_path())} is not there. Set a new password for an account with")
            self._say(f"  python3 run.py manage changepassword {ADMIN}")
        self._say(f"  Training dashboard: {site.url}/training/   API: {site.url}/api/docs")
        self._say("  Stop with Ctrl-C.")
        self._say("")

    def _run(self, site: Site) -> None:
        run_id = self._first_training()
        swept = tidied = time.monotonic()
        watchdog = Watchdog()
        while not self._stop.wait(WATCH_SECONDS):
            site.watch()
            try:
                if run_id is not None:
                    run_id = self._follow(run_id)
                if time.monotonic() - swept > SWEEP_EVERY:
                    swept = time.monotonic()
                    runs.sweep()
                    site.end_hung(watchdog.hangs)
                if time.monotonic() - tidied > TIDY_EVERY:
                    tidied = time.monotonic()
                    delete_unowned()
            except Error as error:
                # The database may come back; the processes are watched all the same.
                self._say(f"The database cannot be read: {error}")
                connection.close()

    def _first_training(self) -> int | None:
        """The run to tell about: the first training, started here or still going on."""
        # In this order: a training that another host has begun and that ends in between has a live version by then.
        active = TrainingRun.objects.active().first()
        if registry.live().version is not None:
            return None
        if active is not None:
            return active.pk
        self._say("Training the first version…")
        try:
            return runs.request_training().pk
        except runs.TrainingInProgress as error:
            return error.run_id

    def _follow(self, run_id: int) -> int | None:
        run = TrainingRun.objects.select_related("version").get(pk=run_id)
        if run.is_active:
            if run.phase != self._told_phase:
                self._told_phase = run.phase
                self._say(f"  {run.progress:4.0%}  {run.phase}")
            return run_id
        if run.status == TrainingRun.Status.SUCCEEDED and run.version is not None:
            rmse = run.version.metric("rmse")
            told = f" Its RMSE on held-out ratings is {rmse:.3f}." if rmse is not None else ""
            self._say(f"Version {run.version.label} is live after {run.elapsed_seconds:.0f} s.{told}")
            return None
        self._say(f"The first training is {run.get_status_display()}. {run.error}".strip())
        # What an earlier stop cut short is made good, once: a training that always dies must not go round for ever.
        if run.status == TrainingRun.Status.INTERRUPTED and not self._tried_again:
            self._tried_again = True
            return self._first_training()
        return None


def _shown(path: Path) -> str:
    """A path as somebody in the project's folder would write it."""
    try:
        return str(path.relative_to(settings.BASE_DIR))
    except ValueError:
        return str(path)
