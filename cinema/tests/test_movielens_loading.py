from __future__ import annotations

import io
import random
from unittest import mock, skipUnless

import numpy as np
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import TestCase, TransactionTestCase

from cinema.importing import rating_rows
from cinema.importing.movielens import load_movielens
from cinema.importing.report import Progress
from cinema.importing.sources import ImportRejected
from cinema.importing.spool import ROW, RatingSpool
from cinema.models import Genre, Movie, Rating, User
from cinema.ratings import rate_movie
from cinema.tests.movielens_files import CSV_FILES, CSV_MOVIES, CSV_RATINGS, MovieLensFiles


def everything() -> list[list[tuple[object, ...]]]:
    """All rows, but for the editions, which say that something was there meanwhile."""
    tables = []
    for model in (Movie, Genre, User, Rating, Movie.genres.through):
        names = [field.attname for field in model._meta.concrete_fields if field.name != "edition"]
        tables.append(list(model.objects.order_by("pk").values_list(*names)))
    return tables


class LoadingTests(MovieLensFiles, TestCase):
    def test_running_it_again_changes_nothing(self):
        path = self.write_folder(CSV_FILES)
        load_movielens(path)
        before = everything()
        report = load_movielens(path)
        self.assertEqual(everything(), before)
        self.assertEqual((report.movies_added, report.people_added, report.ratings_added), (0, 0, 0))
        self.assertEqual((report.movies_present, report.people_present, report.ratings_present), (4, 2, 4))

    def test_running_it_again_adds_what_is_new_and_changes_nothing_that_is_there(self):
        load_movielens(self.write_folder(CSV_FILES))
        movies = CSV_MOVIES.replace("Toy Story", "Another Story") + "5,Heat (1995),Crime\n"
        ratings = CSV_RATINGS.replace("1,1,4.0", "1,1,1.0") + "3,5,4.5,1537109090\n"
        report = load_movielens(self.write_folder({"movies.csv": movies.encode(), "ratings.csv": ratings.encode()}))
        self.assertEqual((report.movies_added, report.people_added, report.ratings_added), (1, 1, 1))
        self.assertEqual(Movie.objects.get(source_id=1).title, "Toy Story")
        self.assertEqual(Rating.objects.get(user__source_id=1, movie__source_id=1).value, 4.0)

    def test_films_get_ids_of_our_own(self):
        own = Movie.objects.create(pk=2, title="Entered by hand")
        load_movielens(self.write_folder(CSV_FILES))
        self.assertEqual(Movie.objects.get(pk=2), own)
        self.assertEqual(Rating.objects.filter(movie=own).count(), 0)

    def test_ratings_in_any_order_and_any_number_of_chunks_arrive_alike(self):
        numbers = random.Random(7)
        pairs = [(person, film) for person in range(1, 40) for film in range(1, 5) if numbers.random() < 0.7]
        numbers.shuffle(pairs)
        rows = {(person, film): numbers.randint(1, 10) / 2 for person, film in pairs}
        lines = [f"{person},{film},{value},964982703\n" for (person, film), value in rows.items()]
        lines += lines[:5]
        ratings = "userId,movieId,rating,timestamp\n" + "".join(lines)
        path = self.write_folder(CSV_FILES | {"ratings.csv": ratings.encode()})
        with (
            mock.patch("cinema.importing.plain_rows.BLOCK_BYTES", 100),
            mock.patch("cinema.importing.spool.PARTITION_ROWS", 10),
            mock.patch("cinema.importing.rating_rows.CHUNK_INTO_EMPTY", 3),
            mock.patch("cinema.importing.loading.CHUNK_FILMS", 3),
            mock.patch("cinema.importing.loading.CHUNK_PEOPLE", 4),
        ):
            report = load_movielens(path)
        stored = Rating.objects.values_list("user__source_id", "movie__source_id", "value")
        self.assertEqual({(person, film): value for person, film, value in stored}, rows)
        self.assertEqual(report.ratings_added, len(rows))
        self.assertEqual([row.line for row in report.bad_rows], [len(rows) + 2 + n for n in range(5)])

    def test_an_account_of_a_reserved_name_stops_it_before_anything_is_written(self):
        User.objects.create(username="ml-test:2")
        with self.assertRaisesRegex(ImportRejected, "'ml-test:2' has a name that this import needs"):
            load_movielens(self.write_folder(CSV_FILES))
        self.assertFalse(Movie.objects.exists())

    def test_a_set_without_ratings_brings_its_films(self):
        report = load_movielens(self.write_folder(CSV_FILES | {"ratings.csv": b"userId,movieId,rating,timestamp\n"}))
        self.assertEqual((report.movies_added, report.people_added, report.ratings_added), (4, 0, 0))

    def test_it_says_how_far_it_is(self):
        said: list[Progress] = []
        with mock.patch("cinema.importing.plain_rows.BLOCK_BYTES", 40):
            load_movielens(self.write_folder(CSV_FILES), progress=said.append)
        self.assertEqual(
            list(dict.fromkeys(progress.phase for progress in said)),
            ["Reading ratings", "Writing films", "Writing people", "Writing ratings", "Indexing ratings"],
        )
        self.assertEqual((said[-1].fraction, said[-1].rows), (1.0, 4))
        self.assertTrue(all(0 <= progress.fraction <= 1 for progress in said))


class TakingBackTests(MovieLensFiles, TestCase):
    def break_at_chunk(self, number, error, meanwhile=lambda: None):
        store = rating_rows._store
        chunks = []

        def breaking(prepared, *, into_empty):
            chunks.append(prepared)
            if len(chunks) == number:
                meanwhile()
                raise error
            return store(prepared, into_empty=into_empty)

        patches = mock.patch.multiple(
            rating_rows, _store=breaking, CHUNK_INTO_EMPTY=1, FIRST_CHUNK=1, SMALLEST_CHUNK=1, LARGEST_CHUNK=1,
            PAUSE_SECONDS=0,
        )  # fmt: skip
        patches.start()
        self.addCleanup(patches.stop)

    def test_a_database_that_gives_up_keeps_nothing(self):
        Genre.objects.create(name="Comedy")
        self.break_at_chunk(3, OperationalError("database or disk is full"))
        with self.assertRaisesRegex(ImportRejected, "nothing of it was kept: database or disk is full"):
            load_movielens(self.write_folder(CSV_FILES))
        self.assertFalse(Movie.objects.exists() or User.objects.exists() or Rating.objects.exists())
        self.assertEqual([genre.name for genre in Genre.objects.all()], ["Comedy"])

    def test_ctrl_c_keeps_nothing(self):
        self.break_at_chunk(3, KeyboardInterrupt())
        with self.assertRaises(KeyboardInterrupt):
            load_movielens(self.write_folder(CSV_FILES))
        self.assertFalse(Movie.objects.exists() or User.objects.exists() or Rating.objects.exists())

    def test_what_an_earlier_import_brought_stays(self):
        load_movielens(self.write_folder(CSV_FILES))
        before = everything()
        movies = CSV_MOVIES + "5,Heat (1995),Crime\n"
        ratings = CSV_RATINGS + "1,5,4.0,1537109090\n3,5,4.5,1537109090\n3,1,4.5,1537109090\n"
        self.break_at_chunk(6, OperationalError("gone"))
        with self.assertRaises(ImportRejected):
            load_movielens(self.write_folder({"movies.csv": movies.encode(), "ratings.csv": ratings.encode()}))
        self.assertEqual(everything(), before)

    def test_a_film_that_somebody_has_rated_meanwhile_stays_with_that_rating(self):
        alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
        own = Movie.objects.create(title="Entered by hand")
        rate_movie(user=bob, movie=own, value=3.0)

        def alice_rates():
            rate_movie(user=alice, movie=Movie.objects.get(source_id=4), value=4.5)

        self.break_at_chunk(3, OperationalError("gone"), meanwhile=alice_rates)
        # The rating was made in a transaction of Alice's own: keep it out of the one that fails.
        with mock.patch("cinema.importing.loading.transaction.atomic"), self.assertRaises(ImportRejected):
            load_movielens(self.write_folder(CSV_FILES))
        self.assertEqual({movie.source_id for movie in Movie.objects.all()}, {None, 4})
        self.assertEqual({(rating.user, rating.value) for rating in Rating.objects.all()}, {(bob, 3.0), (alice, 4.5)})


@skipUnless(connection.vendor == "sqlite", "a full disk is staged with a limit of SQLite's")
class FullDiskTests(MovieLensFiles, TransactionTestCase):
    def test_a_full_disk_leaves_nothing_half_loaded(self):
        rows = "".join(f"{person},{film},4.0,964982703\n" for person in range(1, 5_001) for film in range(1, 5))
        path = self.write_folder(CSV_FILES | {"ratings.csv": b"userId,movieId,rating,timestamp\n" + rows.encode()})
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA page_count")
            (pages,) = cursor.fetchone()
            cursor.execute(f"PRAGMA max_page_count={pages + 500}")
        try:
            with self.assertRaisesRegex(ImportRejected, "database or disk is full"):
                load_movielens(path)
            self.assertEqual([model.objects.count() for model in (Movie, Genre, User, Rating)], [0, 0, 0, 0])
        finally:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA max_page_count=1073741823")
        self.assertEqual(load_movielens(path).ratings_added, 20_000)


class RatingSpoolTests(MovieLensFiles):
    def test_it_is_a_file_without_a_name(self):
        with RatingSpool(self.var) as spool:
            spool.append(np.array([(1, 0, 2, 0, 8)], ROW))
            self.assertEqual(list(self.var.iterdir()), [])

    def test_a_full_disk_is_a_rejection(self):
        with RatingSpool(self.var) as spool:
            spool._file.close()
            spool._file = mock.Mock(write=mock.Mock(side_effect=OSError(28, "No space left on device")))
            spool._file.tell.return_value = 0
            with self.assertRaisesRegex(ImportRejected, "not enough room on the disk"):
                spool.append(np.array([(1, 0, 2, 0, 8)], ROW))

    def test_partitions_hold_whole_people_however_many_ratings_they_have(self):
        with RatingSpool(self.var) as spool, mock.patch("cinema.importing.spool.PARTITION_ROWS", 4):
            spool.append(np.array([(person, film, 0, 0, 8) for film in range(3) for person in (9, 1, 5)], ROW))
            spool.append(np.array([(7, film, 0, 0, 8) for film in range(20)], ROW))
            found = [sorted(set(rows["person"].tolist())) for rows, _ in spool.partitions()]
        self.assertEqual(found, [[1], [5], [7], [9]])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class LoadMovieLensCommandTests(MovieLensFiles, TestCase):
    def run_command(self, *arguments: str, stderr: io.StringIO | None = None) -> tuple[str, str]:
        stdout, stderr = io.StringIO(), stderr or io.StringIO()
        with mock.patch("sys.stderr", stderr):
            call_command("load_movielens", *arguments, stdout=stdout)
        return stdout.getvalue(), stderr.getvalue()

    def test_it_prints_what_it_did(self):
        files = CSV_FILES | {"ratings.csv": CSV_RATINGS.encode() + b"1,2,3\n"}
        path = str(self.write_folder(files, "ml-latest-small"))
        stdout, stderr = self.run_command(path)
        self.assertRegex(stdout, r"Source ml-latest-small\n")
        self.assertRegex(stdout, r"films +4 added +0 already there")
        self.assertRegex(stdout, r"people +2 added +0 already there")
        self.assertRegex(stdout, r"ratings +4 added +0 already there")
        self.assertRegex(stdout, r"[\d,]+ ratings a second")
        self.assertIn("1 bad rows were left out:\n  ratings.csv, line 6: it has 3 fields instead of 4\n", stdout)
        self.assertEqual(stderr, "")

        stdout, _ = self.run_command(path)
        self.assertRegex(stdout, r"ratings +0 added +4 already there")

    def test_it_takes_the_name_of_the_source(self):
        stdout, _ = self.run_command(str(self.write_folder(CSV_FILES)), "--source", "mine")
        self.assertIn("Source mine\n", stdout)
        self.assertIn("No bad rows.", stdout)

    def test_a_terminal_gets_a_bar_for_each_phase(self):
        _, stderr = self.run_command(str(self.write_folder(CSV_FILES)), stderr=Terminal())
        self.assertRegex(stderr, "\rWriting films +█+ 100%  4")
        self.assertRegex(stderr, "\rWriting ratings +█+ 100%  4")
        self.assertTrue(stderr.endswith("\n"))

    def test_what_is_rejected_is_one_sentence_and_a_failure(self):
        with self.assertRaisesRegex(CommandError, "^There is nothing at /nowhere.$") as caught:
            self.run_command("/nowhere")
        self.assertEqual(caught.exception.returncode, 1)

    def test_ctrl_c_is_a_failure_that_says_so(self):
        with (
            mock.patch("cinema.importing.movielens.load", side_effect=KeyboardInterrupt),
            self.assertRaisesRegex(CommandError, "Nothing of it was kept") as caught,
        ):
            self.run_command(str(self.write_folder(CSV_FILES)))
        self.assertEqual(caught.exception.returncode, 130)
