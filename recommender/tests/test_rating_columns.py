"""Ratings as columns, held against what the ORM says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import numpy as np
from django.test import TestCase

from cinema.models import Movie, Rating, User
from recommender.rating_columns import read_columns

BEGAN = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


class RatingColumnsTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        rng = np.random.default_rng(0)
        cls.people = [User.objects.create_user(f"person{number}") for number in range(7)]
        cls.films = [Movie.objects.create(pk=3 * number + 1, title=f"Film {number}") for number in range(9)]
        pairs = [(person, film) for person in cls.people[1:] for film in cls.films if rng.random() < 0.6]
        rng.shuffle(pairs)
        Rating.objects.bulk_create(
            Rating(
                user=person,
                movie=film,
                value=0.5 * (1 + number % 10),
                rated_at=BEGAN + timedelta(days=number, microseconds=999_999),
                changed_at=BEGAN + timedelta(days=number),
            )
            for number, (person, film) in enumerate(pairs)
        )

    people: list[User]
    films: list[Movie]

    def catalogue(self) -> np.ndarray:
        return np.array([film.pk for film in self.films])

    def check(self, catalogue: np.ndarray, until: datetime | None = None) -> None:
        columns = read_columns(catalogue, until)
        expected = Rating.objects.order_by("user_id", "movie_id")
        if until is not None:
            expected = expected.filter(changed_at__lte=until)
        self.assertEqual(
            list(
                zip(
                    columns.user_ids[columns.user].tolist(),
                    columns.movie_ids[columns.item].tolist(),
                    columns.value.tolist(),
                    columns.time.tolist(),
                    strict=True,
                )
            ),
            [(rating.user_id, rating.movie_id, rating.value, int(rating.rated_at.timestamp())) for rating in expected],
        )
        self.assertEqual(columns.user_ids.tolist(), sorted({rating.user_id for rating in expected}))
        self.assertEqual(columns.movie_ids.tolist(), self.catalogue().tolist())

    def test_they_are_what_the_database_holds_whatever_the_size_of_a_block(self) -> None:
        for rows in (1, 2, 5, 50_000):
            with self.subTest(rows), mock.patch("recommender.rating_columns.BLOCK_ROWS", rows):
                self.check(self.catalogue())

    def test_what_was_changed_later_is_left_out(self) -> None:
        self.check(self.catalogue(), BEGAN + timedelta(days=12))

    def test_a_film_that_came_after_the_catalogue_was_read_has_its_place(self) -> None:
        with mock.patch("recommender.rating_columns.BLOCK_ROWS", 4):
            self.check(self.catalogue()[[0, 2, 3, 5, 6]])
            self.check(np.empty(0, np.int64))

    def test_more_ratings_than_were_counted_are_read_all_the_same(self) -> None:
        with (
            mock.patch("recommender.rating_columns.SPARE_ROWS", 0),
            mock.patch("recommender.rating_columns._count", return_value=1),
            mock.patch("recommender.rating_columns.BLOCK_ROWS", 3),
        ):
            self.check(self.catalogue())

    def test_moments_far_away_are_kept_too(self) -> None:
        self.assertEqual(read_columns(self.catalogue()).time.dtype, np.uint32)
        for year in (1969, 2107, 9999):
            with self.subTest(year), mock.patch("recommender.rating_columns.BLOCK_ROWS", 3):
                Rating.objects.filter(pk=Rating.objects.order_by("user_id")[8].pk).update(
                    rated_at=datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
                )
                self.check(self.catalogue())

    def test_without_ratings_there_is_a_catalogue(self) -> None:
        Rating.objects.all().delete()
        self.check(self.catalogue())

    def test_people_without_a_rating_to_keep_are_gone(self) -> None:
        columns = read_columns(self.catalogue())
        keep = columns.user_ids[columns.user] != self.people[3].pk
        keep[0] = False
        left = columns.take(keep)
        self.assertEqual(left.user_ids[left.user].tolist(), columns.user_ids[columns.user][keep].tolist())
        self.assertNotIn(self.people[3].pk, left.user_ids)
        self.assertEqual(left.value.tolist(), columns.value[keep].tolist())
