"""What only one process on all hosts of a site may do at a time: a lock in the database that they share."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection, connections

LOOK_SECONDS = 0.2


@contextmanager
def only_one(name: str, *, wait: Callable[[], bool] = lambda: False) -> Iterator[bool]:
    """Whether this process holds the lock ``name`` for as long as the body runs; asks on while ``wait()`` is true.

    On PostgreSQL it goes with a connection of its own, however this process or its host ends. On SQLite there is one
    host, and it is always held: what matters between its processes is kept by locks on files. Raises django.db.Error.
    """
    if connection.vendor != "postgresql":
        yield True
        return
    number = int.from_bytes(hashlib.sha256(f"cinema {name}".encode()).digest()[:8], signed=True)
    holder = connections.create_connection("default")
    try:
        with holder.cursor() as cursor:
            while True:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
                held = bool(cursor.fetchone()[0])
                if held or not wait():
                    break
                time.sleep(LOOK_SECONDS)
        yield held
    finally:
        with suppress(Error):
            holder.close()
