"""Figures about everybody that take a while: computed by one request for all that follow, in each process or, with
Redis, for all processes.

They are kept in Django's cache under the database's name, so that two databases never share one. What is older than a
few minutes is computed anew by whoever asks next; those who ask meanwhile are answered with what there was.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection

Figures = TypeVar("Figures")

FRESH_SECONDS = 300.0
# Large databases pay at most one part in twenty of a process's time for it.
FRESH_PER_SECOND_OF_WORK = 20.0
KEPT_SECONDS = 24 * 3600

# One for each name, for figures are made of other figures.
_locks: dict[str, threading.Lock] = {}


@dataclass(frozen=True, slots=True)
class _Entry:
    figures: Any
    computed_at: float  # by the clock on the wall, which hosts share
    fresh_for: float  # seconds

    def is_fresh(self) -> bool:
        # Not if it comes from the future either: somebody has set a clock.
        return 0 <= time() - self.computed_at < self.fresh_for


def cached_figures(name: str, compute: Callable[[], Figures]) -> Figures:
    """What ``compute()`` returned last, if that was not long ago. What it returns must be picklable and is not to be
    changed."""
    key = _key(name)
    entry: _Entry | None = cache.get(key)
    if entry is not None and entry.is_fresh():
        return entry.figures
    lock = _locks.setdefault(key, threading.Lock())
    # While there is nothing to show, one computes and the others wait for it.
    if not lock.acquire(blocking=entry is None):
        assert entry is not None  # or it would have waited
        return entry.figures
    try:
        again: _Entry | None = cache.get(key)
        if again is not None and again.is_fresh():
            return again.figures
        began = time()
        figures = compute()
        ended = time()
        fresh_for = max(FRESH_SECONDS, FRESH_PER_SECOND_OF_WORK * (ended - began))
        cache.set(key, _Entry(figures, ended, fresh_for), KEPT_SECONDS)
        return figures
    finally:
        lock.release()


def _key(name: str) -> str:
    settings = connection.settings_dict
    database = "\n".join(str(settings[part]) for part in ("ENGINE", "HOST", "PORT", "NAME"))
    return f"figures-{name}-{hashlib.sha256(database.encode()).hexdigest()}"
