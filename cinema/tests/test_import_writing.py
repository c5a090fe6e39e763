"""Rating many films at once means the same as rating one after the other, and can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test import TestCase
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from cinema.models import RATING_VALUES, Movie, Rating, User
from cinema.ratings import InvalidRating, NewRating, rate_movie, rate_movies, restore_ratings

Rows = list[tuple[int, float]]
rows_of_ratings = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(RATING_VALUES)), max_size=10)
LONG_AGO = datetime(2009, 5, 4, tzinfo=UTC)


def make() -> tuple[User, User]:
    Movie.objects.bulk_create(Movie(pk=pk, title=f"Film {pk}") for pk in range(1, 7))
    return User.objects.create_user("alice"), User.objects.create_user("bob")


def stored(user: User) -> list[tuple[int, float, datetime, datetime]]:
    rows = Rating.objects.of(user).order_by("movie_id")
    return list(rows.values_list("movie_id", "value", "rated_at", "changed_at"))


class SameMeaningTestCase(HypothesisTestCase):
    @given(rows_of_ratings, rows_of_ratings)
    @settings(max_examples=40, deadline=None)
    def test_many_at_once_are_one_after_the_other(self, earlier: Rows, later: Rows) -> None:
        alice, bob = make()
        for movie_id, value in earlier:
            for user in (alice, bob):
                rate_movie(user=user, movie=Movie.objects.get(pk=movie_id), value=value)
        before = {row[0]: row for row in stored(alice)}
        began = timezone.now()
        written = rate_movies(user=alice, ratings=[NewRating(movie_id, value) for movie_id, value in later])
        for movie_id, value in later:
            rate_movie(user=bob, movie=Movie.objects.get(pk=movie_id), value=value)
        self.assertEqual([row[:2] for row in stored(alice)], [row[:2] for row in stored(bob)])
        touched = {movie_id for movie_id, _ in later}
        for movie_id, _, rated_at, changed_at in stored(alice):
            self.assertEqual(changed_at == written.at and changed_at >= began, movie_id in touched)
            if movie_id in before:
                self.assertEqual(rated_at, before[movie_id][2])
            else:
                self.assertEqual(rated_at, written.at)

    @given(rows_of_ratings, rows_of_ratings)
    @settings(max_examples=40, deadline=None)
    def test_taking_it_back_restores_exactly_what_was(self, earlier: Rows, later: Rows) -> None:
        alice, bob = make()
        for movie_id, value in earlier:
            for user in (alice, bob):
                rate_movie(user=user, movie=Movie.objects.get(pk=movie_id), value=value)
        before = (stored(alice), stored(bob))
        written = rate_movies(user=alice, ratings=[NewRating(movie_id, value) for movie_id, value in later])
        restored = restore_ratings(user=alice, written=written)
        self.assertEqual((stored(alice), stored(bob)), before)
        self.assertEqual(restored, len({movie_id for movie_id, _ in later}))


class RateMoviesTestCase(TestCase):
    def setUp(self) -> None:
        self.alice, self.bob = make()

    def test_the_date_of_elsewhere_is_kept_where_it_has_passed(self) -> None:
        soon = timezone.now() + timedelta(days=1)
        written = rate_movies(user=self.alice, ratings=[NewRating(1, 4, LONG_AGO), NewRating(2, 4, soon)])
        self.assertEqual([row[2] for row in stored(self.alice)], [LONG_AGO, written.at])

    def test_a_film_that_is_not_there_is_left_out(self) -> None:
        written = rate_movies(user=self.alice, ratings=[NewRating(999, 4), NewRating(1, 3)])
        self.assertEqual([row.movie_id for row in written.before], [1])

    def test_one_bad_value_stops_all(self) -> None:
        for value in (0, 5.5, 3.2, True, float("nan")):
            with self.assertRaises(InvalidRating):
                rate_movies(user=self.alice, ratings=[NewRating(1, 4), NewRating(2, value)])
        self.assertEqual(stored(self.alice), [])

    def test_what_was_rated_again_stays(self) -> None:
        written = rate_movies(user=self.alice, ratings=[NewRating(1, 4), NewRating(2, 4), NewRating(3, 4)])
        rate_movie(user=self.alice, movie=Movie.objects.get(pk=1), value=4)
        Rating.objects.filter(movie_id=2).delete()
        self.assertEqual(restore_ratings(user=self.alice, written=written), 1)
        self.assertEqual([row[:2] for row in stored(self.alice)], [(1, 4.0)])

    def test_many_take_few_queries(self) -> None:
        Movie.objects.bulk_create(Movie(pk=pk, title="x") for pk in range(100, 1100))
        with self.assertNumQueries(12 if connection.vendor == "sqlite" else 8):  # by parameters in one statement
            rate_movies(user=self.alice, ratings=[NewRating(pk, 3) for pk in range(100, 1100)])
        self.assertEqual(Rating.objects.of(self.alice).count(), 1000)
