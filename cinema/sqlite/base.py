"""Django's connection to SQLite, but for how it waits for another writer.

SQLite itself asks again after pauses of 1 ms, 2 ms, 5 ms … 100 ms, so that whoever has waited longest asks least often:
with eight writers some wait for a second, and one who writes nearly all the time, as an import does, lets nobody in.
Here one thread of each process asks, once a millisecond, and the others stand behind it.
"""

from __future__ import annotations

import sqlite3
import threading
import time

from django.db.backends.sqlite3 import base

ASKED_EVERY_SECONDS = 0.001
DEFAULT_SECONDS = 5.0  # of the driver, where the settings say nothing

_PRIMARY_CODE = 0xFF  # the bits of an extended result code that say what kind it is of
# Held while asking, and no longer: not by who writes, but by who is next in this process.
_next = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        """Waits ``timeout`` of the connection's options, then raises OperationalError as SQLite would."""
        seconds = self.settings_dict["OPTIONS"].get("timeout", DEFAULT_SECONDS)
        until = time.monotonic() + seconds
        self._wait_at_most(0)
        is_next = _next.acquire(timeout=seconds)
        try:
            while not self._has_begun(last=time.monotonic() >= until):
                time.sleep(ASKED_EVERY_SECONDS)
        finally:
            if is_next:
                _next.release()
            self._wait_at_most(seconds)

    def _has_begun(self, *, last: bool) -> bool:
        """False where somebody else is writing; OperationalError instead, if this was the ``last`` time to ask."""
        with self.wrap_database_errors:
            try:
                # By the driver's own connection: through Django's cursor, being refused takes ten times as long.
                self.connection.execute(f"BEGIN {self.transaction_mode or ''}")  # type: ignore[attr-defined]
            except sqlite3.OperationalError as error:
                if last or error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                    raise
                return False
        return True

    def _wait_at_most(self, seconds: float) -> None:
        """SQLite's own waiting, which all other statements go on with."""
        # By the driver's own connection: this is no query of the site's.
        self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")
