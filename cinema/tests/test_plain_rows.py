"""Blocks of rows, held against the reader that looks at every line."""

from __future__ import annotations

import io
from unittest import mock

from django.test import SimpleTestCase
from hypothesis import example, given
from hypothesis import strategies as st

from cinema.importing.formats import MOVIELENS_100K, MOVIELENS_CSV, MOVIELENS_DAT, Located, UnusableRow
from cinema.importing.movielens import LAST_SECOND, _rating
from cinema.importing.plain_rows import BLOCK_BYTES, PlainReader, blocks
from cinema.importing.sources import MAX_LINE, FolderSource, numbered_lines

FILMS = [7, 3, 10**17, 50]
FORMATS = {",": MOVIELENS_CSV, "\t": MOVIELENS_100K, "::": MOVIELENS_DAT}

plain = st.builds(
    lambda person, film, half, at: [str(person), str(film), f"{half / 2:.1f}", str(at)],
    st.integers(0, 10**18 - 1),
    st.sampled_from([*FILMS, 8]),
    st.integers(0, 11),
    st.integers(0, 10**12),
)
odd = st.lists(st.text("0123456789.,:\t-+ e\"'x\u0661", max_size=6), min_size=1, max_size=6)
ends = st.sampled_from(["\n", "\r\n", "\r\r\n", " \n"])


class PlainReaderTestCase(SimpleTestCase):
    def read_both(self, separator: str, text: bytes) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """By blocks and line by line: (person, film's place, line, seconds, half stars) of each usable row."""
        located = Located(FolderSource.__new__(FolderSource), "", FORMATS[separator])
        places = {film: place for place, film in enumerate(FILMS)}
        reader = PlainReader(separator, FILMS, LAST_SECOND)
        found, n_lines = [], 0
        for block in blocks(io.BytesIO(text)):
            read = reader.read(block, n_lines)
            n_lines += read.n_lines
            found += [tuple(row) for row in read.rows.tolist()]
            for number, odd_line in read.odd:
                found += self.by_line(located, odd_line if len(odd_line) <= MAX_LINE else None, number, places)
        expected = []
        for number, line in numbered_lines(io.BytesIO(text)):
            expected += self.by_line(located, line, number, places)
        return sorted(found, key=lambda row: row[2]), expected

    def by_line(
        self, located: Located, line: bytes | None, number: int, places: dict[int, int]
    ) -> list[tuple[int, ...]]:
        try:
            return [_rating(located, line, number, places)]
        except UnusableRow:
            return []

    @given(st.sampled_from(list(FORMATS)), st.lists(st.tuples(plain | odd, ends), max_size=12), st.integers(20, 200))
    @example(",", [(["1", "7", "0.5", "1"], "\n"), (["1", "7", "128.5", "1"], "\n")], 40)
    @example(",", [(["1", "7", "5.5", "1"], "\r\n"), (["1", "7", "0", "1"], "\n"), (["1", "7", "5", "1"], "\n")], 40)
    @example("::", [(["1", ":7", "4.0", "1"], "\n"), (["1", "7", "4.0:", "1"], "\n")], 40)
    @example(",", [(["1", "7", "4.0", str(LAST_SECOND)], "\n"), (["1", "7", "4.0", str(LAST_SECOND + 1)], "\n")], 40)
    @example(",", [(["9" * 19, "7", "4.0", "1"], "\n"), (["1", "9" * 30, "4.0", "1"], "\n")], 40)
    def test_it_finds_what_the_reader_of_lines_finds(
        self, separator: str, lines: list[tuple[list[str], str]], block_bytes: int
    ) -> None:
        text = "".join(separator.join(fields) + end for fields, end in lines).encode()
        for whole in (text, text.rstrip(b"\r\n")):  # the last line need not end
            with mock.patch("cinema.importing.plain_rows.BLOCK_BYTES", block_bytes):
                found, expected = self.read_both(separator, whole)
            self.assertEqual(found, expected)

    def test_plain_lines_are_not_looked_at_by_themselves(self) -> None:
        text = b"".join(b"%d,7,%d.5,964982703\r\n" % (person, person % 5) for person in range(1000))
        read = PlainReader(",", FILMS, LAST_SECOND).read(text, 1)
        self.assertEqual((len(read.rows), read.odd, read.n_lines), (1000, [], 1000))
        self.assertEqual(read.rows["line"].tolist(), list(range(2, 1002)))

    def test_a_line_without_end_takes_no_more_memory_than_a_block(self) -> None:
        class Endless(io.RawIOBase):
            left = 40

            def read(self, size: int = -1) -> bytes:
                self.left -= 1
                return b"1" * size if self.left > 0 else b"\n2,7,4.0,5\n" if self.left == 0 else b""

        found = list(blocks(Endless()))  # type: ignore[arg-type]
        self.assertEqual([len(block) for block in found], [MAX_LINE + 1 + len(b"\n2,7,4.0,5\n")])
        self.assertLess(len(found[0]), BLOCK_BYTES)
        read = PlainReader(",", FILMS, LAST_SECOND).read(found[0], 0)
        self.assertEqual([number for number, _ in read.odd], [1, 2])

    def test_without_films_nothing_is_plain(self) -> None:
        self.assertEqual(len(PlainReader(",", [], LAST_SECOND).read(b"1,7,4.0,5\n", 0).rows), 0)
