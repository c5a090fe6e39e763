"""Django's connection to SQLite, but for how it waits for another writer.

SQLite itself asks again after pauses of 1 ms, 2 ms, 5 ms … 100 ms, so that whoever has waited longest asks least often:
with eight writers some wait for a second, and one who writes nearly all the time, as an import does, lets nobody in.
Here everybody asks once a millisecond.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

ASKED_EVERY_SECONDS = 0.001


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        """Waits ``timeout`` of the connection's options, then raises OperationalError as SQLite would."""
        milliseconds = self._busy_timeout(0)
        try:
            until = time.monotonic() + milliseconds / 1000
            while True:
                try:
                    return super()._start_transaction_under_autocommit()  # type: ignore[misc]
                except OperationalError as error:
                    if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                        raise
                time.sleep(ASKED_EVERY_SECONDS)
        finally:
            self._busy_timeout(milliseconds)

    def _busy_timeout(self, milliseconds: int) -> int:
        """Sets SQLite's own waiting, which reads and all other statements go on with; what it was."""
        # By the driver's own connection: nothing of this is a query of the site's.
        was: int = self.connection.execute("PRAGMA busy_timeout").fetchone()[0]
        self.connection.execute(f"PRAGMA busy_timeout = {milliseconds:d}")
        return was


def _code(error: OperationalError) -> Any:
    return getattr(error.__cause__, "sqlite_errorcode", None)
