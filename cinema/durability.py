"""Writes that need not survive a power cut: the answer does not wait for the disk.

They are as atomic and as visible to others as all writes, and the next write that does wait takes them along.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def forgettable() -> Iterator[None]:
    """A transaction for what may be lost, with the seconds before it, in a power cut; but not if a process dies.

    Inside of another transaction it is a part of that one, and waits as that one does.
    """
    nested = connection.in_atomic_block
    if nested:
        with transaction.atomic():
            yield
    elif connection.vendor == "sqlite":
        connection.ensure_connection()
        driver = connection.connection  # its own statements: Django's cursors take as long as all the rest
        driver.execute("PRAGMA synchronous = NORMAL")  # in WAL mode: no fsync when a transaction is committed
        try:
            with transaction.atomic():
                yield
        finally:
            if connection.connection is driver:  # another one, after an error, begins with FULL
                driver.execute("PRAGMA synchronous = FULL")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
            yield
