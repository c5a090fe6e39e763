"""Writes a set that has been read to its end: films with their genres, then people, then ratings.

Other writers come in between the transactions. If the database gives up on the way, or somebody presses Ctrl-C, what
this import has added is taken out again; after a power cut the same import completes what is there.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.color import no_style
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from numpy.typing import NDArray

from cinema import audit
from cinema.catalogue_edition import catalogue_changed
from cinema.database_lock import only_one
from cinema.importing.rating_rows import RatingRows, build_missing_indexes, writing_ratings
from cinema.importing.report import BadRows, ImportReport, Progress, ReportProgress
from cinema.importing.sources import ImportRejected
from cinema.importing.spool import RatingSpool
from cinema.models import Genre, Movie, Rating, User, new_edition

logger = logging.getLogger(__name__)

# Rows a transaction: with more, a person who rates a film meanwhile would wait noticeably. A film brings two or three
# rows of genres with it. (Ratings are written by cinema.importing.rating_rows.)
CHUNK_FILMS = 1_000
CHUNK_PEOPLE = 2_000
CHUNK_TAKEN_BACK = 5_000


@dataclass(frozen=True, slots=True)
class Film:
    source_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    films: list[Film]
    ratings: RatingSpool
    ratings_file: str
    bad_rows: BadRows
    started: float  # by time.perf_counter()
    rating_seconds: float  # that reading them took


@contextmanager
def only_one_import() -> Iterator[None]:
    """Two imports of one set at the same time would take each other's rows for their own."""
    try:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        lock = (settings.VAR_DIR / "importing.lock").open("w")
    except OSError as error:
        raise ImportRejected(f"An import needs to write in {settings.VAR_DIR}: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImportRejected("Another import is running: wait until it has finished.") from error
        with only_one("import") as held:
            if not held:
                raise ImportRejected("Another import is running on another host: wait until it has finished.")
            yield


def load(
    dataset: Dataset, *, source: str, keep_ids: bool = False, progress: ReportProgress | None = None
) -> ImportReport:
    """Adds what is missing of ``dataset``. Raises ImportRejected, with nothing left of it, if the database gives up.

    ``keep_ids`` makes the set's own ids the primary keys, which an empty catalogue allows, and puts everything into
    one transaction, since a catalogue with half a demo would never be taken for empty again.
    """
    writing = _Writing(dataset, source, keep_ids, progress)
    try:
        if keep_ids:
            with transaction.atomic():
                report = writing.write()
                writing.reset_sequences()
        else:
            report = _write_or_take_back(writing)
    except DatabaseError as error:
        reason = str(error).partition("\n")[0]
        raise ImportRejected(f"The database stopped the import, and nothing of it was kept: {reason}") from error
    audit.record(audit.Action.IMPORT, subject=f"{source}: {report.ratings_added} ratings")
    return report


def _write_or_take_back(writing: _Writing) -> ImportReport:
    try:
        return writing.write()
    except BaseException:
        try:
            writing.take_back()
        except DatabaseError as error:
            logger.exception("What an unfinished import had added could not be taken out again")
            raise ImportRejected(
                "The database stopped the import, and a part of it is still there: run the same import again."
            ) from error
        finally:
            build_missing_indexes()
        raise


class _Writing:
    """One import on its way into the database, and what it has added so far."""

    def __init__(self, dataset: Dataset, source: str, keep_ids: bool, progress: ReportProgress | None) -> None:
        self.dataset = dataset
        self.source = source
        self.keep_ids = keep_ids
        self.progress = progress
        self.began_at = timezone.now()
        # Names and ids of the set, noted before they are written, so that no interruption comes in between.
        self.new_genres: list[str] = []
        self.new_films: list[int] = []
        self.new_people: list[int] = []
        self.n_ratings_added = 0

    def write(self) -> ImportReport:
        dataset = self.dataset
        self._check_names()
        film_ids = self._write_films()
        person_ids = self._write_people()
        ratings_started = time.perf_counter()
        n_ratings = self._write_ratings(film_ids, person_ids)
        self._new_editions()
        finished = time.perf_counter()
        return ImportReport(
            source=self.source,
            movies_added=len(self.new_films),
            movies_present=len(dataset.films) - len(self.new_films),
            people_added=len(self.new_people),
            people_present=len(person_ids) - len(self.new_people),
            ratings_added=self.n_ratings_added,
            ratings_present=n_ratings - self.n_ratings_added,
            n_bad_rows=dataset.bad_rows.count,
            bad_rows=dataset.bad_rows.first,
            seconds=finished - dataset.started,
            rating_seconds=dataset.rating_seconds + finished - ratings_started,
        )

    def _report(self, phase: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(Progress(phase, done / max(total, 1), done))

    def _check_names(self) -> None:
        """An account that somebody named like an imported person would stand in that person's way."""
        taken = User.objects.filter(username__startswith=f"{self.source}:").exclude(source=self.source).first()
        if taken is not None:
            raise ImportRejected(f"The account {taken.username!r} has a name that this import needs: rename it first.")

    def _write_films(self) -> NDArray[np.int64]:
        """Primary keys, in the order of the set's films."""
        films = self.dataset.films
        known = dict(Movie.objects.filter(source=self.source).values_list("source_id", "pk"))
        missing = [film for film in films if film.source_id not in known]
        self.new_films = [film.source_id for film in missing]
        genre_ids = self._write_genres({genre for film in missing for genre in film.genres})
        for start in range(0, len(missing), CHUNK_FILMS):
            chunk = missing[start : start + CHUNK_FILMS]
            with transaction.atomic():
                movies = Movie.objects.bulk_create(
                    [
                        Movie(
                            pk=film.source_id if self.keep_ids else None,
                            title=film.title,
                            year=film.year,
                            source=self.source,
                            source_id=film.source_id,
                        )
                        for film in chunk
                    ]
                )
                Movie.genres.through.objects.bulk_create(
                    [
                        Movie.genres.through(movie_id=movie.pk, genre_id=genre_ids[genre])
                        for movie, film in zip(movies, chunk, strict=True)
                        for genre in film.genres
                    ]
                )
                catalogue_changed()
            known.update((movie.source_id, movie.pk) for movie in movies)
            self._report("Writing films", start + len(chunk), len(missing))
        return np.array([known[film.source_id] for film in films], dtype=np.int64)

    def _write_genres(self, names: set[str]) -> dict[str, int]:
        with transaction.atomic():
            known = dict(Genre.objects.values_list("name", "pk"))
            self.new_genres = sorted(names - known.keys())
            added = Genre.objects.bulk_create([Genre(name=name) for name in self.new_genres])
        return known | {genre.name: genre.pk for genre in added}

    def _write_people(self) -> NDArray[np.int64]:
        """Primary keys, in the order of the set's ids of people."""
        people = self.dataset.ratings.people().tolist()
        known = dict(User.objects.filter(source=self.source).values_list("source_id", "pk"))
        missing = self.new_people = [person for person in people if person not in known]
        for start in range(0, len(missing), CHUNK_PEOPLE):
            chunk = missing[start : start + CHUNK_PEOPLE]
            no_password = make_password(None)
            users = [
                User(
                    pk=person if self.keep_ids else None,
                    username=f"{self.source}:{person}",
                    password=no_password,
                    is_active=False,
                    date_joined=self.began_at,
                    source=self.source,
                    source_id=person,
                )
                for person in chunk
            ]
            with transaction.atomic():
                User.objects.bulk_create(users)
            known.update((user.source_id, user.pk) for user in users)
            self._report("Writing people", start + len(chunk), len(missing))
        return np.array([known[person] for person in people], dtype=np.int64)

    def _write_ratings(self, film_ids: NDArray[np.int64], person_ids: NDArray[np.int64]) -> int:
        """How many there are, those that were there already included."""
        spool = self.dataset.ratings
        people = spool.people()
        done = 0
        with writing_ratings() as writer:
            for rows, duplicate_lines in spool.partitions():
                self.dataset.bad_rows.add_all(
                    self.dataset.ratings_file,
                    duplicate_lines.tolist(),
                    "the person has rated this film in an earlier line",
                )
                ready = RatingRows(
                    user=person_ids[np.searchsorted(people, rows["person"])],
                    movie=film_ids[rows["film"]],
                    half_stars=rows["half_stars"],
                    rated_at=rows["at"],
                )
                for n_written, n_added in writer.write(ready):
                    self.n_ratings_added += n_added
                    done += n_written
                    self._report("Writing ratings", done, spool.n_rows)
            self._report("Indexing ratings", done, spool.n_rows)
        return done

    def _new_editions(self) -> None:
        """Lists made for these people before are out of date."""
        if self.n_ratings_added:
            User.objects.filter(source=self.source).update(edition=new_edition())

    def reset_sequences(self) -> None:
        """New films and people get ids above those that were given. SQLite sees to that by itself."""
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [User, Movie]):
                cursor.execute(statement)

    def take_back(self) -> None:
        """Removes what this import added, except films that somebody has rated meanwhile."""
        # Imported people cannot rate, so what theirs has changed since the beginning is of this import.
        added = Rating.objects.filter(user__source=self.source, changed_at__gte=self.began_at)
        while keys := list(added.order_by().values_list("pk", flat=True)[:CHUNK_TAKEN_BACK]):
            with transaction.atomic():
                Rating.objects.filter(pk__in=keys).delete()
        self._new_editions()
        for people in _chunks(self.new_people, CHUNK_PEOPLE):
            with transaction.atomic():
                User.objects.filter(source=self.source, source_id__in=people).delete()
        for films in _chunks(self.new_films, CHUNK_FILMS):
            with transaction.atomic():
                # Locked first: nobody can rate a film between the question whether one did and its removal.
                movies = Movie.objects.select_for_update().filter(source=self.source, source_id__in=films)
                keys = list(movies.values_list("pk", flat=True))
                rated = Rating.objects.filter(movie__in=keys).values_list("movie_id", flat=True)
                Movie.objects.filter(pk__in=set(keys).difference(rated)).delete()
        with transaction.atomic():
            Genre.objects.filter(name__in=self.new_genres, movies=None).delete()


def _chunks(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
