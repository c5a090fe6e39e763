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
DEFAULT_SECONDS = 5.0  # of the driver, where the settings say nothing


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        """Waits ``timeout`` of the connection's options, then raises OperationalError as SQLite would."""
        seconds = self.settings_dict["OPTIONS"].get("timeout", DEFAULT_SECONDS)
        self._wait_at_most(0)
        try:
            until = time.monotonic() + seconds
            while True:
                try:
                    return super()._start_transaction_under_autocommit()  # type: ignore[misc]
                except OperationalError as error:
                    if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                        raise
                time.sleep(ASKED_EVERY_SECONDS)
        finally:
            self._wait_at_most(seconds)

    def _wait_at_most(self, seconds: float) -> None:
        """SQLite's own waiting, which all other statements go on with."""
        # By the driver's own connection: this is no query of the site's.
        self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")


def _code(error: OperationalError) -> Any:
    return getattr(error.__cause__, "sqlite_errorcode", None)
