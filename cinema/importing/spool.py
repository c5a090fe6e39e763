"""Where ratings wait between being read and being written.

A set is read to its end before the first row goes into the database, so that a torn file leaves nothing half-loaded
and no transaction has to stay open meanwhile. 25 bytes a rating in a file without a name, which the system takes
back whatever happens; memory holds one block and a count for each person.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cinema.importing.sources import ImportRejected

# person and film: ids of the set, and places in its list of films; at: seconds since 1970.
ROW = np.dtype([("person", "<i8"), ("film", "<i4"), ("line", "<u4"), ("at", "<i8"), ("half_stars", "u1")])
MAX_PEOPLE = 1_000_000
# Ratings of whole people that are sorted together in memory.
PARTITION_ROWS = 500_000

RowTuple = tuple[int, int, int, int, int]


class _Block(NamedTuple):
    start: int  # in bytes
    size: int
    low: int  # smallest and largest id of a person in it
    high: int


class Partition(NamedTuple):
    rows: NDArray[np.void]  # of dtype ROW, by person and film
    duplicate_lines: NDArray[np.integer]  # lines that rate a film which an earlier line rates for the same person


class RatingSpool:
    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, prefix="ratings-")  # noqa: SIM115 - closed by __exit__
        self._blocks: list[_Block] = []
        self._counts: dict[int, int] = {}
        self.n_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, block: NDArray[np.void]) -> None:
        """``block``: of dtype ROW, in any order."""
        if not len(block):
            return
        people, counts = np.unique(block["person"], return_counts=True)
        for person, count in zip(people.tolist(), counts.tolist(), strict=True):
            self._counts[person] = self._counts.get(person, 0) + count
        if len(self._counts) > MAX_PEOPLE:
            raise ImportRejected(f"These are ratings of more than {MAX_PEOPLE:,} people, which is too many.")
        try:
            self._blocks.append(
                _Block(self._file.tell(), self._file.write(block.tobytes()), int(people[0]), int(people[-1]))
            )
        except OSError as error:
            raise ImportRejected("There is not enough room on the disk to read these ratings.") from error
        self.n_rows += len(block)

    def people(self) -> NDArray[np.int64]:
        """Their ids, ascending."""
        return np.array(sorted(self._counts), dtype=np.int64)

    def partitions(self) -> Iterator[Partition]:
        """All ratings, person by person, each (person, film) once: the line that comes first in the file stays.

        MovieLens' larger sets are sorted by person, so that a partition finds its rows in a few blocks. For a file in
        another order every partition looks through all blocks, which is slower but takes no more memory.
        """
        people = self.people()
        if not len(people):
            return
        self._file.flush()
        ends = np.cumsum([self._counts[person] for person in people.tolist()])
        first = 0
        while first < len(people):
            already = ends[first - 1] if first else 0
            # At least one person, and as many more as fit.
            last = max(first, int(np.searchsorted(ends, already + PARTITION_ROWS, side="right")) - 1)
            yield self._partition(int(people[first]), int(people[last]))
            first = last + 1

    def _partition(self, low: int, high: int) -> Partition:
        parts = []
        for block in self._blocks:
            if block.high >= low and block.low <= high:
                self._file.seek(block.start)
                rows = np.frombuffer(self._file.read(block.size), dtype=ROW)
                parts.append(rows[(rows["person"] >= low) & (rows["person"] <= high)])
        rows = np.concatenate(parts)
        # As MovieLens' larger files are: nothing to sort, and nothing twice.
        same_person = rows["person"][1:] == rows["person"][:-1]
        later_film = rows["film"][1:] > rows["film"][:-1]
        if ((rows["person"][1:] > rows["person"][:-1]) | (same_person & later_film)).all():
            return Partition(rows, rows["line"][:0])
        rows = rows[np.lexsort((rows["line"], rows["film"], rows["person"]))]
        again = np.zeros(len(rows), dtype=bool)
        again[1:] = (rows["person"][1:] == rows["person"][:-1]) & (rows["film"][1:] == rows["film"][:-1])
        return Partition(rows[~again], rows["line"][again])
