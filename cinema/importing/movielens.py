"""MovieLens' own files, read as a stream: 100K (u.data), 1M and 10M (.dat), latest, 20M, 25M and 32M (.csv).

One line is one row in all of them, so that a quote that is never closed costs its own line and no more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from django.conf import settings

from cinema.importing.formats import (
    MOVIELENS_100K,
    MOVIELENS_DAT,
    Located,
    UnusableRow,
    check_source_name,
    default_source,
    locate,
)
from cinema.importing.loading import Dataset, Film, load, only_one_import
from cinema.importing.plain_rows import PlainReader, blocks
from cinema.importing.report import BadRows, ImportReport, Progress, ReportProgress
from cinema.importing.sources import MAX_LINE, ImportRejected, numbered_lines, open_source
from cinema.importing.spool import ROW, RatingSpool, RowTuple
from cinema.importing.titles import clean_text, split_title

MAX_FILMS = 1_000_000
MAX_GENRE_LENGTH = 60
# 9999-12-31 23:59:59, the last second that a datetime can hold.
LAST_SECOND = 253_402_300_799

# The older sets write one genre differently, and three spellings stand for none.
_GENRE_NAMES = {"Children's": "Children"}
_NO_GENRE = {"", "unknown", "(no genres listed)"}


def load_movielens(
    path: Path | str, *, source: str | None = None, progress: ReportProgress | None = None
) -> ImportReport:
    """Adds the films, people and ratings at ``path``, a folder or a zip file; what is there already stays as it is.

    Raises ImportRejected, with nothing added, where the set as a whole cannot be used.
    """
    with open_source(path) as opened:
        located = locate(opened)
        name = check_source_name(default_source(located) if source is None else source)
        with only_one_import(), reading(located, progress=progress) as dataset:
            return load(dataset, source=name, progress=progress)


@contextmanager
def reading(located: Located, *, progress: ReportProgress | None = None) -> Iterator[Dataset]:
    """All of a set, checked and waiting to be written. Raises ImportRejected for what is no set or breaks off."""
    started = time.perf_counter()
    bad_rows = BadRows()
    located.check_heads()
    films = read_films(located, bad_rows)
    with RatingSpool(settings.VAR_DIR) as ratings:
        ratings_started = time.perf_counter()
        read_ratings(located, films, ratings, bad_rows, progress)
        yield Dataset(
            films=films,
            ratings=ratings,
            ratings_file=located.path(located.format.ratings.name),
            bad_rows=bad_rows,
            started=started,
            rating_seconds=time.perf_counter() - ratings_started,
        )


def read_films(located: Located, bad_rows: BadRows) -> list[Film]:
    file = located.format.movies
    path = located.path(file.name)
    genre_names = _genre_names(located) if located.format is MOVIELENS_100K else []
    films: dict[int, Film] = {}
    with located.source.open(path) as stream:
        for number, line in numbered_lines(stream):
            if (number == 1 and file.header) or (line is not None and not line.strip()):
                continue
            try:
                film = _film(located, line, genre_names)
                if film.source_id in films:
                    raise UnusableRow(f"film {film.source_id} has been named before")
            except UnusableRow as reason:
                bad_rows.add(path, number, str(reason))
                continue
            films[film.source_id] = film
            if len(films) > MAX_FILMS:
                raise ImportRejected(f"{path} holds more than {MAX_FILMS:,} films, which is too many.")
    return list(films.values())


def read_ratings(
    located: Located, films: list[Film], ratings: RatingSpool, bad_rows: BadRows, progress: ReportProgress | None
) -> None:
    file, source = located.format.ratings, located.source
    path = located.path(file.name)
    places = {film.source_id: place for place, film in enumerate(films)}
    reader = PlainReader(file.separator, list(places), LAST_SECOND)
    n_lines, before = 0, source.bytes_read
    with source.open(path) as stream:
        for block in blocks(stream):
            read = reader.read(block, n_lines)
            n_lines += read.n_lines
            ratings.append(read.rows)
            others: list[RowTuple] = []
            for number, text in read.odd:
                line = text if len(text) <= MAX_LINE else None
                if (number == 1 and file.header) or (line is not None and not line.strip()):
                    continue
                try:
                    others.append(_rating(located, line, number, places))
                except UnusableRow as reason:
                    bad_rows.add(path, number, str(reason))
            ratings.append(np.array(others, dtype=ROW))
            if progress is not None:
                fraction = (source.bytes_read - before) / max(source.files[path], 1)
                progress(Progress("Reading ratings", min(fraction, 1.0), ratings.n_rows))


def _rating(located: Located, line: bytes | None, number: int, places: dict[int, int]) -> RowTuple:
    """The row of a line that is unusual, if perhaps only in its spelling."""
    fields = _fields(located, line, ratings=True)
    if len(fields) != 4:
        raise UnusableRow(f"it has {len(fields)} fields instead of 4")
    person, film = _whole_number(fields[0]), _whole_number(fields[1])
    if film not in places:
        raise UnusableRow(f"film {film} is not in {located.format.movies.name}")
    steps = float(fields[2]) * 2 if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", fields[2], re.ASCII) else 0
    if steps not in range(1, 11):
        raise UnusableRow(f"{_shown(fields[2])} is not a rating from 0.5 to 5 in steps of 0.5")
    seconds = _whole_number(fields[3])
    if seconds > LAST_SECOND:
        raise UnusableRow(f"{_shown(fields[3])} is not a time in seconds")
    return person, places[film], number, seconds, int(steps)


def _film(located: Located, line: bytes | None, genre_names: list[str]) -> Film:
    fields = _fields(located, line, ratings=False)
    if located.format is MOVIELENS_100K:
        if len(fields) != 5 + len(genre_names):
            raise UnusableRow(f"it has {len(fields)} fields instead of {5 + len(genre_names)}")
        genres = [genre for genre, flag in zip(genre_names, fields[5:], strict=True) if flag == "1"]
    else:
        if located.format is MOVIELENS_DAT and len(fields) > 3:
            # A title may hold the separator: only the first and the last one count.
            fields = [fields[0], located.format.movies.separator.join(fields[1:-1]), fields[-1]]
        if len(fields) != 3:
            raise UnusableRow(f"it has {len(fields)} fields instead of 3")
        genres = fields[2].split("|")
    source_id = _whole_number(fields[0])
    title, year = split_title(fields[1], untitled=f"Untitled film {source_id}")
    return Film(source_id, title, year, _named(genres))


def _named(genres: list[str]) -> tuple[str, ...]:
    names = dict.fromkeys(clean_text(genre) for genre in genres)
    if any(len(name) > MAX_GENRE_LENGTH for name in names):
        raise UnusableRow(f"it names a genre of more than {MAX_GENRE_LENGTH} characters")
    return tuple(dict.fromkeys(_GENRE_NAMES.get(name, name) for name in names if name not in _NO_GENRE))


def _genre_names(located: Located) -> list[str]:
    """The genres of 100K in the order of the flags in u.item."""
    path = located.path(located.format.genre_file)
    genres: dict[int, str] = {}
    with located.source.open(path) as stream:
        for _, line in numbered_lines(stream):
            match = re.fullmatch(rb"([^|]{1,60})\|([0-9]{1,2})\s*", line or b"|")
            if match is not None and int(match[2]) == len(genres):
                genres[len(genres)] = match[1].decode("latin-1")
            elif line is None or line.strip():
                raise ImportRejected(f"{path} does not look like that file of {located.format.name}.")
    return list(genres.values())


def _fields(located: Located, line: bytes | None, *, ratings: bool) -> list[str]:
    if line is None:
        raise UnusableRow(f"it is longer than {MAX_LINE // 1024} KiB")
    return located.format.fields(located.format.ratings if ratings else located.format.movies, line)


def _whole_number(field: str) -> int:
    if not (field.isascii() and field.isdigit() and len(field) <= 18):
        raise UnusableRow(f"{_shown(field)} is not a whole number")
    return int(field)


def _shown(field: str) -> str:
    """A field as it can be printed anywhere."""
    return ascii(field[:20])
