"""Ratings into the database as fast as it takes them: raw rows, many in a statement, never a model instance.

SQLite takes a hundred rows a statement five times as fast as one a statement, PostgreSQL takes COPY. Into an empty
table, indexes are built last, each at one go; on PostgreSQL constraints too, for which it would ask other tables twice
a row.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from numpy.typing import NDArray

from cinema.database_moments import to_database
from cinema.models import Rating

# Rows a statement on SQLite: with more it is no faster.
ROWS_TOGETHER = 100
# Rows a transaction into an empty table.
CHUNK_INTO_EMPTY = 100_000
# Into a table that serves, a transaction is as long as others may wait for it.
FIRST_CHUNK, SMALLEST_CHUNK, LARGEST_CHUNK = 5_000, 500, 50_000
LOCKED_SECONDS = 0.25
# SQLite has no queue for those who want to write: they ask again every millisecond (cinema.sqlite).
PAUSE_SECONDS = 0.01
# On PostgreSQL as many transactions at once: half of the time it looks up films and people, row by row.
CONNECTIONS = 2
CACHE_KIB = 128_000

_TABLE = f'"{Rating._meta.db_table}"'
_COLUMNS = "user_id, movie_id, value, rated_at, changed_at"
_WAITING = '"cinema_ratings_waiting"'  # a temporary table
_2000 = 946_684_800  # PostgreSQL counts from then on
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_COPY_ROW = np.dtype(
    [("n", ">i2")]
    + [
        (f"{name}{part}", kind)
        for name, kind in (("user", ">i8"), ("movie", ">i8"), ("value", ">f8"), ("rated", ">i8"), ("changed", ">i8"))
        for part, kind in (("_bytes", ">i4"), ("", kind))
    ]
)


@dataclass(frozen=True, eq=False)
class RatingRows:
    """Columns of the same length."""

    user: NDArray[np.int64]  # primary keys
    movie: NDArray[np.int64]
    half_stars: NDArray[np.uint8]
    rated_at: NDArray[np.int64]  # seconds since 1970

    def __post_init__(self) -> None:
        if len(self) and not (self.half_stars.min() >= 1 and self.half_stars.max() <= 10):
            raise ValueError("a rating is not from half a star to five")

    def __len__(self) -> int:
        return len(self.user)

    def __getitem__(self, rows: slice) -> RatingRows:
        return RatingRows(self.user[rows], self.movie[rows], self.half_stars[rows], self.rated_at[rows])


class RatingWriter:
    """Writes rows in transactions; made by ``writing_ratings``."""

    def __init__(self, *, into_empty: bool) -> None:
        self._into_empty = into_empty
        self._chunk = CHUNK_INTO_EMPTY if into_empty else FIRST_CHUNK
        self._ended = -PAUSE_SECONDS  # by the clock that never steps back

    def write(self, rows: RatingRows) -> Iterator[tuple[int, int]]:
        """Writes those that are not there yet: how many were written and how many of them were new, a transaction
        after the other."""
        if connection.vendor == "sqlite" or self._into_empty or connection.in_atomic_block:
            yield from self._one_by_one(rows)
        else:
            yield from self._side_by_side(rows)

    def _side_by_side(self, rows: RatingRows) -> Iterator[tuple[int, int]]:
        """On PostgreSQL, where nobody waits for another's rows, each transaction on a connection of its own."""
        start, running = 0, deque[tuple[int, Future[tuple[int, float]]]]()
        with ThreadPoolExecutor(CONNECTIONS) as executor:  # which waits for what it has begun, come what may
            while start < len(rows) or running:
                while start < len(rows) and len(running) < CONNECTIONS:
                    chunk = rows[start : start + self._chunk]
                    running.append((len(chunk), executor.submit(_store_apart, chunk)))
                    start += len(chunk)
                n, stored = running.popleft()
                added, seconds = stored.result()
                self._adjust(seconds)
                yield n, added

    def _one_by_one(self, rows: RatingRows) -> Iterator[tuple[int, int]]:
        start = 0
        while start < len(rows):
            chunk = rows[start : start + self._chunk]
            # Made before the transaction begins, so that the database is locked for the writing alone.
            prepared = _for_sqlite(chunk) if connection.vendor == "sqlite" else _for_copy(chunk)
            if connection.vendor == "sqlite" and not self._into_empty:
                time.sleep(max(0.0, self._ended + PAUSE_SECONDS - time.monotonic()))
            began = time.monotonic()
            with transaction.atomic():
                added = _store(prepared, into_empty=self._into_empty)
            self._ended = time.monotonic()
            self._adjust(self._ended - began)
            start += len(chunk)
            yield len(chunk), added

    def _adjust(self, seconds: float) -> None:
        if not self._into_empty:
            fitting = int(self._chunk * LOCKED_SECONDS / max(seconds, 1e-6))
            self._chunk = min(max(fitting, SMALLEST_CHUNK, self._chunk // 2), LARGEST_CHUNK, 2 * self._chunk)


@contextmanager
def writing_ratings() -> Iterator[RatingWriter]:
    """For one import.

    Into an empty table it is one transaction on PostgreSQL, which locks ratings meanwhile: there are none to be seen.
    On SQLite others come in between, and what ends in the middle leaves a table without indexes, which
    ``build_missing_indexes`` mends.
    """
    build_missing_indexes()
    if connection.vendor == "sqlite":
        with _well_cached():
            into_empty = not Rating.objects.exists()
            if into_empty:
                _drop_indexes()
            yield RatingWriter(into_empty=into_empty)
            build_missing_indexes()
    elif Rating.objects.exists():
        yield RatingWriter(into_empty=False)
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            connection.check_constraints()  # a table that waits for a check cannot be altered
            cursor.execute(f"LOCK TABLE {_TABLE} IN ACCESS EXCLUSIVE MODE")
            constraints = _constraints(cursor)
            for name, _ in constraints:
                cursor.execute(f'ALTER TABLE {_TABLE} DROP CONSTRAINT "{name}"')
            _drop_indexes()
            yield RatingWriter(into_empty=True)
            build_missing_indexes()
            for name, definition in constraints:
                cursor.execute(f'ALTER TABLE {_TABLE} ADD CONSTRAINT "{name}" {definition}')


@contextmanager
def _well_cached() -> Iterator[None]:
    """With room for the inner pages of all indexes, of which each row touches four."""
    with connection.cursor() as cursor:
        before: tuple[int] = cursor.execute("PRAGMA cache_size").fetchone()
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA cache_size = {int(before[0])}")


def build_missing_indexes() -> list[str]:
    """Builds the indexes of ratings that are not there; their names."""
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, Rating._meta.db_table)
    missing = {name: sql for name, sql in _indexes().items() if name not in there}
    for sql in missing.values():
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA threads = 2")  # for sorting; the limit of the connection, none by default
            cursor.execute(sql)
    return list(missing)


def _drop_indexes() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for name in _indexes():
            cursor.execute(f'DROP INDEX "{name}"')


def _indexes() -> dict[str, str]:
    """Those that are no constraints, by name, with the statement that makes each, as Django's migrations do."""
    statements = [str(statement) for statement in connection.schema_editor()._model_indexes_sql(Rating)]  # type: ignore[attr-defined]
    found = {}
    for statement in statements:
        match = re.match(r'CREATE INDEX "(\w+)" ', statement)
        assert match is not None, statement
        found[match[1]] = statement
    return found


def _constraints(cursor: Any) -> list[tuple[str, str]]:
    """Foreign keys and what is unique, but for the primary key, with their definitions."""
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype IN ('u', 'f') ORDER BY contype DESC",
        [Rating._meta.db_table],
    )
    found: list[tuple[str, str]] = cursor.fetchall()
    return found


def _for_sqlite(rows: RatingRows) -> list[Any]:
    """All values, row by row. Moments are text, as Django writes it: "2000-07-30 18:45:03"."""
    written_at = to_database(timezone.now())
    columns = (
        rows.user.tolist(), rows.movie.tolist(), (rows.half_stars / 2).tolist(), _as_text(rows.rated_at),
        [written_at] * len(rows),
    )  # fmt: skip
    return list(chain.from_iterable(zip(*columns, strict=True)))


def _as_text(seconds: NDArray[np.int64]) -> list[str]:
    text = np.datetime_as_string(seconds.astype("datetime64[s]")).astype("S19")
    text.view("S1").reshape(-1, 19)[:, 10] = b" "  # instead of the T
    strings: list[str] = text.astype("U19").tolist()
    return strings


def _store_apart(rows: RatingRows) -> tuple[int, float]:
    """In a thread of its own: how many of the rows were not there yet, and the seconds."""
    # All in the same order, or two that hold the same ratings could wait for each other for ever.
    order = np.lexsort((rows.movie, rows.user))
    prepared = _for_copy(RatingRows(rows.user[order], rows.movie[order], rows.half_stars[order], rows.rated_at[order]))
    began = time.monotonic()
    try:
        with transaction.atomic():
            added = _store(prepared, into_empty=False)
    finally:
        connection.close()  # the thread's
    return added, time.monotonic() - began


def _store(prepared: Any, *, into_empty: bool) -> int:
    """What was prepared for this database: how many of the rows were not there yet."""
    return _insert(prepared) if connection.vendor == "sqlite" else _copy(prepared, into_empty)


def _insert(values: list[Any]) -> int:
    width = _COLUMNS.count(",") + 1
    added = 0
    with connection.cursor() as cursor:
        # A third of the time: whether a value is a rating has been looked at for all rows at once.
        cursor.execute("PRAGMA ignore_check_constraints = 1")
        try:
            for start in range(0, len(values), ROWS_TOGETHER * width):
                together = values[start : start + ROWS_TOGETHER * width]
                # By the driver itself: Django would look for the places of the values in each statement anew, which
                # is a tenth of the time.
                with connection.wrap_database_errors:
                    added += connection.connection.execute(_insert_statement(len(together) // width), together).rowcount
        finally:
            cursor.execute("PRAGMA ignore_check_constraints = 0")
    return added


def _insert_statement(n_rows: int) -> str:
    rows = ", ".join(["(?, ?, ?, ?, ?)"] * n_rows)
    return f"INSERT INTO {_TABLE} ({_COLUMNS}) VALUES {rows} ON CONFLICT (user_id, movie_id) DO NOTHING"  # nosec B608


def _for_copy(rows: RatingRows) -> bytes:
    """In COPY's binary format: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4"""
    table = np.empty(len(rows), _COPY_ROW)
    table["n"] = 5
    for name in ("user", "movie", "value", "rated", "changed"):
        table[f"{name}_bytes"] = 8
    table["user"], table["movie"], table["value"] = rows.user, rows.movie, rows.half_stars / 2
    table["rated"] = (rows.rated_at - _2000) * 1_000_000
    table["changed"] = round((timezone.now().timestamp() - _2000) * 1_000_000)
    return _COPY_HEADER + table.tobytes() + _COPY_END


def _copy(data: bytes, into_empty: bool) -> int:
    with connection.cursor() as cursor:
        if into_empty:
            with cursor.copy(f"COPY {_TABLE} ({_COLUMNS}) FROM STDIN WITH (FORMAT BINARY)") as copy:
                copy.write(data)
            return int(cursor.rowcount)
        made = f"SELECT {_COLUMNS} FROM {_TABLE} WITH NO DATA"  # our own table  # nosec B608
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {_WAITING} ON COMMIT DROP AS {made}")
        with cursor.copy(f"COPY {_WAITING} ({_COLUMNS}) FROM STDIN WITH (FORMAT BINARY)") as copy:
            copy.write(data)
        cursor.execute(
            f"INSERT INTO {_TABLE} ({_COLUMNS}) SELECT {_COLUMNS} FROM {_WAITING} "  # our own  # nosec B608
            "ON CONFLICT (user_id, movie_id) DO NOTHING"
        )
        added = int(cursor.rowcount)
        cursor.execute(f"TRUNCATE {_WAITING}")  # for the next chunk, where it is of the same transaction
        return added
