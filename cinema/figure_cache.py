"""Figures about everybody that take a while: computed by one request for all that follow, in each process or, with
Redis, for all processes, as JSON.

They are kept under the database's name, so that two databases never share one. What is older than a few minutes is
computed anew by whoever asks next; those who ask meanwhile are answered with what there was. Where it takes longer than
anybody should wait, they all are, and it is computed beside.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections

from cinema.figure_json import from_json, to_json

Figures = TypeVar("Figures")

FRESH_SECONDS = 300.0
# Large databases pay at most one part in twenty of a process's time for it.
FRESH_PER_SECOND_OF_WORK = 20.0
# Work that nobody who asks is made to wait for, once there is something to show.
SLOW_SECONDS = 1.0
KEPT_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    figures: Any
    computed_at: float  # by the clock on the wall, which hosts share
    work_seconds: float  # that computing them took

    def is_fresh(self) -> bool:
        # Not if it comes from the future either: somebody has set a clock.
        return 0 <= time() - self.computed_at < max(FRESH_SECONDS, FRESH_PER_SECOND_OF_WORK * self.work_seconds)


# One lock for each name, for figures are made of other figures.
_locks: dict[str, threading.Lock] = {}
_entries: dict[str, _Entry] = {}
_this_thread = threading.local()  # ``computes_beside``: nobody waits for it


def cached_figures(name: str, shape: type[Figures], compute: Callable[[], Figures]) -> Figures:
    """What ``compute()`` returned last, if that was not long ago: of type ``shape``, one that cinema.figure_json reads.
    It is not to be changed."""
    key = _key(name)
    entry = _entries.get(key)
    if entry is not None and entry.is_fresh():
        found: Figures = entry.figures
        return found
    lock = _locks.setdefault(key, threading.Lock())
    waited_for = entry is None or getattr(_this_thread, "computes_beside", False)
    # While there is nothing to show, one computes and the others wait for it.
    if not lock.acquire(blocking=waited_for):
        assert entry is not None  # or it would have waited
        found = entry.figures
        return found
    if entry is not None and not waited_for and entry.work_seconds >= SLOW_SECONDS:
        beside = threading.Thread(target=_compute_beside, args=(key, shape, compute, lock), name="figures", daemon=True)
        try:
            beside.start()
        except RuntimeError:  # no thread is to be had: whoever asks next tries again
            lock.release()
        found = entry.figures
        return found
    try:
        found = _renewed(key, shape, compute)
        return found
    finally:
        lock.release()


def _renewed(key: str, shape: Any, compute: Callable[[], Any]) -> Any:
    """For whoever holds the lock: fresh figures, though perhaps of another thread or process."""
    entry = _entries.get(key)
    if entry is None or not entry.is_fresh():
        entry = _entries[key] = _of_another_process(key, shape) or _computed(key, compute)
    return entry.figures


def _compute_beside(key: str, shape: Any, compute: Callable[[], Any], lock: threading.Lock) -> None:
    """In a thread of its own, which releases the ``lock``."""
    _this_thread.computes_beside = True  # figures that these are made of are not to be old ones
    try:
        _renewed(key, shape, compute)
    except Exception:  # whoever asks next tries again
        logger.exception("Figures could not be computed anew")
    finally:
        lock.release()
        connections.close_all()


def forget() -> None:
    """This process knows no figures."""
    _entries.clear()


def _computed(key: str, compute: Callable[[], Any]) -> _Entry:
    began = time()
    figures = compute()
    ended = time()
    entry = _Entry(figures, ended, ended - began)
    if settings.REDIS_URL:
        cache.set(key, [to_json(figures), entry.computed_at, entry.work_seconds], KEPT_SECONDS)
    return entry


def _of_another_process(key: str, shape: Any) -> _Entry | None:
    kept = cache.get(key) if settings.REDIS_URL else None
    if kept is None:
        return None
    try:
        figures, computed_at, work_seconds = kept
        entry = _Entry(from_json(shape, figures), float(computed_at), float(work_seconds))
    except (TypeError, ValueError):  # whoever can write into Redis can put what we signed under another name
        return None
    return entry if entry.is_fresh() else None


def _key(name: str) -> str:
    settings = connection.settings_dict
    database = "\n".join(str(settings[part]) for part in ("ENGINE", "HOST", "PORT", "NAME"))
    return f"figures-{name}-{hashlib.sha256(database.encode()).hexdigest()}"
