"""Reads the file of ratings that a person took along from elsewhere: Letterboxd, IMDb, MovieLens, or from here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from cinema.importing.titles import YEARS, clean_text
from cinema.models import RATING_VALUES

MAX_BYTES = 5 * 1024**2
MAX_ROWS = 20_000
MAX_TITLE = 300

# Before it nobody rated a film on the web: an earlier date is a mistake, and counts as none.
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class UnreadableFile(Exception):
    """The file is refused. The message is one plain sentence for the person; ``line`` of the file, from 1, or None."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class UploadedRating:
    line: int  # of the file, from 1
    titles: tuple[str, ...]  # the first is shown; empty in MovieLens' files, which hold ids alone
    year: int | None
    value: float
    rated_at: datetime | None
    source_id: int | None = None  # MovieLens' number of the film
    movie_id: int | None = None  # ours, if the file is ours


@dataclass(frozen=True, slots=True)
class Upload:
    format: str  # "letterboxd", "imdb", "movielens" or "cinema"
    ratings: list[UploadedRating]
    n_without_rating: int


Cells = dict[str, str]  # by column, in small letters
Reader = Callable[[Cells, int], UploadedRating]


class _BadCell(Exception):
    pass


def read_upload(data: bytes) -> Upload:
    """The ratings of one CSV file in UTF-8, with or without byte order mark, or else latin-1. Raises UnreadableFile."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(_("The file is larger than %(n)d MB.") % {"n": MAX_BYTES // 1024**2})
    if data.startswith(b"PK\x03\x04"):
        raise UnreadableFile(_("This is a ZIP file. Unpack it and choose the file ratings.csv in it."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    rows = _rows(text)
    __, header = next(rows, (1, []))
    columns = [name.strip().casefold() for name in header]
    for format_, needed, read in _FORMATS:
        if needed <= set(columns):
            return _upload(format_, read, columns, rows)
    raise UnreadableFile(
        _("The first line names no columns of a ratings file of Letterboxd, IMDb, MovieLens or this site."), 1
    )


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the number of the line where it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFile(_("The file is not valid CSV."), max(1, reader.line_num)) from error
        if any(cell.strip() for cell in row):
            yield reader.line_num, row


def _upload(format_: str, read: Reader, columns: list[str], rows: Iterator[tuple[int, list[str]]]) -> Upload:
    ratings: list[UploadedRating] = []
    users: set[str] = set()
    n_without = 0
    for line, row in rows:
        if len(row) != len(columns):
            raise UnreadableFile(
                _("The line has %(n)d cells, and the first line names %(wanted)d columns.")
                % {"n": len(row), "wanted": len(columns)},
                line,
            )
        if len(ratings) + n_without == MAX_ROWS:
            raise UnreadableFile(_("The file has more than %(n)d ratings.") % {"n": MAX_ROWS}, line)
        # Of two columns of one name the first counts.
        cells = dict(zip(reversed(columns), (cell.strip() for cell in reversed(row)), strict=True))
        users.add(cells.get("userid", ""))
        if format_ == "movielens" and len(users) > 1:
            raise UnreadableFile(_("The file holds ratings of several people. Keep the lines of one userId."), line)
        if not cells[_RATING_COLUMN[format_]]:
            n_without += 1  # diaries hold films without a rating
            continue
        try:
            ratings.append(read(cells, line))
        except _BadCell as error:
            raise UnreadableFile(str(error), line) from error
    if not ratings:
        raise UnreadableFile(_("There is no rating in the file."))
    return Upload(format_, ratings, n_without)


def _letterboxd(cells: Cells, line: int) -> UploadedRating:
    return UploadedRating(
        line, _titles(cells["name"]), _year(cells["year"]), _stars(cells["rating"]), _day(cells.get("date", ""))
    )


def _imdb(cells: Cells, line: int) -> UploadedRating:
    # Ten steps there as here: every whole number is a half star.
    text = cells["your rating"]
    if not re.fullmatch(r"[1-9]|10", text, re.ASCII):
        raise _BadCell(_("“%(text)s” is not a rating from 1 to 10.") % {"text": text[:40]})
    titles = _titles(cells["title"], cells.get("original title", ""))
    return UploadedRating(line, titles, _year(cells["year"]), int(text) / 2, _day(cells.get("date rated", "")))


def _movielens(cells: Cells, line: int) -> UploadedRating:
    seconds = cells.get("timestamp", "")
    moment = datetime.fromtimestamp(int(seconds), UTC) if re.fullmatch(r"[0-9]{1,11}", seconds, re.ASCII) else None
    number = _id(cells["movieid"])
    if number is None:
        raise _BadCell(_("“%(text)s” is not a film’s number.") % {"text": cells["movieid"][:40]})
    return UploadedRating(line, (), None, _stars(cells["rating"]), _believable(moment), source_id=number)


def _ours(cells: Cells, line: int) -> UploadedRating:
    title = re.sub(r"^'(?=[=+\-@\t\r])", "", cells["title"])  # what keeps a spreadsheet from computing it
    try:
        moment = datetime.fromisoformat(cells.get("rated_at", ""))
    except ValueError:
        moment = None
    return UploadedRating(
        line,
        _titles(title),
        _year(cells["year"]),
        _stars(cells["value"]),
        _believable(moment),
        movie_id=_id(cells["movie_id"]),
    )


_FORMATS: tuple[tuple[str, set[str], Reader], ...] = (
    ("letterboxd", {"name", "year", "letterboxd uri", "rating"}, _letterboxd),
    ("imdb", {"const", "your rating", "title", "year"}, _imdb),
    ("movielens", {"userid", "movieid", "rating"}, _movielens),
    ("cinema", {"movie_id", "title", "year", "value"}, _ours),
)
_RATING_COLUMN = {"letterboxd": "rating", "imdb": "your rating", "movielens": "rating", "cinema": "value"}


def _titles(*texts: str) -> tuple[str, ...]:
    titles = tuple(dict.fromkeys(title for text in texts if (title := clean_text(text)[:MAX_TITLE])))
    if not titles:
        raise _BadCell(_("The film has no title."))
    return titles


def _year(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{4}", text, re.ASCII) or int(text) not in YEARS:
        raise _BadCell(_("“%(text)s” is not a year.") % {"text": text[:40]})
    return int(text)


def _stars(text: str) -> float:
    value = float(text) if re.fullmatch(r"[0-9](\.[0-9]{1,6})?", text, re.ASCII) else 0.0
    if value not in RATING_VALUES:
        raise _BadCell(_("“%(text)s” is not a rating from 0.5 to 5 in steps of 0.5.") % {"text": text[:40]})
    return value


def _id(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else None


def _day(text: str) -> datetime | None:
    """Noon of a day written as 2020-01-31: the same day nearly everywhere. None for what is written otherwise."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        return None
    try:
        return _believable(datetime.fromisoformat(f"{text}T12:00:00+00:00"))
    except ValueError:
        return None


def _believable(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return None
    return moment if _EARLIEST <= moment <= datetime.now(UTC) else None
