"""What a process keeps in memory while it answers, written every few seconds by one thread of its own.

So that no request waits for it, and looking at the site writes nothing. A process that is asked to end writes what it
has; one that is killed loses these seconds of notes, and nothing else.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from typing import Protocol

from django.conf import settings
from django.db import close_old_connections

logger = logging.getLogger(__name__)


class Kept(Protocol):
    """Something that is kept for a while."""

    def flush(self) -> int:
        """Writes it; how many rows. Never raises an error of the database: what cannot be written is kept."""

    def forget(self) -> None:
        """Drops it unwritten."""


class BackgroundWriter:
    """One per process."""

    def __init__(self, *kept: Kept) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._pid = 0
        self._ended = threading.Event()

    def begin(self) -> None:
        """Starts the thread with the first request of a process: a fork does not take a thread along, nor may it write
        again what its parent has kept."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            if self._pid:
                for one in self._kept:
                    one.forget()
            self._pid = os.getpid()
            if settings.SERVING_FLUSH_SECONDS:
                threading.Thread(target=self._keep_writing, name="background-writer", daemon=True).start()
                atexit.register(self._last_words)

    def end(self) -> None:
        """No more is written by itself."""
        self._ended.set()

    def _keep_writing(self) -> None:
        while not self._ended.wait(settings.SERVING_FLUSH_SECONDS):
            close_old_connections()
            self._write()

    def _write(self) -> None:
        for one in self._kept:
            try:
                one.flush()
            except Exception:  # a thread that ended here would write nothing any more
                logger.exception("What was kept could not be written")

    def _last_words(self) -> None:
        if self._pid == os.getpid():
            self._write()
