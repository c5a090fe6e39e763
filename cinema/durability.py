"""How a transaction waits for the disk: before its answer and not for others, or not at all.

SQLite syncs its log while it commits, and lets nobody else write meanwhile. That is most of the time that a rating
keeps the database, and on SQLite all ratings go one after the other. Both transactions here are committed without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction


@contextmanager
def forgettable() -> Iterator[None]:
    """A transaction for what may be lost, with the seconds before it, in a power cut; but not if a process dies.

    Inside of another transaction it is a part of that one, and waits as that one does.
    """
    if connection.in_atomic_block:
        with transaction.atomic(savepoint=False):  # setting one costs as much as what is written here
            yield
    elif connection.vendor == "sqlite":
        with _unsynced():
            yield
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
            yield


@contextmanager
def durable() -> Iterator[None]:
    """A transaction that is on the disk when this ends, and for which others need not wait until it is there.

    They see it as soon as it is committed, so in a power cut between the two somebody may have seen what was never
    acknowledged; nothing that was acknowledged is lost. Whoever syncs takes all along that was committed before.
    Inside of another transaction it is a part of that one. Raises OperationalError if the disk does not take it.
    """
    if connection.in_atomic_block or connection.vendor != "sqlite":  # PostgreSQL does so by itself
        with transaction.atomic():
            yield
        return
    with _unsynced() as driver:
        yield
    if driver is not None:
        _sync_log(driver)


@contextmanager
def _unsynced() -> Iterator[Any]:
    """A transaction on SQLite, not synced when it is committed: it may be lost, but nothing breaks. The driver's
    connection; None where the folder allows no WAL mode, in which something might: there it is synced."""
    connection.ensure_connection()
    driver = connection.connection  # its own statements: Django's cursors take as long as all the rest
    if driver.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        with transaction.atomic():
            yield None
        return
    driver.execute("PRAGMA synchronous = NORMAL")
    try:
        with transaction.atomic():
            yield driver
    finally:
        if connection.connection is driver:  # another one, after an error, begins with FULL
            driver.execute("PRAGMA synchronous = FULL")


def _sync_log(driver: Any) -> None:
    """Waits until the disk has SQLite's log.

    Where it was written into the database meanwhile and begun anew, both were synced by whoever did that: in WAL mode
    a checkpoint syncs the log before it copies and the database after it (https://www.sqlite.org/wal.html).
    """
    _, _, path = driver.execute("PRAGMA database_list").fetchone()
    try:
        log = os.open(f"{path}-wal", os.O_RDONLY)
        try:
            os.fsync(log)
        finally:
            os.close(log)
    except OSError as error:
        raise OperationalError(f"The database's log could not be synced: {error.strerror}.") from error
