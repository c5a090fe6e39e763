"""What an import says: while it runs, and at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

# So many bad rows are shown with their line; the rest is only counted.
SHOWN_BAD_ROWS = 20


@dataclass(frozen=True, slots=True)
class Progress:
    phase: str  # "Reading ratings", "Writing ratings" …
    fraction: float  # of this phase, 0 to 1
    rows: int


ReportProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class BadRow:
    file: str
    line: int  # as an editor counts, from 1
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


class BadRows:
    """Counts all, keeps the first by file and line, in whatever order they are found."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[tuple[int, int, BadRow]] = []
        self._files: list[str] = []

    def add(self, file: str, line: int, reason: str) -> None:
        self.add_all(file, [line], reason)

    def add_all(self, file: str, lines: Iterable[int], reason: str) -> None:
        if file not in self._files:
            self._files.append(file)
        place = self._files.index(file)
        for line in lines:
            self.count += 1
            self._kept.append((place, line, BadRow(file, line, reason)))
            if len(self._kept) >= 50 * SHOWN_BAD_ROWS:
                self._trim()

    def _trim(self) -> None:
        self._kept.sort(key=lambda kept: kept[:2])
        del self._kept[SHOWN_BAD_ROWS:]

    @property
    def first(self) -> tuple[BadRow, ...]:
        self._trim()
        return tuple(row for _, _, row in self._kept)


@dataclass(frozen=True, slots=True)
class ImportReport:
    source: str
    movies_added: int
    movies_present: int  # were already there
    people_added: int
    people_present: int
    ratings_added: int
    ratings_present: int
    n_bad_rows: int
    bad_rows: tuple[BadRow, ...]  # the first SHOWN_BAD_ROWS
    seconds: float
    rating_seconds: float  # of these, reading and writing the ratings

    @property
    def ratings_per_second(self) -> float:
        return (self.ratings_added + self.ratings_present) / max(self.rating_seconds, 1e-9)
