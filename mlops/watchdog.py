"""Notices a worker that is alive and does nothing any more."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from django.db import Error, connection
from django.db.models import Max
from django_q.models import Schedule

from mlops.models import WorkerHeartbeat

# Far beyond the 20 seconds that a heartbeat may wait for a writer of SQLite's.
SILENT_SECONDS = 120.0
# django-q looks at its schedules twice a minute, and some of ours are due every minute.
UNSCHEDULED_SECONDS = 300.0
# Looks are ten seconds apart. A longer pause was a database that did not answer, and the worker could not write either.
LOOK_SECONDS = 30.0

Clock = Callable[[], float]


class Standstill:
    """Whether something that ought to change has been the same for long, by a clock that nobody sets."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._seen: object = None
        self._since = self._looked = clock()

    def is_reached(self, seen: object) -> bool:
        """To be told every ten seconds what it is now."""
        now = self._clock()
        if seen != self._seen or now - self._looked > LOOK_SECONDS:
            self._seen, self._since = seen, now
        self._looked = now
        return now - self._since > self._seconds


class Watchdog:
    """Watches a worker's heartbeat."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._standstill = Standstill(SILENT_SECONDS, clock)

    def hangs(self, pid: int) -> bool:
        """Whether the worker of that process id has given no sign for SILENT_SECONDS. Raises django.db.Error."""
        beats = WorkerHeartbeat.objects.filter(host=socket.gethostname(), pid=pid)
        return self._standstill.is_reached((pid, beats.aggregate(last=Max("seen_at"))["last"]))


class SentinelWatchdog:
    """Watches the process of django-q that hands out what is due and replaces the others when they die."""

    def __init__(self, schedule: str, clock: Clock = time.monotonic) -> None:
        self._schedule = schedule
        self._standstill = Standstill(UNSCHEDULED_SECONDS, clock)
        self._clock = clock
        self._next_look = 0.0
        self._hangs = False

    def hangs(self) -> bool:
        """Whether a schedule of every minute has not been served for UNSCHEDULED_SECONDS. May be asked at any time."""
        if self._clock() >= self._next_look:
            self._next_look = self._clock() + 10
            try:
                due = Schedule.objects.filter(name=self._schedule).values_list("next_run", flat=True).first()
                self._hangs = due is not None and self._standstill.is_reached(due)
            except Error:
                connection.close()
        return self._hangs
