"""Makes this site the one of a backup: checked whole, built up and examined beside the old one, and then exchanged."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from cinema.credentials import credentials_path
from cinema.models import Movie, Rating, User
from cinema.tmdb import art_path
from mlops import backup, database_copy, runs, site_lock, swap
from mlops.backup import ArchiveRefused, Manifest, Say, sync_folder
from mlops.integrity import checks
from recommender import artifacts
from recommender.models import ModelVersion

ROOM = 1.1  # of what the archive holds, for what a database writes beside it


class RestoreRefused(Exception):
    """Nothing was changed; the message says why."""


def restore(archive: Path, *, replace: bool, say: Say) -> list[str]:
    """Makes this site the one in ``archive``; what holds the old state now, if there was one, in words.

    Raises RestoreRefused with nothing touched, and swap.SwapFailed if it stopped half way: then the next try or the
    next start goes on.
    """
    with ExitStack() as held:
        try:
            held.enter_context(site_lock.hold())
        except site_lock.SiteRunning as error:
            raise RestoreRefused("CINÉMA is running on this folder of data. Stop it first.") from error
        _check_owner()
        if swap.finish():
            say("An earlier restore had been cut short. It is complete now.")
        try:
            say("Checking the archive…")
            manifest = backup.read(archive)
            _check_fits(manifest, replace)
            return _Restoring(manifest, held, say).run(archive)
        except ArchiveRefused as error:
            raise RestoreRefused(f"{archive.name} is refused, and nothing was touched. {error}") from error
        except (OSError, database_copy.CopyFailed) as error:
            raise RestoreRefused(str(error)) from error


def _check_owner() -> None:
    owner = Path(settings.VAR_DIR).stat().st_uid
    if owner != os.geteuid():
        raise RestoreRefused(
            f"{settings.VAR_DIR} belongs to user {owner}. Run this as that user, or the site could not read it."
        )


def _check_fits(manifest: Manifest, replace: bool) -> None:
    """Raises RestoreRefused where this code, this database or this folder is not for that backup."""
    if manifest.vendor != connection.vendor:
        raise RestoreRefused(
            f"This is a backup of {manifest.vendor}, and this site is on {connection.vendor}: see DATABASE_URL."
        )
    known = MigrationLoader(None).disk_migrations
    newer = [f"{app}.{name}" for app, name in manifest.migrations if (app, name) not in known]
    if newer:
        raise RestoreRefused(
            f"The backup was made by newer code ({manifest.code_version}) than this: it knows {', '.join(newer[:3])}. "
            "Restore it with that code."
        )
    if manifest.vendor == "postgresql":
        connection.close()
        database_copy.check_unused_postgres(_database())
    if not replace and not is_empty():
        raise RestoreRefused("There is a site here already. To put the backup in its place, add --replace.")


def _database() -> str:
    return str(connection.settings_dict["NAME"])


def is_empty() -> bool:
    """Whether neither database nor models are here."""
    if artifacts.root().is_dir() and any(artifacts.root().glob("v*")):
        return False
    if connection.vendor != "sqlite":
        return database_copy.is_empty_postgres(_database())
    path = Path(_database())
    return not path.exists() or path.stat().st_size == 0


class _Restoring:
    """One restore, from the checked archive to the exchange."""

    def __init__(self, manifest: Manifest, held: ExitStack, say: Say) -> None:
        self.manifest, self.held, self.say = manifest, held, say
        stamp = f"{datetime.now(UTC):%Y%m%d_%H%M%S}"
        self.var = Path(settings.VAR_DIR)
        # A var of its own, its pieces beside what they will replace, for a rename does not cross disks.
        self.staging = backup.secret_key_path().parent / f".restoring-{stamp}"
        self.database = self.var / f".restoring-{stamp}" / "db.sqlite3"
        self.models = artifacts.root() / f".tmp-restoring-{stamp}"
        self.aside = self.var / f"before-restore-{stamp}"
        self.new_database = f"{_database()}_restoring_{stamp}"
        self.old_database = f"{_database()}_before_{stamp}"
        self.was_empty = is_empty()

    def run(self, archive: Path) -> list[str]:
        self._check_room()
        try:
            self._unpack(archive)
            self._examine()
            plan = self._plan()
            swap.begin(plan)
        except BaseException:
            # What has been promised in writing is kept.
            if not (self.var / swap.JOURNAL).exists():
                self._clean_up()
            raise
        postgres = self.manifest.vendor == "postgresql"
        if self.was_empty:  # nobody's key is all that there was
            shutil.rmtree(self.aside, ignore_errors=True)
            if postgres:
                database_copy.drop_postgres(self.old_database)
            return []
        kept = [f"the folder {self.aside}"] if self.aside.exists() else []
        return [*kept, f"the database {self.old_database}"] if postgres else kept

    def _check_room(self) -> None:
        needed = ROOM * sum(member["bytes"] for member in self.manifest.members.values())
        for folder in (self.var, self.staging.parent):
            free = shutil.disk_usage(folder).free
            if free < needed:
                raise RestoreRefused(f"{folder} has {free / 1e6:.0f} MB free, and {needed / 1e6:.0f} MB are needed.")

    def _unpack(self, archive: Path) -> None:
        self.say("Unpacking beside the present state…")
        for folder in {self.staging, self.database.parent}:
            folder.mkdir(mode=0o700)
        artifacts.root().mkdir(parents=True, exist_ok=True)
        self.models.mkdir(mode=0o700)
        (self.staging / "artifacts").symlink_to(self.models)
        if self.database.parent != self.staging:
            (self.staging / self.database.name).symlink_to(self.database)
        if backup.read(archive, self._store) != self.manifest:
            raise ArchiveRefused("It was altered while it was being read.")
        for folder in (self.staging, self.database.parent, self.models, *self.models.iterdir()):
            sync_folder(folder)

    def _place(self, name: str) -> Path:
        """Where a member is unpacked to. Its name has been checked."""
        if name == database_copy.SQLITE_FILE:
            return self.database
        if name.startswith("artifacts/"):
            return self.models / name.removeprefix("artifacts/")
        return self.staging / name

    def _store(self, name: str, blocks: Iterator[bytes]) -> None:
        path = self._place(name)
        path.parent.mkdir(exist_ok=True)
        mode = 0o440 if name.startswith("artifacts/") else 0o600
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    def _examine(self) -> None:
        """Migrates the new state and checks it, in a process that sees nothing else. Raises RestoreRefused."""
        environment = {**os.environ, "CINEMA_VAR": str(self.staging), "CINEMA_SHARED": "", "DATABASE_URL": ""}
        if self.manifest.vendor == "postgresql":
            self.say("Filling a new database…")
            dump = self.staging / database_copy.POSTGRES_FILE
            database_copy.fill_postgres(self.new_database, _database(), dump)
            url = urlsplit(os.environ["DATABASE_URL"])
            environment["DATABASE_URL"] = url._replace(path="/" + quote(self.new_database)).geturl()
        self.say("Examining it…")
        outcome = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "restore", "--examine"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if outcome.returncode != 0:
            raise RestoreRefused(f"The backup cannot be brought to life: {outcome.stderr.strip()[-2000:]}")
        found = json.loads(outcome.stdout)
        known = {f"version {label}" for label in self.manifest.damaged}
        bad = [check for check in found["checks"] if not check["ok"]]
        for check in bad:
            self.say(f"BAD  {check['name']}: {check['detail']}")
        if any(check["name"] not in known for check in bad):
            raise RestoreRefused("What is in the backup does not fit together; the reasons stand above.")
        if found["counts"] != self.manifest.counts:
            raise RestoreRefused(
                f"The backup should hold {self.manifest.counts}, and what came out is {found['counts']}."
            )
        self.say(f"All is as it was: {len(found['checks'])} checks, {found['counts']['ratings']} ratings.")
        self.restored = set(found["versions"])

    def _plan(self) -> swap.Swap:
        put: list[tuple[str, str, str]] = []
        for folder in sorted(self.models.iterdir()):
            place = artifacts.root() / folder.name
            put.append((str(folder), str(place), str(self.aside / "artifacts" / folder.name)))
        for place in (backup.secret_key_path(), art_path("any").parent):
            name = place.name
            # Without a key in the backup it came from the environment; the one made for the examination is nobody's.
            if any(member == name or member.startswith(f"{name}/") for member in self.manifest.members):
                put.append((str(self.staging / name), str(place), str(self.aside / name)))
        away = [
            (str(path), str(self.aside / "artifacts" / path.name))
            for path in artifacts.root().glob("v*")
            if path.name not in self.restored
        ]
        # Its passwords and tokens are those of the old accounts.
        away.append((str(credentials_path()), str(self.aside / credentials_path().name)))
        plan = swap.Swap(staging=[str(self.staging), str(self.database.parent), str(self.models)], put=put, away=away)
        if self.manifest.vendor == "postgresql":
            return dataclasses.replace(plan, postgres=(self.new_database, _database(), self.old_database))
        with closing(sqlite3.connect(self.database)) as database:
            database.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        with self.database.open("rb") as file:
            os.fsync(file.fileno())
        connection.close()
        return dataclasses.replace(plan, sqlite=(str(self.database), _database(), str(self.aside / "db.sqlite3")))

    def _clean_up(self) -> None:
        for folder in (self.staging, self.database.parent, self.models):
            shutil.rmtree(folder, ignore_errors=True)
        if self.manifest.vendor == "postgresql":
            database_copy.drop_postgres(self.new_database)


def examine() -> dict[str, Any]:
    """Brings a state that was just unpacked up to date and judges it; what ``_examine`` reads."""
    call_command("migrate", verbosity=0, interactive=False)
    runs.sweep()  # what was running when the backup was made runs no more
    found = list(checks())
    return {
        "checks": [dataclasses.asdict(check) for check in found],
        "counts": {"users": User.objects.count(), "movies": Movie.objects.count(), "ratings": Rating.objects.count()},
        "versions": list(ModelVersion.objects.ready().values_list("label", flat=True)),
    }
