"""How an import's ratings get into the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import numpy as np
from django.db import IntegrityError, connection, transaction
from django.test import TestCase

from cinema.importing import rating_rows
from cinema.importing.rating_rows import RatingRows, RatingWriter, build_missing_indexes, writing_ratings
from cinema.models import Movie, Rating, User
from cinema.ratings import rate_movie

LATEST = 253_402_300_799  # the last second of the year 9999


class RatingRowsTestCase(TestCase):
    def setUp(self) -> None:
        self.people = [User.objects.create(username=f"made:{number}", source="made") for number in range(3)]
        self.films = [Movie.objects.create(title=f"Film {number}") for number in range(5)]

    def rows(self, seconds: int = 964_982_703) -> RatingRows:
        """Everybody rates everything, from half a star on."""
        pairs = [(person, film) for person in range(3) for film in range(5)]
        return RatingRows(
            user=np.array([self.people[person].pk for person, _ in pairs]),
            movie=np.array([self.films[film].pk for _, film in pairs]),
            half_stars=np.array([1 + (person + film) % 10 for person, film in pairs], np.uint8),
            rated_at=np.full(len(pairs), seconds),
        )

    def write(self, rows: RatingRows) -> list[tuple[int, int]]:
        with writing_ratings() as writer:
            return list(writer.write(rows))

    def structure(self) -> dict[str, Any]:
        with connection.cursor() as cursor:
            found: dict[str, Any] = connection.introspection.get_constraints(cursor, Rating._meta.db_table)
            if connection.vendor == "postgresql":
                found["definitions"] = rating_rows._constraints(cursor)
        return found


class EmptyTestCase(RatingRowsTestCase):
    def test_every_row_arrives_as_it_is(self) -> None:
        rows = self.rows()
        self.assertEqual(self.write(rows), [(15, 15)])
        stored = Rating.objects.order_by("user", "movie").values_list("user_id", "movie_id", "value", "rated_at")
        self.assertEqual(
            list(stored),
            [
                (user, movie, half / 2, datetime(2000, 7, 30, 18, 45, 3, tzinfo=UTC))
                for user, movie, half in zip(
                    rows.user.tolist(), rows.movie.tolist(), rows.half_stars.tolist(), strict=True
                )
            ],
        )

    def test_what_is_no_rating_is_refused_before_it_is_written(self) -> None:
        rows = self.rows()
        for half_stars in (0, 11):
            with self.subTest(half_stars), self.assertRaisesRegex(ValueError, "half a star to five"):
                RatingRows(rows.user, rows.movie, np.full(15, half_stars, np.uint8), rows.rated_at)

    def test_the_database_looks_at_values_again_afterwards(self) -> None:
        self.write(self.rows())
        with self.assertRaises(IntegrityError), transaction.atomic():
            Rating.objects.update(value=7.3)

    def test_every_moment_that_can_be_kept_arrives(self) -> None:
        for seconds in (0, 1, 86_399, LATEST):
            with self.subTest(seconds), transaction.atomic():
                Rating.objects.all().delete()
                self.write(self.rows(seconds))
                self.assertEqual({rating.rated_at.timestamp() for rating in Rating.objects.all()}, {seconds})

    def test_indexes_and_constraints_are_as_they_were(self) -> None:
        before = self.structure()
        self.write(self.rows())
        self.assertEqual(self.structure(), before)

    def test_indexes_are_not_kept_up_meanwhile(self) -> None:
        before = self.structure()
        with writing_ratings() as writer:
            list(writer.write(self.rows()))
            self.assertLess(len(self.structure()), len(before))
        self.assertEqual(self.structure(), before)

    def test_the_next_rating_gets_a_number_of_its_own(self) -> None:
        self.write(self.rows())
        film = Movie.objects.create(title="Another")
        rate_movie(user=self.people[0], movie=film, value=4.0)
        self.assertEqual(Rating.objects.count(), 16)


class ServingTestCase(RatingRowsTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate_movie(user=self.people[0], movie=self.films[0], value=5.0)

    def test_what_is_there_stays(self) -> None:
        self.assertEqual(self.write(self.rows()), [(15, 14)])
        self.assertEqual(Rating.objects.get(user=self.people[0], movie=self.films[0]).value, 5.0)

    def test_writing_it_again_adds_nothing(self) -> None:
        self.write(self.rows())
        self.assertEqual(self.write(self.rows()), [(15, 0)])

    def test_indexes_stay_where_they_are(self) -> None:
        before = self.structure()
        with writing_ratings() as writer:
            list(writer.write(self.rows()))
            self.assertEqual(self.structure(), before)

    def test_a_transaction_is_as_long_as_others_may_wait(self) -> None:
        writer = RatingWriter(into_empty=False)
        sizes = []
        for seconds in (0.01, 0.01, 1.0, 1.0, 0.25, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0):
            writer._adjust(seconds)
            sizes.append(writer._chunk)
        self.assertEqual(sizes, [10_000, 20_000, 10_000, 5_000, 5_000, 2_500, 1_250, 625, 500, 500, 500])

    def test_on_sqlite_whoever_waits_gets_in_between(self) -> None:
        slept: list[float] = []
        with (
            mock.patch.object(rating_rows, "FIRST_CHUNK", 5),
            mock.patch.object(rating_rows, "LARGEST_CHUNK", 5),
            mock.patch.object(rating_rows, "SMALLEST_CHUNK", 5),
            mock.patch.object(rating_rows.time, "sleep", slept.append),
        ):
            self.assertEqual(len(self.write(self.rows())), 3)
        if connection.vendor == "sqlite":
            self.assertEqual(slept[0], 0.0)
            self.assertTrue(all(0.0 < seconds <= rating_rows.PAUSE_SECONDS for seconds in slept[1:]), slept)
        else:
            self.assertEqual(slept, [])


class MissingIndexesTestCase(RatingRowsTestCase):
    def test_what_an_import_that_was_killed_left_out_is_built(self) -> None:
        before = self.structure()
        rating_rows._drop_indexes()
        built = build_missing_indexes()
        self.assertEqual(set(built), set(before) - set(before).difference(built))
        self.assertEqual(len(built), 3)
        self.assertEqual(self.structure(), before)

    def test_nothing_is_built_twice(self) -> None:
        self.assertEqual(build_missing_indexes(), [])
