from __future__ import annotations

from datetime import UTC, datetime

from django.test import TestCase

from cinema.importing.movielens import load_movielens
from cinema.models import Movie, Rating, User
from cinema.tests.movielens_files import (
    CSV_FILES,
    CSV_MOVIES,
    CSV_RATINGS,
    DAT_1M_FILES,
    DAT_10M_FILES,
    FILES_100K,
    MovieLensFiles,
)


def stored_ratings() -> list[tuple[int | None, int | None, float]]:
    rows = Rating.objects.order_by("user__source_id", "movie__source_id")
    return list(rows.values_list("user__source_id", "movie__source_id", "value"))


def genres_of(source_id: int) -> list[str]:
    return list(Movie.objects.get(source_id=source_id).genres.values_list("name", flat=True))


class FormatTests(MovieLensFiles, TestCase):
    def test_it_reads_the_csv_files(self):
        report = load_movielens(self.write_folder(CSV_FILES, "ml-latest-small"))

        self.assertEqual((report.movies_added, report.people_added, report.ratings_added), (4, 2, 4))
        self.assertEqual(report.n_bad_rows, 0)
        self.assertEqual(report.source, "ml-latest-small")
        self.assertEqual(stored_ratings(), [(1, 1, 4.0), (1, 2, 0.5), (2, 2, 5.0), (2, 3, 3.5)])
        matrix = Movie.objects.get(source_id=2)
        self.assertEqual((matrix.title, matrix.year, matrix.source), ("The Matrix", 1999, "ml-latest-small"))
        self.assertEqual(genres_of(1), ["Adventure", "Children", "Comedy"])
        self.assertEqual(genres_of(4), [])
        self.assertIsNone(Movie.objects.get(source_id=4).year)

    def test_it_reads_csv_files_as_other_programs_write_them(self):
        ratings = '\ufeff"userId","movieId","rating","timestamp"\r\n"1","1","4","964982703"\r\n1,2,4.50,964982703\r\n'
        files = {"movies.csv": b"\xef\xbb\xbf" + CSV_MOVIES.encode(), "ratings.csv": ratings.encode()}
        report = load_movielens(self.write_folder(files))
        self.assertEqual(report.bad_rows, ())
        self.assertEqual(stored_ratings(), [(1, 1, 4.0), (1, 2, 4.5)])

    def test_it_reads_the_10m_files_in_utf_8(self):
        report = load_movielens(self.write_folder(DAT_10M_FILES, "ml-10M100K"))
        self.assertEqual(report.source, "ml-10m100k")
        self.assertEqual(stored_ratings(), [(1, 1, 5.0), (1, 2, 3.5), (6040, 2, 4.0)])
        self.assertEqual(Movie.objects.get(source_id=2).title, "Les Misérables")

    def test_it_reads_the_1m_files_in_latin_1(self):
        report = load_movielens(self.write_folder(DAT_1M_FILES, "downloads"))
        self.assertEqual(report.source, "ml-1m")
        self.assertEqual(stored_ratings(), [(1, 1, 5.0), (1, 2, 3.0), (6040, 2, 4.0)])
        self.assertEqual(Movie.objects.get(source_id=2).title, "Les Misérables")
        self.assertEqual(genres_of(1), ["Children", "Comedy"])

    def test_a_title_in_a_dat_file_may_hold_the_separator(self):
        files = DAT_1M_FILES | {"movies.dat": b"1::Alien::Covenant (2017)::Horror\n2::B (1999)::Drama\n"}
        load_movielens(self.write_folder(files))
        self.assertEqual(Movie.objects.get(source_id=1).title, "Alien::Covenant")

    def test_it_reads_the_100k_files(self):
        report = load_movielens(self.write_folder(FILES_100K, "somewhere"))
        self.assertEqual(report.source, "ml-100k")
        self.assertEqual(report.bad_rows, ())
        self.assertEqual(stored_ratings(), [(1, 1, 5.0), (196, 2, 3.0), (196, 267, 1.0)])
        self.assertEqual(Movie.objects.get(source_id=2).title, "Les Misérables")
        self.assertEqual(genres_of(1), ["Children", "Comedy"])
        self.assertEqual(genres_of(267), [])

    def test_it_reads_zip_files_with_and_without_a_folder_in_them(self):
        for name, files in {
            "ml-1m.zip": DAT_1M_FILES,
            "ml-100k.zip": {f"ml-100k/{file}": content for file, content in FILES_100K.items()},
            "ml-25m.zip": {f"ml-25m/{file}": content for file, content in CSV_FILES.items()}
            | {"__MACOSX/ml-25m/._ratings.csv": b"\x00", "ml-25m/README.txt": b"Read me"},
        }.items():
            with self.subTest(name):
                report = load_movielens(self.write_zip(files, name))
                self.assertEqual(report.source, name.removesuffix(".zip"))
                self.assertEqual(Rating.objects.filter(user__source=report.source).count(), report.ratings_added)
                self.assertGreaterEqual(report.ratings_added, 3)

    def test_it_finds_the_files_one_folder_down(self):
        self.write_folder(CSV_FILES, "ml-32m")
        self.assertEqual(load_movielens(self.folder).source, "ml-32m")

    def test_sets_that_number_films_differently_live_beside_each_other(self):
        load_movielens(self.write_folder(CSV_FILES, "ml-32m"))
        load_movielens(self.write_folder(FILES_100K, "ml-100k"))
        self.assertEqual(Movie.objects.filter(source_id=1).count(), 2)
        self.assertEqual(User.objects.filter(source_id=1).count(), 2)

    def test_the_caller_can_name_the_source(self):
        report = load_movielens(self.write_folder(CSV_FILES), source="winter-2026")
        self.assertEqual(report.source, "winter-2026")
        self.assertEqual(Movie.objects.filter(source="winter-2026").count(), 4)

    def test_times_are_stored_as_django_stores_them(self):
        ratings = CSV_RATINGS + "2,1,1.0,0\n2,4,1.0,253402300799\n"
        load_movielens(self.write_folder(CSV_FILES | {"ratings.csv": ratings.encode()}))
        rating = Rating.objects.get(user__source_id=1, movie__source_id=1)
        self.assertEqual(rating.rated_at, datetime(2000, 7, 30, 18, 45, 3, tzinfo=UTC))
        self.assertEqual(Rating.objects.filter(rated_at=rating.rated_at).get(), rating)
        self.assertEqual(Rating.objects.filter(rated_at__lt=datetime(1971, 1, 1, tzinfo=UTC)).count(), 1)
        self.assertEqual(Rating.objects.latest("rated_at").rated_at, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
        # Saved again by Django itself, the row compares as equal to what the importer wrote.
        rating.save()
        self.assertEqual(Rating.objects.filter(rated_at=rating.rated_at).count(), 1)

    def test_ratings_are_changed_at_the_time_of_the_import(self):
        before = datetime.now(UTC)
        load_movielens(self.write_folder(CSV_FILES))
        self.assertEqual(Rating.objects.changed_after(before).count(), 4)
        self.assertEqual(Rating.objects.changed_after(datetime.now(UTC)).count(), 0)

    def test_imported_people_cannot_sign_in(self):
        load_movielens(self.write_folder(CSV_FILES, "ml-25m"))
        person = User.objects.get(username="ml-25m:1")
        self.assertTrue(person.is_imported)
        self.assertFalse(person.is_active)
        self.assertFalse(person.has_usable_password())
        for password in ("", " "):
            form = {"username": "ml-25m:1", "password": password}
            self.assertEqual(self.client.post("/sign-in", form).status_code, 422)
        self.assertEqual(User.objects.people().count(), 0)
