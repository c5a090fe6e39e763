"""Lists that people were shown, and what they did about the films: kept in memory until they are written together.

Whoever is gone by then is left out, so that an erased person stays erased, whatever process still held a list of
theirs. While nothing can be written, the latest MAX_KEPT are kept.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import Error, connection, models
from django.utils import timezone

from cinema.durability import forgettable
from cinema.models import Movie, User
from mlops.models import Engagement, EngagementPolicy, ServedList
from recommender.served import Acted, Served, Shown

logger = logging.getLogger(__name__)

MAX_KEPT = 50_000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Note:
    at: datetime
    device: str
    what: Shown | Acted


class EngagementLog:
    """One per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: deque[_Note] = deque()
        self._records = True  # whether the site wants it, as of the last flush

    def record(self, served: Served, *, device: str, now: datetime | None = None) -> None:
        """Adds what one request showed, and what its person did."""
        if not self._records:
            return
        at = now or timezone.now()
        notes = [_Note(at, device, what) for what in served.shown]
        notes += [_Note(at, device, what) for what in served.acts]
        with self._lock:
            self._notes.extend(notes)

    def forget(self) -> None:
        """Drops what has not been written."""
        with self._lock:
            self._notes.clear()

    def flush(self) -> int:
        """Writes what is kept, unless the site wants none of it; how many rows."""
        with self._lock:
            notes, self._notes = self._notes, deque()
        try:
            self._records = EngagementPolicy.current().record
            return _write(notes) if notes and self._records else 0
        except Error as error:
            logger.warning("What people were shown could not be written: %s", error)
            if not connection.in_atomic_block:
                connection.close()
            self._keep(notes)
        return 0

    def _keep(self, notes: deque[_Note]) -> None:
        with self._lock:
            notes.extend(self._notes)
            lost = len(notes) - MAX_KEPT
            if lost > 0:
                logger.error("The %s earliest notes of what people were shown are lost", f"{lost:,}")
                notes = deque(notes, maxlen=MAX_KEPT)
            self._notes = notes


def _write(notes: Collection[_Note]) -> int:
    lists = [(note, note.what) for note in notes if isinstance(note.what, Shown)]
    acts = [(note, note.what) for note in notes if isinstance(note.what, Acted)]
    with forgettable():
        people = _there(User.objects.all(), {note.what.user_id for note in notes})
        movies = _there(Movie.objects.all(), {what.movie_id for _, what in acts})
        served = [
            ServedList(
                user_id=what.user_id,
                at=note.at,
                surface=what.surface,
                version=what.version,
                personal=what.personal,
                device=note.device,
                where=what.where,
                movie_ids=what.movie_ids,
                slots=what.slots,
                experiment_id=what.experiment,
                arms=what.arms,
                lot=what.lot and asdict(what.lot),
            )
            for note, what in lists
            if what.user_id in people
        ]
        done = [
            Engagement(user_id=what.user_id, movie_id=what.movie_id, kind=what.act, value=what.stars, at=note.at)
            for note, what in acts
            if what.user_id in people and what.movie_id in movies
        ]
        ServedList.objects.bulk_create(served, batch_size=_AT_ONCE)
        Engagement.objects.bulk_create(done, batch_size=_AT_ONCE)
    return len(served) + len(done)


def _there(rows: models.QuerySet[Any], wanted: set[int]) -> set[int]:
    """Which of them the database still has."""
    ids, found = sorted(wanted), set[int]()
    for start in range(0, len(ids), _AT_ONCE):
        found.update(rows.filter(pk__in=ids[start : start + _AT_ONCE]).order_by().values_list("pk", flat=True))
    return found


log = EngagementLog()
