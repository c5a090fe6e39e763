"""Counts of what this process serves, kept in memory until mlops.background_writing has them written.

What could not be written is tried again with the next seconds' counts.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection, transaction
from django.utils import timezone

from mlops.histograms import EMPTY, added, bucket
from mlops.models import ServingMinute
from recommender.served import Served

logger = logging.getLogger(__name__)

# While nothing can be written, so many minutes' counts are kept and no more.
MAX_KEPT = 600
KEPT_MINUTES = timedelta(days=2)
KEPT_HOURS = timedelta(days=40)


@dataclass
class Tally:
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ServingMinute.COUNTS, 0))
    seconds: float = 0.0
    learning_seconds: float = 0.0
    latency: list[int] = field(default_factory=lambda: list(EMPTY))
    learning: list[int] = field(default_factory=lambda: list(EMPTY))

    def add(self, other: Tally) -> None:
        for name, count in other.counts.items():
            self.counts[name] += count
        self.seconds += other.seconds
        self.learning_seconds += other.learning_seconds
        self.latency = added(self.latency, other.latency)
        self.learning = added(self.learning, other.learning)


class ServingCounts:
    """One per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[tuple[datetime, str], Tally] = {}

    def record(self, served: Served, *, seconds: float, failed: bool, now: datetime | None = None) -> None:
        """Adds one request."""
        minute = (now or timezone.now()).replace(second=0, microsecond=0)
        with self._lock:
            tally = self._tallies.setdefault((minute, served.version), Tally())
            counts = tally.counts
            counts["handled"] += 1
            counts["errors"] += failed
            if served.lists:
                counts["lists"] += 1
                counts["fallbacks"] += served.fallbacks > 0
                counts["places"] += served.places
                counts["popular_places"] += served.popular_places
                tally.seconds += seconds
                tally.latency[bucket(1000 * seconds)] += 1
            for milliseconds in served.learned_ms:
                counts["learnings"] += 1
                tally.learning_seconds += milliseconds / 1000
                tally.learning[bucket(milliseconds)] += 1

    def forget(self) -> None:
        """Drops what has been counted."""
        with self._lock:
            self._tallies = {}

    def flush(self) -> int:
        """Writes what has been counted; how many rows. What cannot be written is kept for the next time."""
        with self._lock:
            taken, self._tallies = self._tallies, {}
        written = 0
        for (minute, version), tally in sorted(taken.items()):
            try:
                _add(minute, version, tally)
                written += 1
            except Error as error:
                logger.warning("Counts of what was served could not be written: %s", error)
                connection.close()
                self._keep(minute, version, tally)
        return written

    def _keep(self, minute: datetime, version: str, tally: Tally) -> None:
        with self._lock:
            known = self._tallies.get((minute, version))
            if known is not None:
                known.add(tally)
            elif len(self._tallies) < MAX_KEPT:
                self._tallies[minute, version] = tally


def _add(minute: datetime, version: str, tally: Tally) -> None:
    """Adds to the row of that minute, whoever else does."""
    with transaction.atomic():
        ServingMinute.objects.bulk_create(
            [ServingMinute(minute=minute, version=version, latency=list(EMPTY), learning=list(EMPTY))],
            ignore_conflicts=True,
        )
        row = ServingMinute.objects.select_for_update().get(minute=minute, version=version)
        _into(row, {**tally.counts, "seconds": tally.seconds, "learning_seconds": tally.learning_seconds,
                    "latency": tally.latency, "learning": tally.learning})  # fmt: skip
        row.save()


def _into(row: ServingMinute, more: dict[str, Any]) -> None:
    for name in (*ServingMinute.COUNTS, *ServingMinute.SUMS):
        setattr(row, name, getattr(row, name) + more[name])
    for name in ServingMinute.HISTOGRAMS:
        setattr(row, name, added(getattr(row, name) or EMPTY, more[name] or EMPTY))


def roll_up(now: datetime | None = None) -> int:
    """Makes hours of minutes that are older than two days, and forgets hours after forty days. How many rows went."""
    now = now or timezone.now()
    before = ServingMinute.objects.count()
    ServingMinute.objects.filter(minute__lt=now - KEPT_HOURS).delete()
    old = ServingMinute.objects.filter(minute__lt=now - KEPT_MINUTES).exclude(minute__minute=0)
    for row in list(old[:5000]):
        values = {name: getattr(row, name) for name in
                  (*ServingMinute.COUNTS, *ServingMinute.SUMS, *ServingMinute.HISTOGRAMS)}  # fmt: skip
        hour = row.minute.replace(minute=0)
        with transaction.atomic():
            if not ServingMinute.objects.filter(pk=row.pk).delete()[0]:
                continue  # another worker was quicker
            target, _ = ServingMinute.objects.select_for_update().get_or_create(
                minute=hour, version=row.version, defaults={"latency": list(EMPTY), "learning": list(EMPTY)}
            )
            _into(target, values)
            target.save()
    return before - ServingMinute.objects.count()


counts = ServingCounts()
