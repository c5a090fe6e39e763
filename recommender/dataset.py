"""A snapshot of all ratings as arrays: what a training sees."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Max
from django.utils import timezone
from numpy.typing import NDArray

from cinema import influx
from cinema.models import Genre, Movie, Rating
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import Interactions

_ROWS_AT_A_TIME = 100_000

# Seconds since 1970, computed by the database: making a datetime of every row would take ten times as long.
_SECONDS = {
    "sqlite": "CAST(strftime('%%s', rated_at) AS INTEGER)",
    # FLOOR, since a cast would round up what SQLite cuts off.
    "postgresql": "CAST(FLOOR(EXTRACT(EPOCH FROM rated_at)) AS BIGINT)",
}


@dataclass(frozen=True, eq=False)
class Dataset:
    interactions: Interactions
    user_ids: NDArray[np.int64]  # (n_users,) ascending: user u of the interactions is person user_ids[u]
    movie_ids: NDArray[np.int64]  # (n_items,) ascending, all films of the catalogue
    genres: GenreTable
    years: NDArray[np.int64]  # (n_items,) of release, 0 where unknown
    data_until: datetime  # no rating in here was changed later
    parts: dict[str, str]  # sha256 of each thing that a measurement depends on, by its name

    @property
    def fingerprint(self) -> str:
        """One sha256 for all parts."""
        return hashlib.sha256(
            "".join(f"{name} {self.parts[name]}\n" for name in sorted(self.parts)).encode()
        ).hexdigest()


def _adapted(moment: datetime) -> Any:
    """As the database keeps moments, for a query that Django's models do not write."""
    return connection.ops.adapt_datetimefield_value(moment)


def _rating_columns(
    until: datetime | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    table = connection.ops.quote_name(Rating._meta.db_table)
    chunks: list[NDArray[np.float64]] = []
    with connection.cursor() as cursor:
        where, values = ("", []) if until is None else (" WHERE changed_at <= %s", [_adapted(until)])
        columns = f"user_id, movie_id, value, {_SECONDS[connection.vendor]}"
        cursor.execute(f"SELECT {columns} FROM {table}{where}", values)  # names of our own columns  # nosec B608
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            # float64 holds ids and seconds exactly up to 2**53.
            chunks.append(np.array(rows, dtype=np.float64))
    table_of_all = np.concatenate(chunks) if chunks else np.empty((0, 4))
    order = np.lexsort((table_of_all[:, 1], table_of_all[:, 0]))
    user, movie, value, seconds = table_of_all[order].T
    return user.astype(np.int64), movie.astype(np.int64), value.astype(np.float32), seconds.astype(np.int64)


def _counting(
    columns: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]], until: datetime
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Without what a crowd of new accounts has too much of for a film."""
    user, movie, value, seconds = columns
    new = np.fromiter(influx.new_accounts(until).order_by().values_list("pk", flat=True), np.int64)
    films, film = np.unique(movie, return_inverse=True)
    keep = influx.counting(film, np.isin(user, new), seconds, len(films))
    return user[keep], movie[keep], value[keep], seconds[keep]


def _genre_table(movie_ids: NDArray[np.int64]) -> GenreTable:
    genres = list(Genre.objects.order_by("pk").values_list("pk", "name"))
    column = {pk: number for number, (pk, _) in enumerate(genres)}
    membership = np.zeros((len(movie_ids), len(genres)), np.uint8)
    row = {movie_id: number for number, movie_id in enumerate(movie_ids.tolist())}
    for movie_id, genre_id in Movie.genres.through.objects.values_list("movie_id", "genre_id").iterator():
        # A film or a genre may have been added since they were read.
        if movie_id in row and genre_id in column:
            membership[row[movie_id], column[genre_id]] = 1
    return GenreTable(tuple(name for _, name in genres), membership)


def _years(movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    known = dict(Movie.objects.filter(year__isnull=False).values_list("pk", "year").iterator())
    return np.array([known.get(movie_id, 0) for movie_id in movie_ids.tolist()], dtype=np.int64)


def _sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _parts(
    ratings: tuple[NDArray[Any], ...], movie_ids: NDArray[np.int64], genres: GenreTable, years: NDArray[np.int64]
) -> dict[str, str]:
    """Who rated what, how and when; which films there are; their genres and years."""
    return {
        "ratings": _sha256(*(np.ascontiguousarray(column).tobytes() for column in ratings)),
        "films": _sha256(movie_ids.tobytes()),
        "genres": _sha256(json.dumps(genres.names).encode(), genres.membership.tobytes()),
        "years": _sha256(years.tobytes()),
    }


def snapshot(until: datetime | None = None) -> Dataset:
    """All ratings and films as they are now; with ``until``, without the ratings that were changed later. Left out is
    what a crowd of new accounts has too much of for a film (cinema.influx)."""
    # Taken first: a rating that comes in while we read may be trained on and yet count as new, which does little harm.
    # The other way round it would be counted as known and never have been seen.
    data_until = until or Rating.objects.aggregate(latest=Max("changed_at"))["latest"] or timezone.now()
    user, movie, value, seconds = _counting(_rating_columns(until), data_until)
    # A film may have been added since: those of the ratings belong to the catalogue in any case.
    catalogue = np.fromiter(Movie.objects.order_by("pk").values_list("pk", flat=True).iterator(), np.int64)
    movie_ids = np.union1d(catalogue, movie)
    user_ids, user_rows = np.unique(user, return_inverse=True)
    genres, years = _genre_table(movie_ids), _years(movie_ids)
    return Dataset(
        interactions=Interactions(
            user=user_rows.astype(np.int32),
            item=np.searchsorted(movie_ids, movie).astype(np.int32),
            value=value,
            time=seconds,
            n_users=len(user_ids),
            n_items=len(movie_ids),
        ),
        user_ids=user_ids,
        movie_ids=movie_ids,
        genres=genres,
        years=years,
        data_until=data_until,
        parts=_parts((user, movie, value, seconds), movie_ids, genres, years),
    )
