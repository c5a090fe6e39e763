"""Which of MovieLens' formats a folder or zip file holds, and how their lines are taken apart."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from cinema.importing.sources import ImportRejected, Source, numbered_lines

# The name the embedded demo goes by; no other set may take it.
DEMO_SOURCE = "movielens-demo"
# A file without a header is taken for something else if none of so many lines at its head looks right.
HEAD_LINES = 10


class UnusableRow(Exception):
    """The row stays out. The message says why, and follows on the file's name and the line's number."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    name: str
    separator: str
    header: tuple[str, ...] = ()
    # What a line of a file without a header looks like, roughly.
    shape: str = ""


@dataclass(frozen=True, slots=True)
class MovieLensFormat:
    name: str
    movies: FileFormat
    ratings: FileFormat
    encodings: tuple[str, ...]  # the first that fits a line
    genre_file: str = ""

    @property
    def files(self) -> list[str]:
        return [file for file in (self.movies.name, self.ratings.name, self.genre_file) if file]

    def text(self, line: bytes) -> str:
        for encoding in self.encodings:
            try:
                return line.decode(encoding).rstrip("\r\n")
            except UnicodeDecodeError:
                continue
        raise UnusableRow("it is not UTF-8 text")

    def fields(self, file: FileFormat, line: bytes) -> list[str]:
        text = self.text(line)
        if file.separator != ",":
            return text.split(file.separator)
        try:
            return next(csv.reader([text], strict=True), [])
        except csv.Error as error:
            raise UnusableRow("its quotes do not match") from error


MOVIELENS_100K = MovieLensFormat(
    "MovieLens 100K",
    FileFormat("u.item", "|", shape=r"[0-9]+\|(?:[^|]*\|){4}[01|]+"),
    FileFormat("u.data", "\t", shape=r"[0-9]+\t[0-9]+\t[0-9.]+\t[0-9]+"),
    encodings=("latin-1",),
    genre_file="u.genre",
)
MOVIELENS_DAT = MovieLensFormat(
    "MovieLens 1M or 10M",
    FileFormat("movies.dat", "::", shape=r"[0-9]+::.*::.*"),
    FileFormat("ratings.dat", "::", shape=r"[0-9]+::[0-9]+::[0-9.]+::[0-9]+"),
    encodings=("utf-8", "latin-1"),  # 10M, 1M
)
MOVIELENS_CSV = MovieLensFormat(
    "MovieLens latest, 20M, 25M or 32M",
    FileFormat("movies.csv", ",", header=("movieId", "title", "genres")),
    FileFormat("ratings.csv", ",", header=("userId", "movieId", "rating", "timestamp")),
    encodings=("utf-8",),
)
FORMATS = (MOVIELENS_100K, MOVIELENS_DAT, MOVIELENS_CSV)


@dataclass(frozen=True, slots=True)
class Located:
    """A set of a known format in one folder of a source; ``folder`` is empty for its top."""

    source: Source
    folder: str
    format: MovieLensFormat

    def path(self, file: str) -> str:
        return f"{self.folder}/{file}" if self.folder else file

    def check_heads(self) -> None:
        """Opens every file and looks at its first lines, before anything is read or written."""
        for file in (self.format.movies, self.format.ratings):
            path = self.path(file.name)
            with self.source.open(path) as stream:
                lines = [line or b"" for _, line in islice(numbered_lines(stream), HEAD_LINES)]
            if not lines:
                raise ImportRejected(f"{path} is empty.")
            if file.header:
                header = lines[0].decode("utf-8-sig", "replace").strip().replace('"', "")
                if tuple(header.split(",")) != file.header:
                    raise ImportRejected(f"{path} does not begin with the line {','.join(file.header)}.")
            elif not any(re.match(file.shape, line.decode("latin-1"), re.DOTALL) for line in lines):
                raise ImportRejected(f"{path} does not look like that file of {self.format.name}.")


def locate(source: Source) -> Located:
    """The one set in ``source``, at its top or one level down."""
    folders: dict[str, set[str]] = {}
    for path in map(PurePosixPath, source.files):
        if len(path.parts) <= 2:
            folders.setdefault("" if len(path.parts) == 1 else path.parts[0], set()).add(path.name)
    found = [
        Located(source, folder, format)
        for folder, files in sorted(folders.items())
        for format in FORMATS
        if files.issuperset(format.files)
    ]
    if found and found[0].folder == "":
        found = [located for located in found if located.folder == ""]
    if len(found) > 1:
        places = ", ".join(located.path(located.format.ratings.name) for located in found[:5])
        raise ImportRejected(f"There is more than one set of ratings in it ({places}): name the one you mean.")
    if found:
        return found[0]
    for _, files in sorted(folders.items()):
        for format in FORMATS:
            missing = [file for file in format.files if file not in files]
            if len(missing) < len(format.files):
                raise ImportRejected(f"It looks like {format.name}, but {' and '.join(missing)} is missing.")
    raise ImportRejected("There are no MovieLens files in it: neither u.data nor ratings.dat nor ratings.csv.")


def default_source(located: Located) -> str:
    """What the set is called here: its folder's name where that is one of MovieLens' own, as "ml-latest-small"."""
    names = [name.lower() for name in (located.folder, located.source.name) if name]
    name = next((name for name in names if name.startswith("ml-")), "")
    if not name and located.format is MOVIELENS_100K:
        name = "ml-100k"
    elif not name and located.format is MOVIELENS_DAT:
        name = "ml-1m" if located.path("users.dat") in located.source.files else "ml-10m"
    return re.sub(r"[^a-z0-9._-]+", "-", name or names[0])[:40].strip("-._") or "movielens"


def check_source_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", name):
        raise ImportRejected("A source is named by up to 40 of the characters a-z, 0-9, dot, hyphen and underscore.")
    if name == DEMO_SOURCE:
        raise ImportRejected(f"The name {DEMO_SOURCE} belongs to the demo ratings.")
    return name
