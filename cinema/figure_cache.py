"""Figures about everybody that take a while: computed by one request for all that follow, in each process or, with
Redis, for all processes, as JSON.

They are kept under the database's name, so that two databases never share one. What is older than a few minutes is
computed anew by whoever asks next; those who ask meanwhile are answered with what there was.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import connection

from cinema.figure_json import from_json, to_json

Figures = TypeVar("Figures")

FRESH_SECONDS = 300.0
# Large databases pay at most one part in twenty of a process's time for it.
FRESH_PER_SECOND_OF_WORK = 20.0
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class _Entry:
    figures: Any
    computed_at: float  # by the clock on the wall, which hosts share
    fresh_for: float  # seconds

    def is_fresh(self) -> bool:
        # Not if it comes from the future either: somebody has set a clock.
        return 0 <= time() - self.computed_at < self.fresh_for


# One lock for each name, for figures are made of other figures.
_locks: dict[str, threading.Lock] = {}
_entries: dict[str, _Entry] = {}


def cached_figures(name: str, shape: type[Figures], compute: Callable[[], Figures]) -> Figures:
    """What ``compute()`` returned last, if that was not long ago: of type ``shape``, one that cinema.figure_json reads.
    It is not to be changed."""
    key = _key(name)
    entry = _entries.get(key)
    if entry is not None and entry.is_fresh():
        found: Figures = entry.figures
        return found
    lock = _locks.setdefault(key, threading.Lock())
    # While there is nothing to show, one computes and the others wait for it.
    if not lock.acquire(blocking=entry is None):
        assert entry is not None  # or it would have waited
        found = entry.figures
        return found
    try:
        again = _entries.get(key)
        if again is None or not again.is_fresh():
            again = _of_another_process(key, shape) or _computed(key, compute)
            _entries[key] = again
        found = again.figures
        return found
    finally:
        lock.release()


def forget() -> None:
    """This process knows no figures."""
    _entries.clear()


def _computed(key: str, compute: Callable[[], Any]) -> _Entry:
    began = time()
    figures = compute()
    ended = time()
    entry = _Entry(figures, ended, max(FRESH_SECONDS, FRESH_PER_SECOND_OF_WORK * (ended - began)))
    if settings.REDIS_URL:
        cache.set(key, [to_json(figures), entry.computed_at, entry.fresh_for], KEPT_SECONDS)
    return entry


def _of_another_process(key: str, shape: Any) -> _Entry | None:
    kept = cache.get(key) if settings.REDIS_URL else None
    if kept is None:
        return None
    try:
        figures, computed_at, fresh_for = kept
        entry = _Entry(from_json(shape, figures), float(computed_at), float(fresh_for))
    except (TypeError, ValueError):  # whoever can write into Redis can put what we signed under another name
        return None
    return entry if entry.is_fresh() else None


def _key(name: str) -> str:
    settings = connection.settings_dict
    database = "\n".join(str(settings[part]) for part in ("ENGINE", "HOST", "PORT", "NAME"))
    return f"figures-{name}-{hashlib.sha256(database.encode()).hexdigest()}"
