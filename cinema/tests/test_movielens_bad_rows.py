from __future__ import annotations

from django.test import SimpleTestCase, TestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinema.importing.formats import locate
from cinema.importing.movielens import load_movielens, reading
from cinema.importing.report import BadRow, BadRows
from cinema.importing.sources import MAX_LINE, ImportRejected, open_source
from cinema.models import Genre, Movie, Rating
from cinema.tests.movielens_files import (
    CSV_FILES,
    CSV_MOVIES,
    CSV_RATINGS,
    DAT_1M_FILES,
    FILES_100K,
    MovieLensFiles,
)

HEADER = b"userId,movieId,rating,timestamp\n"


class BadRowTests(MovieLensFiles, TestCase):
    def test_each_kind_is_reported_with_its_line_and_the_rest_goes_in(self):
        rows = {
            b"1,1,4.0,964982703": None,
            b"1,2,4.0": "it has 3 fields instead of 4",
            b"1,2,4.0,964982703,7": "it has 5 fields instead of 4",
            b"x,2,4.0,964982703": "'x' is not a whole number",
            b"-1,2,4.0,964982703": "'-1' is not a whole number",
            b"1_0,2,4.0,964982703": "'1_0' is not a whole number",
            "٣,2,4.0,964982703".encode(): "'\\u0663' is not a whole number",
            b"9999999999999999999,2,4.0,964982703": "'9999999999999999999' is not a whole number",
            b"1,999,4.0,964982703": "film 999 is not in movies.csv",
            b"1,2,4.2,964982703": "'4.2' is not a rating from 0.5 to 5 in steps of 0.5",
            b"1,2,0,964982703": "'0' is not a rating from 0.5 to 5 in steps of 0.5",
            b"1,2,5.5,964982703": "'5.5' is not a rating from 0.5 to 5 in steps of 0.5",
            b"1,2,nan,964982703": "'nan' is not a rating from 0.5 to 5 in steps of 0.5",
            b"1,2,,964982703": "'' is not a rating from 0.5 to 5 in steps of 0.5",
            b"1,2,4.0,yesterday": "'yesterday' is not a whole number",
            b"1,2,4.0,964982703000": "'964982703000' is not a time in seconds",
            b"1,2,4.0,253402300800": "'253402300800' is not a time in seconds",
            b"1,2,\xff,964982703": "it is not UTF-8 text",
            b'1,2,"4.0,964982703': "its quotes do not match",
            b"1,2,\x00,964982703": "'\\x00' is not a rating from 0.5 to 5 in steps of 0.5",
            b"1," + b"2" * MAX_LINE: "it is longer than 64 KiB",
            b"2,3,5,964982703": None,
        }
        path = self.write_folder(CSV_FILES | {"ratings.csv": HEADER + b"\n".join(rows)})
        report = load_movielens(path)

        expected = [
            BadRow("ratings.csv", line, reason)
            for line, reason in enumerate(rows.values(), start=2)
            if reason is not None
        ]
        self.assertEqual(list(report.bad_rows), expected)
        self.assertEqual(report.n_bad_rows, len(expected))
        self.assertEqual(report.ratings_added, 2)
        self.assertEqual(Rating.objects.get(user__source_id=2).value, 5.0)

    def test_bad_films_are_reported_and_their_ratings_too(self):
        movies = CSV_MOVIES + (
            "x,Nameless (1999),Drama\n"
            "2,Matrix again (2003),Drama\n"
            "5,Too, many, commas,Drama\n"
            f"6,Overdone (1999),{'g' * 61}\n"
            "7,,Comedy\n"
        )
        ratings = CSV_RATINGS + "2,6,3.0,1537109090\n2,7,3.0,1537109090\n"
        path = self.write_folder({"movies.csv": movies.encode(), "ratings.csv": ratings.encode()})
        report = load_movielens(path)

        self.assertEqual(
            [str(row) for row in report.bad_rows],
            [
                "movies.csv, line 6: 'x' is not a whole number",
                "movies.csv, line 7: film 2 has been named before",
                "movies.csv, line 8: it has 5 fields instead of 3",
                "movies.csv, line 9: it names a genre of more than 60 characters",
                "ratings.csv, line 6: film 6 is not in movies.csv",
            ],
        )
        self.assertEqual(Movie.objects.get(source_id=2).title, "The Matrix")
        self.assertEqual(Movie.objects.get(source_id=7).title, "Untitled film 7")

    def test_of_two_ratings_of_one_film_the_first_stays(self):
        ratings = CSV_RATINGS + "1,1,0.5,964982999\n2,1,1.0,1\n1,1,1.5,964983000\n"
        report = load_movielens(self.write_folder(CSV_FILES | {"ratings.csv": ratings.encode()}))
        self.assertEqual(Rating.objects.get(user__source_id=1, movie__source_id=1).value, 4.0)
        self.assertEqual((report.ratings_added, report.ratings_present), (5, 0))
        self.assertEqual(
            [str(row) for row in report.bad_rows],
            [
                "ratings.csv, line 6: the person has rated this film in an earlier line",
                "ratings.csv, line 8: the person has rated this film in an earlier line",
            ],
        )

    def test_only_the_first_twenty_are_shown_but_all_are_counted(self):
        path = self.write_folder(CSV_FILES | {"ratings.csv": HEADER + b"1,2,3\n" * 2_500 + b"1,1,4.0,1\n"})
        report = load_movielens(path)
        self.assertEqual(report.n_bad_rows, 2_500)
        self.assertEqual([row.line for row in report.bad_rows], list(range(2, 22)))
        self.assertEqual(report.ratings_added, 1)

    def test_the_first_are_the_first_in_the_files_whatever_is_found_first(self):
        bad_rows = BadRows()
        bad_rows.add("movies.csv", 900, "late")
        bad_rows.add_all("ratings.csv", range(5_000, 3_000, -1), "backwards")
        bad_rows.add("ratings.csv", 2, "early")
        self.assertEqual(bad_rows.count, 2_002)
        self.assertEqual([row.line for row in bad_rows.first], [900, 2, *range(3_001, 3_019)])

    def test_blank_lines_are_nothing_to_report_and_are_counted_as_lines(self):
        ratings = HEADER + b"\n1,1,4.0,1\n\r\n   \n1,2\n\n"
        report = load_movielens(self.write_folder(CSV_FILES | {"ratings.csv": ratings}))
        self.assertEqual([row.line for row in report.bad_rows], [6])

    def test_rows_of_the_other_formats_are_checked_as_well(self):
        path = self.write_folder(DAT_1M_FILES | {"ratings.dat": DAT_1M_FILES["ratings.dat"] + b"1:1:5:1\n1::7::5::1\n"})
        self.assertEqual(
            [str(row) for row in load_movielens(path, source="ml-1m").bad_rows],
            [
                "ratings.dat, line 4: it has 1 fields instead of 4",
                "ratings.dat, line 5: film 7 is not in movies.dat",
            ],
        )
        path = self.write_folder(FILES_100K | {"u.item": FILES_100K["u.item"] + b"5|Short (1995)|||\n"}, "ml-100k")
        self.assertEqual(
            [str(row) for row in load_movielens(path).bad_rows], ["u.item, line 4: it has 5 fields instead of 10"]
        )

    def test_markup_in_a_title_is_stored_as_it_is(self):
        movies = "movieId,title,genres\n1,<script>alert(1)</script> {{7*7}} (1999),<b>Drama</b>\n"
        load_movielens(self.write_folder(CSV_FILES | {"movies.csv": movies.encode()}))
        self.assertEqual(Movie.objects.get().title, "<script>alert(1)</script> {{7*7}}")
        self.assertEqual(Genre.objects.get().name, "<b>Drama</b>")


class AnyContentTests(MovieLensFiles, SimpleTestCase):
    """Whatever stands in the files: a row is good or bad, a set is read or rejected. Nothing else comes out."""

    def read(self, files: dict[str, bytes]) -> tuple[int, int]:
        with open_source(self.write_folder(files)) as source, reading(locate(source)) as dataset:
            for film in dataset.films:
                self.assertTrue(film.title)
            good = sum(len(rows) for rows, _ in dataset.ratings.partitions())
            return good, dataset.bad_rows.count

    @settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    @given(st.binary(max_size=200))
    def test_any_bytes_behind_the_header(self, content):
        self.read(CSV_FILES | {"ratings.csv": HEADER + content})
        self.read(CSV_FILES | {"movies.csv": CSV_MOVIES.encode() + content})

    @settings(deadline=None, max_examples=100)
    @given(st.binary(max_size=200), st.sampled_from(["u.item", "u.data", "u.genre"]))
    def test_any_bytes_in_a_file_of_100k(self, content, file):
        for files in (FILES_100K | {file: content}, FILES_100K | {file: FILES_100K[file] + content}):
            try:
                self.read(files)
            except ImportRejected as rejected:
                self.assertTrue(str(rejected).endswith("."))

    field = st.one_of(
        st.sampled_from(["1", "2", "3.5", "964982703", "", '"', "nan", "1e3", "0x1", "１"]),
        st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=8),
        st.integers().map(str),
        st.floats().map(str),
    )

    @settings(deadline=None, max_examples=150)
    @given(st.lists(st.lists(field, min_size=1, max_size=6), max_size=5))
    def test_every_line_is_counted_as_good_or_bad_or_blank(self, rows):
        lines = [",".join(fields) for fields in rows]
        content = "".join(f"{line}\n" for line in lines).encode()
        spoken_of = sum(1 for line in content.split(b"\n") if line.strip())
        good, bad = self.read(CSV_FILES | {"ratings.csv": HEADER + content})
        # A second rating of the same film is taken out only when the rows are sorted for writing.
        self.assertLessEqual(good + bad, spoken_of)
        self.assertGreaterEqual(good + bad, spoken_of - max(0, len(lines) - 1))
