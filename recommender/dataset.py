"""A snapshot of all ratings as arrays: what a training sees."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Max
from django.utils import timezone
from numpy.typing import NDArray

from cinema import influx
from cinema.models import Genre, Movie, Rating
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import Interactions
from recommender.rating_columns import RatingColumns, read_columns


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


def _counting(columns: RatingColumns, until: datetime) -> RatingColumns:
    """Without what a crowd of new accounts has too much of for a film."""
    new = np.fromiter(influx.new_accounts(until).order_by().values_list("pk", flat=True), np.int64)
    is_new = np.isin(columns.user_ids, new)
    if not is_new.any():
        return columns
    keep = influx.counting(columns.item, is_new[columns.user], columns.time, len(columns.movie_ids))
    return columns if keep.all() else columns.take(keep)


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


def _sha256_of_ratings(columns: RatingColumns) -> str:
    """Of ids, stars and seconds, column after column, without making any of them whole."""
    digest = hashlib.sha256()
    for rows in columns.blocks():
        digest.update(columns.user_ids[columns.user[rows]].tobytes())
    for rows in columns.blocks():
        digest.update(columns.movie_ids[columns.item[rows]].tobytes())
    digest.update(columns.value.data)
    for rows in columns.blocks():
        digest.update(columns.time[rows].astype(np.int64).tobytes())
    return digest.hexdigest()


def _parts(columns: RatingColumns, genres: GenreTable, years: NDArray[np.int64]) -> dict[str, str]:
    """Who rated what, how and when; which films there are; their genres and years."""
    return {
        "ratings": _sha256_of_ratings(columns),
        "films": _sha256(columns.movie_ids.tobytes()),
        "genres": _sha256(json.dumps(genres.names).encode(), genres.membership.tobytes()),
        "years": _sha256(years.tobytes()),
    }


def snapshot(until: datetime | None = None) -> Dataset:
    """All ratings and films as they are now; with ``until``, without the ratings that were changed later. Left out is
    what a crowd of new accounts has too much of for a film (cinema.influx)."""
    # Taken first: a rating that comes in while we read may be trained on and yet count as new, which does little harm.
    # The other way round it would be counted as known and never have been seen.
    data_until = until or Rating.objects.aggregate(latest=Max("changed_at"))["latest"] or timezone.now()
    # Films that are added while we read belong to the catalogue as soon as one of the ratings is of them.
    catalogue = np.fromiter(Movie.objects.order_by("pk").values_list("pk", flat=True).iterator(), np.int64)
    columns = _counting(read_columns(catalogue, until), data_until)
    genres, years = _genre_table(columns.movie_ids), _years(columns.movie_ids)
    return Dataset(
        interactions=Interactions(
            user=columns.user,
            item=columns.item,
            value=columns.value,
            time=columns.time,
            n_users=len(columns.user_ids),
            n_items=len(columns.movie_ids),
        ),
        user_ids=columns.user_ids,
        movie_ids=columns.movie_ids,
        genres=genres,
        years=years,
        data_until=data_until,
        parts=_parts(columns, genres, years),
    )
