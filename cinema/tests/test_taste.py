from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.test import SimpleTestCase

from cinema.own_ratings import OwnRating
from cinema.taste import (
    SHRINKAGE,
    Verdict,
    against_the_crowd,
    counts_by_value,
    decade_tastes,
    genre_tastes,
    level,
)


def rating(movie_id: int, value: float, others_mean: float | None = None, **fields: Any) -> OwnRating:
    values: dict[str, Any] = {
        "title": f"Film {movie_id}",
        "year": 1990,
        "genres": (),
        "rated_at": datetime(2020, 1, 1, tzinfo=UTC),
        "n_others": 0 if others_mean is None else 10,
        **fields,
    }
    return OwnRating(movie_id=movie_id, value=value, others_mean=others_mean, **values)


class GroupTastesTestCase(SimpleTestCase):
    def test_a_genre_is_compared_on_the_same_films_and_drawn_towards_agreement(self) -> None:
        ratings = [
            rating(1, 5.0, 3.0, genres=("Drama", "War")),
            rating(2, 4.0, 4.0, genres=("Drama",)),
            rating(3, 1.0, None, genres=("Drama",)),  # too few others: no comparison
        ]
        drama = next(one for one in genre_tastes(ratings) if one.name == "Drama")
        self.assertEqual((drama.n, drama.n_compared), (3, 2))
        self.assertAlmostEqual(drama.mean, 10 / 3)
        self.assertEqual(drama.crowd_mean, 3.5)
        self.assertAlmostEqual(drama.shrunken or 0, 2.0 / (2 + SHRINKAGE))

    def test_genres_that_one_rates_higher_come_first_and_incomparable_ones_last(self) -> None:
        ratings = [
            rating(1, 2.0, 3.0, genres=("Horror",)),
            rating(2, 5.0, 3.0, genres=("Drama",)),
            rating(3, 5.0, None, genres=("Western",)),
        ]
        self.assertEqual([one.name for one in genre_tastes(ratings)], ["Drama", "Horror", "Western"])
        self.assertIsNone(genre_tastes(ratings)[-1].shrunken)

    def test_decades_go_by_the_first_year_in_order_and_leave_out_unknown_ones(self) -> None:
        ratings = [
            rating(1, 5.0, year=1999),
            rating(2, 4.0, year=1990),
            rating(3, 3.0, year=1985),
            rating(4, 1.0, year=None),
        ]
        self.assertEqual(
            [(one.name, one.n, one.mean) for one in decade_tastes(ratings)], [("1980", 1, 3.0), ("1990", 2, 4.5)]
        )


class LevelTestCase(SimpleTestCase):
    def test_it_is_the_mean_difference_with_its_interval(self) -> None:
        found = level([rating(i, value, 3.0) for i, value in enumerate((3.0, 4.0, 3.0, 4.0, 3.5))])
        self.assertAlmostEqual(found.mean, 0.5)
        self.assertAlmostEqual(found.distance, 0.5)
        # The standard deviation of 0, 1, 0, 1, ½ is ½, that of the mean ½/√5.
        self.assertAlmostEqual(found.high - found.mean, 1.96 * 0.5 / 5**0.5)
        self.assertEqual(found.verdict, Verdict.GENEROUS)

    def test_it_calls_nobody_strict_for_nothing(self) -> None:
        self.assertEqual(level([rating(i, 2.0, 3.0) for i in range(5)]).verdict, Verdict.STRICT)
        self.assertEqual(level([rating(i, 3.0, 3.05) for i in range(50)]).verdict, Verdict.ALIKE)  # not noticeable
        self.assertEqual(
            level([rating(i, v, 3.0) for i, v in enumerate((0.5, 5.0, 1.0, 5.0, 2.0))]).verdict, Verdict.ALIKE
        )
        self.assertEqual(level([rating(i, 0.5, 5.0) for i in range(4)]).verdict, Verdict.UNKNOWN)
        self.assertEqual(level([rating(1, 5.0)]).verdict, Verdict.UNKNOWN)
        self.assertEqual(level([]).n_compared, 0)


class AgainstTheCrowdTestCase(SimpleTestCase):
    def test_the_farthest_comes_first_whichever_way(self) -> None:
        ratings = [rating(1, 5.0, 4.0), rating(2, 1.0, 4.0), rating(3, 4.0, 4.0), rating(4, 0.5), rating(5, 5.0, 2.5)]
        self.assertEqual([one.movie_id for one in against_the_crowd(ratings, 9)], [2, 5, 1])
        self.assertEqual([one.movie_id for one in against_the_crowd(ratings, 1)], [2])

    def test_of_two_equally_far_the_one_that_more_rated_comes_first(self) -> None:
        ratings = [rating(1, 5.0, 3.0, n_others=5), rating(2, 1.0, 3.0, n_others=50)]
        self.assertEqual([one.movie_id for one in against_the_crowd(ratings, 2)], [2, 1])


class CountsByValueTestCase(SimpleTestCase):
    def test_it_counts_all_ten_values(self) -> None:
        self.assertEqual(
            counts_by_value([rating(1, 0.5), rating(2, 5.0), rating(3, 5.0)]), [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
        )
