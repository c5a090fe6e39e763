"""Files of ratings from elsewhere, good and bad."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from cinema.importing.people import MAX_BYTES, MAX_ROWS, UnreadableFile, Upload, read_upload
from cinema.models import RATING_VALUES
from cinema.spreadsheets import csv_file

LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating\n"
IMDB = "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Year,Genres\n"
MOVIELENS = "userId,movieId,rating,timestamp\n"
OURS = "movie_id,title,year,value,rated_at\n"
NOON = datetime(2020, 1, 31, 12, tzinfo=UTC)


class GoodFilesTestCase(SimpleTestCase):
    def one(self, text: str) -> tuple[object, ...]:
        upload = read_upload(text.encode())
        (rating,) = upload.ratings
        return upload.format, rating.titles, rating.year, rating.value, rating.rated_at

    def test_letterboxd(self) -> None:
        found = self.one(LETTERBOXD + '2020-01-31,"Good, the Bad, The",1966,https://boxd.it/x,4.5\n')
        self.assertEqual(found, ("letterboxd", ("Good, the Bad, The",), 1966, 4.5, NOON))

    def test_imdb_counts_to_ten(self) -> None:
        found = self.one(IMDB + "tt1,7,2020-01-31,Spirited Away,Sen to Chihiro,u,movie,8.6,2001,Animation\n")
        self.assertEqual(found, ("imdb", ("Spirited Away", "Sen to Chihiro"), 2001, 3.5, NOON))

    def test_movielens_has_numbers_alone(self) -> None:
        upload = read_upload((MOVIELENS + "7,296,4.0,1580472000\n7,1,0.5,1580472000\n").encode())
        self.assertEqual(upload.format, "movielens")
        self.assertEqual([(r.source_id, r.value, r.rated_at) for r in upload.ratings], [(296, 4, NOON), (1, 0.5, NOON)])

    def test_ours_comes_back_as_it_went(self) -> None:
        rows = [{"movie_id": 10, "title": "=1+1", "year": None, "value": 0.5, "rated_at": NOON}]
        (rating,) = read_upload(csv_file(list(rows[0]), rows)).ratings
        self.assertEqual(
            (rating.movie_id, rating.titles, rating.year, rating.value, rating.rated_at),
            (10, ("=1+1",), None, 0.5, NOON),
        )

    def test_encodings_and_line_ends(self) -> None:
        text = LETTERBOXD + "2020-01-31,Amélie,2001,u,4\n"
        for data in (
            text.encode(),
            text.encode("utf-8-sig"),
            text.encode("latin-1"),
            text.replace("\n", "\r\n").encode(),
            text.replace("\n", "\r").encode(),
            text.replace("\n", "\n\n").encode(),
        ):
            self.assertEqual(read_upload(data).ratings[0].titles, ("Amélie",))

    def test_a_diary_holds_films_without_rating(self) -> None:
        upload = read_upload((LETTERBOXD + "2020-01-31,A,2001,u,\n2020-01-31,B,2001,u,3\n").encode())
        self.assertEqual((len(upload.ratings), upload.n_without_rating), (1, 1))

    def test_dates_that_cannot_be_are_none(self) -> None:
        for day in ("", "2999-01-01", "1066-10-14", "2020-02-30", "31.1.2020"):
            self.assertIsNone(read_upload(f"{LETTERBOXD}{day},A,2001,u,3\n".encode()).ratings[0].rated_at)
        for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "x", "2999-01-01"):
            self.assertIsNone(read_upload(f"{OURS}1,A,2001,3,{moment}\n".encode()).ratings[0].rated_at)
        for seconds in ("99999999999", "-1", "1e9", "9" * 500):
            self.assertIsNone(read_upload(f"{MOVIELENS}1,2,3,{seconds}\n".encode()).ratings[0].rated_at)


class BadFilesTestCase(SimpleTestCase):
    def refusal(self, data: bytes) -> tuple[str, int | None]:
        with self.assertRaises(UnreadableFile) as caught:
            read_upload(data)
        self.assertTrue(caught.exception.message)
        return caught.exception.message, caught.exception.line

    def test_the_reason_names_the_line(self) -> None:
        good = "2020-01-31,A,2001,u,3\n"
        for row in (
            "2020-01-31,A,2001,u,6",
            "2020-01-31,A,2001,u,3.2",
            "2020-01-31,A,2001,u,٣",
            "2020-01-31,A,2001,u,nan",
            "2020-01-31,,2001,u,3",
            "2020-01-31,A,MMI,u,3",
            "2020-01-31,A,2001,u",
            "2020-01-31,A,2001,u,3,4",
            '2020-01-31,"A"B,2001,u,3',
            '2020-01-31,"A,2001,u,3',
        ):
            with self.subTest(row):
                self.assertEqual(self.refusal((LETTERBOXD + good + row + "\n").encode())[1], 3)

    def test_imdb_has_whole_numbers(self) -> None:
        for rating in ("0", "11", "7.5", "x"):
            self.assertEqual(self.refusal(f"{IMDB}tt1,{rating},,A,A,u,movie,8,2001,x\n".encode())[1], 2)

    def test_several_people_in_one_file(self) -> None:
        self.assertEqual(self.refusal((MOVIELENS + "1,2,3,4\n2,2,3,4\n").encode())[1], 3)

    def test_what_is_no_file_of_ratings(self) -> None:
        for data in (b"", b"\n\n", b"a,b,c\n1,2,3\n", b"PK\x03\x04rest", LETTERBOXD.encode(), b"\x00\xff", b'"'):
            with self.subTest(data[:20]):
                self.refusal(data)

    def test_what_is_too_much(self) -> None:
        self.assertEqual(self.refusal(b"x" * (MAX_BYTES + 1))[1], None)
        row = "2020-01-31,A,2001,u,3\n"
        self.assertEqual(self.refusal((LETTERBOXD + row * (MAX_ROWS + 1)).encode())[1], MAX_ROWS + 2)
        self.assertEqual(len(read_upload((LETTERBOXD + row * MAX_ROWS).encode()).ratings), MAX_ROWS)
        self.assertEqual(self.refusal((LETTERBOXD + "x" * 200_000).encode())[1], 2)


class AnyFileTestCase(SimpleTestCase):
    def check(self, data: bytes) -> None:
        try:
            upload = read_upload(data)
        except UnreadableFile as error:
            self.assertTrue(error.message)
            return
        self.assertIsInstance(upload, Upload)
        for rating in upload.ratings:
            self.assertIn(rating.value, RATING_VALUES)
            self.assertTrue(rating.titles or rating.source_id is not None)
            self.assertTrue(rating.rated_at is None or rating.rated_at <= datetime.now(UTC))

    @given(st.sampled_from([b"", LETTERBOXD.encode(), IMDB.encode(), MOVIELENS.encode(), OURS.encode()]), st.binary())
    @settings(max_examples=200, deadline=None)
    def test_any_bytes_are_read_or_refused(self, header: bytes, rest: bytes) -> None:
        self.check(header + rest)

    @given(
        st.sampled_from([LETTERBOXD, IMDB, MOVIELENS, OURS]),
        st.lists(
            st.lists(
                st.text(max_size=12)
                | st.sampled_from(["3", "4.5", "10", "1999", "2020-01-31", "2020-01-31T01:02:03", "", "1580472000"]),
                min_size=10,
                max_size=10,
            ),
            max_size=4,
        ),
    )
    @settings(max_examples=200, deadline=None)
    def test_any_rows_are_read_or_refused(self, header: str, rows: list[list[str]]) -> None:
        text = io.StringIO()
        csv.writer(text).writerows(row[: header.count(",") + 1] for row in rows)
        self.check((header + text.getvalue()).encode("utf-8", "replace"))
