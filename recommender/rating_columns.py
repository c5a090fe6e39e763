"""All ratings out of the database as columns, sorted by person and film, a block at a time.

A training of many millions must not take more memory than the ratings themselves: the database sorts, and of what is
read only row numbers, stars and seconds stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cinema.database_moments import to_database
from cinema.models import Rating

BLOCK_ROWS = 10_000
# Room for what comes in between counting and reading, before the columns have to be made anew.
SPARE_ROWS = 10_000

_TABLE = f'"{Rating._meta.db_table}"'
# Seconds since 1970, computed by the database: making a datetime of every row would take ten times as long.
_SECONDS = {
    # Cut off to whole seconds first: SQLite would round .9995 up.
    "sqlite": "CAST(strftime('%%s', substr(rated_at, 1, 19)) AS INTEGER)",
    # FLOOR, since a cast would round up.
    "postgresql": "CAST(FLOOR(EXTRACT(EPOCH FROM rated_at)) AS BIGINT)",
}
# What COPY's binary format has before its rows, and after them:
# https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
_COPY_HEADER_BYTES, _COPY_END = 19, b"\xff\xff"
_COPY_ROW = np.dtype(
    [("n", ">i2")]
    + [
        (f"{name}{part}", kind)
        for name, kind in (("user", ">i8"), ("movie", ">i8"), ("value", ">f8"), ("seconds", ">i8"))
        for part, kind in (("_bytes", ">i4"), ("", kind))
    ]
)


@dataclass(frozen=True, eq=False)
class RatingColumns:
    """n ratings, ascending by person and film. Person u is ``user_ids[u]``, film i ``movie_ids[i]``."""

    user: NDArray[np.int32]  # (n,)
    item: NDArray[np.int32]  # (n,)
    value: NDArray[np.float32]  # (n,) stars
    time: NDArray[np.integer[Any]]  # (n,) seconds since 1970, uint32 if all of them fit, else int64
    user_ids: NDArray[np.int64]  # ascending, those with a rating
    movie_ids: NDArray[np.int64]  # ascending, the catalogue and what was rated

    def take(self, keep: NDArray[np.bool_]) -> RatingColumns:
        """The ratings to keep, and the people who have one."""
        user = self.user[keep]
        left = np.unique(user)
        return RatingColumns(
            user=np.searchsorted(left, user).astype(np.int32),
            item=self.item[keep],
            value=self.value[keep],
            time=self.time[keep],
            user_ids=self.user_ids[left],
            movie_ids=self.movie_ids,
        )

    def blocks(self) -> Iterator[slice]:
        for start in range(0, len(self.user), BLOCK_ROWS):
            yield slice(start, start + BLOCK_ROWS)


def read_columns(catalogue: NDArray[np.int64], until: datetime | None = None) -> RatingColumns:
    """All ratings; with ``until``, without those that were changed later. ``catalogue``: ids of films, ascending."""
    growing = _Growing(catalogue, _count(until) + SPARE_ROWS)
    for block in _blocks(until):
        growing.append(block)
    return growing.columns()


@dataclass(frozen=True, eq=False)
class _Block:
    """As the database has them: ids, not row numbers."""

    user: NDArray[np.int64]
    movie: NDArray[np.int64]
    value: NDArray[np.float64]
    seconds: NDArray[np.int64]


class _Growing:
    def __init__(self, catalogue: NDArray[np.int64], room: int) -> None:
        # What nobody has written to takes no memory yet.
        self._user, self._item = np.empty(room, np.int32), np.empty(room, np.int32)
        self._value = np.empty(room, np.float32)
        self._time: NDArray[np.integer[Any]] = np.empty(room, np.uint32)
        self._n = 0
        self._catalogue = catalogue
        self._people: list[NDArray[np.int64]] = []
        self._n_people = 0
        self._last_person: int | None = None
        self._late: dict[int, int] = {}  # films that were added since the catalogue was read: row numbers behind it

    def append(self, block: _Block) -> None:
        end = self._n + len(block.user)
        if end > len(self._user):
            self._make_room(2 * end)
        if block.seconds.min() < 0 or block.seconds.max() > np.iinfo(self._time.dtype).max:
            self._time = self._time.astype(np.int64)
        rows = slice(self._n, end)
        self._user[rows] = self._people_rows(block.user)
        self._item[rows] = self._film_rows(block.movie)
        self._value[rows] = block.value
        self._time[rows] = block.seconds
        self._n = end

    def _make_room(self, room: int) -> None:
        for name in ("_user", "_item", "_value", "_time"):
            old = getattr(self, name)
            new = np.empty(room, old.dtype)
            new[: self._n] = old[: self._n]
            setattr(self, name, new)

    def _people_rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        begins = np.empty(len(ids), np.bool_)
        begins[1:] = ids[1:] != ids[:-1]
        begins[0] = ids[0] != self._last_person
        rows = self._n_people - 1 + np.cumsum(begins)
        self._people.append(ids[begins])
        self._n_people += int(begins.sum())
        self._last_person = int(ids[-1])
        return rows

    def _film_rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        n = len(self._catalogue)
        rows = np.searchsorted(self._catalogue, ids)
        unknown = np.ones(len(ids), np.bool_) if not n else self._catalogue[rows.clip(max=n - 1)] != ids
        for place in np.flatnonzero(unknown).tolist():
            rows[place] = self._late.setdefault(int(ids[place]), n + len(self._late))
        return rows

    def columns(self) -> RatingColumns:
        n = self._n
        item, movie_ids = self._item[:n], self._catalogue
        if self._late:
            numbered = np.concatenate([self._catalogue, np.fromiter(self._late, np.int64)])
            movie_ids = np.sort(numbered)
            item = np.searchsorted(movie_ids, numbered).astype(np.int32)[item]
        user_ids = np.concatenate(self._people) if self._people else np.empty(0, np.int64)
        return RatingColumns(self._user[:n], item, self._value[:n], self._time[:n], user_ids, movie_ids)


def _condition(until: datetime | None) -> tuple[str, list[Any]]:
    if until is None:
        return "", []
    # As the database keeps moments, for a query that Django's models do not write.
    return " WHERE changed_at <= %s", [to_database(until)]


def _count(until: datetime | None) -> int:
    where, values = _condition(until)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {_TABLE}{where}", values)  # our own table  # nosec B608
        row: tuple[int] = cursor.fetchone()
    return row[0]


def _blocks(until: datetime | None) -> Iterator[_Block]:
    """None is empty. One statement, so that all of them are of the same moment."""
    where, values = _condition(until)
    columns = f"user_id, movie_id, value, {_SECONDS[connection.vendor]}"
    statement = f"SELECT {columns} FROM {_TABLE}{where} ORDER BY user_id, movie_id"  # our own table  # nosec B608
    return _fetched(statement, values) if connection.vendor == "sqlite" else _copied(statement, values)


def _fetched(statement: str, values: list[Any]) -> Iterator[_Block]:
    with _hardly_cached(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(BLOCK_ROWS):
            # float64 holds ids and seconds exactly up to 2**53.
            user, movie, value, seconds = np.array(rows, dtype=np.float64).T
            yield _Block(user.astype(np.int64), movie.astype(np.int64), value, seconds.astype(np.int64))


@contextmanager
def _hardly_cached() -> Iterator[None]:
    """With little of SQLite's file in memory: read once from end to end, its pages would stay there for nothing."""
    settings = {"mmap_size": 0, "cache_size": -2_000}
    with connection.cursor() as cursor:
        before = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in settings}
        try:
            for name, value in settings.items():
                cursor.execute(f"PRAGMA {name} = {value}")
            yield
        finally:
            for name, value in before.items():
                cursor.execute(f"PRAGMA {name} = {int(value)}")


def _copied(statement: str, values: list[Any]) -> Iterator[_Block]:
    """A cursor would hold all rows in memory before it gives the first."""
    with connection.cursor() as cursor, cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT BINARY)", values) as copy:
        messages = iter(copy)
        begin = _COPY_HEADER_BYTES
        while data := b"".join(islice(messages, BLOCK_ROWS)):
            data = data[begin:].removesuffix(_COPY_END) if _ended(data, begin) else data[begin:]
            begin = 0
            if data:
                table = np.frombuffer(data, _COPY_ROW)
                names = ("user", "movie", "value", "seconds")
                yield _Block(*(table[name].astype(table.dtype[name].newbyteorder("=")) for name in names))


def _ended(data: bytes, begin: int) -> bool:
    return (len(data) - begin) % _COPY_ROW.itemsize == len(_COPY_END)
