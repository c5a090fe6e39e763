"""Whatever may change somebody's lists makes them, or the catalogue, another edition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from django.db import transaction
from django.test import TestCase

from cinema import controls, library, onboarding, ratings
from cinema.importing.movielens import load_movielens
from cinema.models import CatalogueEdition, Genre, HiddenMovie, Movie, User


class EditionsTestCase(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create_user("ada")
        self.movie = Movie.objects.create(title="Stalker", year=1979)
        self.other = Movie.objects.create(title="Solaris", year=1972)

    def edition(self) -> int:
        return User.objects.values_list("edition", flat=True).get(pk=self.user.pk)

    def catalogue(self) -> int:
        return CatalogueEdition.objects.get(pk=1).number


class PersonTestCase(EditionsTestCase):
    def test_whatever_they_write_makes_them_another_one(self) -> None:
        user, movie = self.user, self.movie
        written: list[ratings.RatingsWritten] = []
        steps: dict[str, Callable[[], object]] = {
            "rate": lambda: ratings.rate_movie(user=user, movie=movie, value=4.0),
            "change": lambda: ratings.rate_movie(user=user, movie=movie, value=3.0),
            "remove": lambda: ratings.unrate_movie(user=user, movie=movie),
            "restore": lambda: ratings.restore_rating(user=user, movie=movie, value=3.0, rated_at=user.date_joined),
            "rate many": lambda: written.append(
                ratings.rate_movies(user=user, ratings=[ratings.NewRating(self.other.pk, 2.0)])
            ),
            "restore many": lambda: ratings.restore_ratings(user=user, written=written[0]),
            "hide": lambda: library.hide_movie(user=user, movie=movie),
            "why hidden": lambda: library.hide_movie(user=user, movie=movie, reason=HiddenMovie.Reason.SEEN),
            "show": lambda: library.unhide_movie(user=user, movie=movie),
            "control": lambda: controls.save_controls(user=user, novelty=0.5),
            "reset": lambda: controls.reset_controls(user=user),
            "discoveries": lambda: user.choose_discovery(2),
            "first minutes": lambda: onboarding.say_unseen(user=user, movie=movie),
        }
        for name, step in steps.items():
            with self.subTest(name):
                before = self.edition()
                step()
                self.assertNotEqual(self.edition(), before)
                self.assertEqual(user.edition, self.edition())

    def test_nobody_else_becomes_one(self) -> None:
        other = User.objects.create_user("bob")
        ratings.rate_movie(user=self.user, movie=self.movie, value=4.0)
        self.assertEqual(User.objects.get(pk=other.pk).edition, other.edition)

    def test_a_change_that_is_rolled_back_leaves_them_as_they_were(self) -> None:
        before = self.edition()
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            ratings.rate_movie(user=self.user, movie=self.movie, value=4.0)
            raise ZeroDivisionError
        self.assertEqual(self.edition(), before)

    def test_saving_an_old_copy_does_not_bring_an_edition_back(self) -> None:
        copy = User.objects.get(pk=self.user.pk)
        ratings.rate_movie(user=self.user, movie=self.movie, value=4.0)
        after = self.edition()
        copy.set_password("a long new password")
        copy.save()
        self.assertNotIn(self.edition(), {after, self.user.edition})

    def test_signing_in_leaves_them_as_they_are(self) -> None:
        before = self.edition()
        self.client.force_login(self.user)
        self.assertEqual(self.edition(), before)


class CatalogueTestCase(EditionsTestCase):
    def test_every_change_of_films_and_genres_makes_it_another_one(self) -> None:
        genre = Genre.objects.create(name="Sci-Fi")
        movie = self.movie
        steps: dict[str, Callable[[], object]] = {
            "a new film": lambda: Movie.objects.create(title="Mirror"),
            "a new title": lambda: Movie.objects.filter(pk=movie.pk).first().save(),  # type: ignore[union-attr]
            "a new genre": lambda: Genre.objects.create(name="Drama"),
            "a genre of a film": lambda: movie.genres.add(genre),
            "a film of a genre": lambda: genre.movies.add(self.other),
            "another name": genre.save,
            "no genre any more": movie.genres.clear,
            "a genre that goes": genre.delete,
            "a film that goes": Movie.objects.filter(pk=movie.pk).delete,
        }
        for name, step in steps.items():
            with self.subTest(name):
                before = self.catalogue()
                step()
                self.assertNotEqual(self.catalogue(), before)

    def test_an_import_does_too(self) -> None:
        before = self.catalogue()
        with TemporaryDirectory() as folder:
            Path(folder, "movies.csv").write_text("movieId,title,genres\n1,Mirror (1975),Drama\n")
            Path(folder, "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.5,1000000000\n")
            load_movielens(folder, source="small")
        self.assertNotEqual(self.catalogue(), before)

    def test_more_ratings_of_imported_people_make_them_another_edition(self) -> None:
        def load(lines: str) -> None:
            with TemporaryDirectory() as folder:
                Path(folder, "movies.csv").write_text("movieId,title,genres\n1,Mirror,\n2,Nostalghia,\n")
                Path(folder, "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + lines)
                load_movielens(folder, source="small")

        load("1,1,4.5,1000000000\n")
        person = User.objects.get(username="small:1")
        load("1,1,4.5,1000000000\n1,2,3.0,1000000000\n")
        self.assertNotEqual(User.objects.get(pk=person.pk).edition, person.edition)

    def test_an_import_that_is_taken_back_leaves_no_edition_from_before(self) -> None:
        before = self.catalogue()
        with (
            TemporaryDirectory() as folder,
            mock.patch("cinema.importing.rating_rows._store", side_effect=KeyboardInterrupt),
            self.assertRaises(KeyboardInterrupt),
        ):
            Path(folder, "movies.csv").write_text("movieId,title,genres\n1,Mirror (1975),Drama\n")
            Path(folder, "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.5,1000000000\n")
            load_movielens(folder, source="small")
        self.assertFalse(Movie.objects.filter(title="Mirror").exists())
        self.assertNotEqual(self.catalogue(), before)
