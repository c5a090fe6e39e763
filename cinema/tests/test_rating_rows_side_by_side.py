"""Ratings of an import into a database that serves, outside of any transaction: on PostgreSQL two at a time."""

from __future__ import annotations

from unittest import mock

import numpy as np
from django.db import DatabaseError, connection
from django.test import TransactionTestCase

from cinema.importing import rating_rows
from cinema.importing.rating_rows import RatingRows, writing_ratings
from cinema.models import Movie, Rating, User
from cinema.ratings import rate_movie


class SideBySideTestCase(TransactionTestCase):
    def setUp(self) -> None:
        self.people = [User.objects.create(username=f"made:{number}", source="made") for number in range(6)]
        self.films = [Movie.objects.create(title=f"Film {number}") for number in range(5)]
        rate_movie(user=self.people[0], movie=self.films[0], value=0.5)
        for name in ("FIRST_CHUNK", "SMALLEST_CHUNK", "LARGEST_CHUNK"):
            self.enterContext(mock.patch.object(rating_rows, name, 4))

    def rows(self, *, of_nobody: bool = False) -> RatingRows:
        """Everybody rates everything, twice: the other way round the second time."""
        user = np.repeat([person.pk for person in self.people], 5)
        movie = np.tile([film.pk for film in self.films], 6)
        user, movie = np.concatenate([user, user[::-1]]), np.concatenate([movie, movie[::-1]])
        if of_nobody:
            user[30] = 10**9
        return RatingRows(user, movie, np.full(60, 8, np.uint8), np.full(60, 964_982_703))

    def test_each_rating_is_written_once_and_what_was_there_stays(self) -> None:
        with writing_ratings() as writer:
            told = list(writer.write(self.rows()))
        self.assertEqual((sum(n for n, _ in told), sum(added for _, added in told)), (60, 29))
        self.assertEqual(Rating.objects.count(), 30)
        self.assertEqual(Rating.objects.get(user=self.people[0], movie=self.films[0]).value, 0.5)

    def test_a_failure_is_told_once_all_that_was_begun_has_ended(self) -> None:
        with self.assertRaises(DatabaseError), writing_ratings() as writer:
            list(writer.write(self.rows(of_nobody=True)))
        before = Rating.objects.count()
        self.assertGreater(before, 1)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' "
                    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
                self.assertEqual(cursor.fetchone(), (0,))
