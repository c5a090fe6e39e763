"""Lists that people were shown, and what they did about the films: kept in memory until they are written together.

Whoever is gone by then is left out, so that an erased person stays erased, whatever process still held a list of
theirs. While nothing can be written, the latest MAX_KEPT are kept.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import Error, IntegrityError, connection, models
from django.utils import timezone

from cinema.database_moments import to_database
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
            return _written(notes) if notes and self._records else 0
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


def _written(notes: Collection[_Note]) -> int:
    """How many rows were written. Somebody may have gone between the question who is there and the writing; then they
    are asked for again. What refers to nothing even so is given up, or it would be tried for ever."""
    for _ in range(2):
        try:
            return _write(notes)
        except IntegrityError as error:
            reason = error
    logger.error("%s notes of what people were shown fit nothing and are lost: %s", f"{len(notes):,}", reason)
    return 0


def _write(notes: Collection[_Note]) -> int:
    lists = [(note, note.what) for note in notes if isinstance(note.what, Shown)]
    acts = [(note, note.what) for note in notes if isinstance(note.what, Acted)]
    # Worked out beforehand: whoever rates meanwhile waits for the writing alone.
    rows_of_lists = [(what.user_id, _row_of_list(note, what)) for note, what in lists]
    rows_of_acts = [
        (what.user_id, what.movie_id, [what.user_id, what.movie_id, what.act, what.stars, to_database(note.at), False])
        for note, what in acts
    ]
    ids, movie_ids = {note.what.user_id for note in notes}, {what.movie_id for _, what in acts}
    with forgettable():
        people, movies = _there(User.objects.all(), ids), _there(Movie.objects.all(), movie_ids)
        shown = [row for user_id, row in rows_of_lists if user_id in people]
        done = [row for user_id, movie_id, row in rows_of_acts if user_id in people and movie_id in movies]
        with connection.cursor() as cursor:
            for statement, rows in ((_SHOWN, shown), (_DONE, done)):
                if rows:
                    cursor.executemany(statement, rows)
    return len(shown) + len(done)


def _row_of_list(note: _Note, what: Shown) -> list[Any]:
    lot = None if what.lot is None else json.dumps(asdict(what.lot))
    return [
        what.user_id, to_database(note.at), what.surface, what.version, what.personal, note.device, what.where,
        json.dumps(what.movie_ids), what.slots, what.experiment, what.arms, lot,
    ]  # fmt: skip


def _statement(model: type[models.Model], *fields: str) -> str:
    """What bulk_create would compose anew for every few hundred rows, in ten times the time. Our own tables."""
    of_model = {field.name: field.column for field in model._meta.concrete_fields}
    columns = ", ".join(f'"{of_model[name]}"' for name in fields)
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({", ".join(["%s"] * len(fields))})'  # nosec B608


_SHOWN = _statement(
    ServedList, "user", "at", "surface", "version", "personal", "device", "where", "movie_ids", "slots", "experiment",
    "arms", "lot",
)  # fmt: skip
_DONE = _statement(Engagement, "user", "movie", "kind", "value", "at", "settled")


def _there(rows: models.QuerySet[Any], wanted: set[int]) -> set[int]:
    """Which of them the database still has."""
    ids, found = sorted(wanted), set[int]()
    for start in range(0, len(ids), _AT_ONCE):
        found.update(rows.filter(pk__in=ids[start : start + _AT_ONCE]).order_by().values_list("pk", flat=True))
    return found


log = EngagementLog()
