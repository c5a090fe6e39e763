"""Puts a restored state into the place of the old one, so that a crash leaves the one or the other.

What is to be done is written down first, in ``var/restore.json``, once everything new is complete on the disk. From
then on it is done to the end, if need be by the next ``up`` or ``restore``; each step can be begun again.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

from mlops.backup import sync_folder
from mlops.database_copy import CopyFailed, rename_databases, sqlite_url

JOURNAL = "restore.json"
LOCK_SECONDS = 5.0


class SwapFailed(Exception):
    """The old state is still used by somebody, or the disk refused; it will be tried again."""


@dataclass(frozen=True)
class Swap:
    """Everything that is to be done, as paths and names."""

    staging: list[str] = field(default_factory=list)  # folders that are removed at the end
    put: list[tuple[str, str, str]] = field(default_factory=list)  # (new, its place, where the old one goes)
    away: list[tuple[str, str]] = field(default_factory=list)  # (old, where it goes)
    sqlite: tuple[str, str, str] | None = None  # as in put
    postgres: tuple[str, str, str] | None = None  # names of databases, as in put


def begin(swap: Swap) -> None:
    """Writes down what is to be done, and does it. Raises SwapFailed, with nothing written down."""
    if swap.sqlite is not None:
        _settle(Path(swap.sqlite[1]))  # refuses now, while nothing has been promised, if somebody uses the database
    journal = _journal()
    temporary = journal.with_name(f".{JOURNAL}.part")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(swap), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, journal)
    sync_folder(journal.parent)
    finish()


def finish() -> bool:
    """Does what has been written down and not yet done; whether there was anything. Raises SwapFailed."""
    try:
        swap = Swap(**json.loads(_journal().read_text()))
    except FileNotFoundError:
        return False
    try:
        for new, place, aside in swap.put:
            _put(Path(new), Path(place), Path(aside))
        if swap.sqlite is not None:
            _put_sqlite(*map(Path, swap.sqlite))
        if swap.postgres is not None:
            connection.close()
            rename_databases(*swap.postgres)
        for old, aside in swap.away:
            if os.path.lexists(old):
                _move(Path(old), Path(aside))
    except (OSError, CopyFailed) as error:
        raise SwapFailed(f"The restored state cannot be put in place: {error}") from error
    _journal().unlink()
    sync_folder(_journal().parent)
    for folder in swap.staging:
        shutil.rmtree(folder, ignore_errors=True)
    return True


def _journal() -> Path:
    return Path(settings.VAR_DIR) / JOURNAL


def _put(new: Path, place: Path, aside: Path) -> None:
    if not os.path.lexists(new):
        return  # done before a crash
    place.parent.mkdir(parents=True, exist_ok=True)
    aside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if place.is_dir():
        if aside.exists():  # a crash came between; what is there now is not what was asked to be kept
            shutil.rmtree(place)
        else:
            _move(place, aside)
    elif place.exists() and not aside.exists():
        # Under both names for a moment, so that there is none without a file.
        try:
            os.link(place, aside)
        except OSError:  # a file system without hard links
            shutil.copy2(place, aside)
        sync_folder(aside.parent)
    os.rename(new, place)
    sync_folder(place.parent)
    sync_folder(new.parent)


def _put_sqlite(new: Path, place: Path, aside: Path) -> None:
    if not new.exists():
        return
    if not place.exists():
        _put(new, place, aside)
        return
    _settle(place)
    with closing(sqlite3.connect(sqlite_url(place), uri=True, timeout=LOCK_SECONDS, isolation_level=None)) as old:
        try:
            old.execute("BEGIN EXCLUSIVE")  # whoever comes now waits, and finds the new one
        except sqlite3.OperationalError as error:
            raise SwapFailed(f"The database is in use ({error}). Stop whatever uses it.") from error
        except sqlite3.DatabaseError:
            pass  # no database any more: nobody can be using it
        _put(new, place, aside)


def _settle(place: Path) -> None:
    """Takes the log beside the database into it: it would be read into the next file of that name."""
    if not place.exists():
        return
    try:
        with closing(sqlite3.connect(sqlite_url(place), uri=True, timeout=LOCK_SECONDS)) as old:
            mode = old.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise SwapFailed(f"The database is in use ({error}). Stop whatever uses it.") from error
    except sqlite3.DatabaseError:
        # What is no database any more, and perhaps the reason for the restore, has no log worth reading.
        for suffix in ("-wal", "-shm", "-journal"):
            place.with_name(place.name + suffix).unlink(missing_ok=True)
        return
    if mode != "delete":
        raise SwapFailed("The database is in use. Stop whatever uses it.")


def _move(old: Path, aside: Path) -> None:
    aside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.rename(old, aside)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # On another disk. Begun again after a crash, it copies what is still here over what was copied.
        if old.is_dir() and not old.is_symlink():
            shutil.copytree(old, aside, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)
        else:
            shutil.copy2(old, aside, follow_symlinks=False)
            old.unlink()
    sync_folder(aside.parent)
