from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from django.test import SimpleTestCase

from cinema.own_ratings import OwnRating
from cinema.tests.test_taste import rating
from cinema.year_in_review import N_BEST, YearInReview, review, years_with_ratings


def on(day: str, movie_id: int, value: float = 4.0, others_mean: float | None = None, **fields: Any) -> OwnRating:
    """Rated at noon of that day."""
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    return rating(movie_id, value, others_mean, rated_at=at, **fields)


def of(year: int, *ratings: OwnRating) -> YearInReview:
    found = review(ratings, year, UTC)
    assert found is not None
    return found


class YearInReviewTestCase(SimpleTestCase):
    def test_it_counts_the_films_of_that_year_by_month(self) -> None:
        found = of(2016, on("2016-01-01", 1, 5.0), on("2016-01-31", 2, 3.0), on("2016-12-31", 3), on("2017-01-01", 4))
        self.assertEqual((found.n, found.mean), (3, 4.0))
        self.assertEqual(found.by_month, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])

    def test_a_year_begins_at_midnight_of_its_zone(self) -> None:
        late = rating(1, 4.0, rated_at=datetime(2015, 12, 31, 23, 30, tzinfo=UTC))
        self.assertIsNone(review([late], 2016, UTC))
        self.assertIsNotNone(review([late], 2016, timezone(timedelta(hours=1))))
        self.assertEqual(years_with_ratings([late], timezone(timedelta(hours=1))), [(2016, 1)])

    def test_an_empty_year_has_no_review(self) -> None:
        self.assertIsNone(review([], 2016, UTC))
        self.assertIsNone(review([on("2015-05-05", 1)], 2016, UTC))

    def test_the_best_are_those_with_the_most_stars_then_those_that_the_others_like_less(self) -> None:
        found = of(2016, on("2016-01-01", 1, 4.5), on("2016-01-02", 2, 5.0, 4.9), on("2016-01-03", 3, 5.0, 2.0))
        self.assertEqual([one.movie_id for one in found.best], [3, 2, 1])
        many = of(2016, *(on("2016-01-01", i) for i in range(40)))
        self.assertEqual(len(many.best), N_BEST)

    def test_the_favourite_genre_is_liked_more_than_the_year_and_more_than_once(self) -> None:
        found = of(
            2016,
            on("2016-01-01", 1, 5.0, genres=("Western",)),  # once: no favourite yet
            on("2016-01-02", 2, 4.5, genres=("Drama",)),
            on("2016-01-03", 3, 4.5, genres=("Drama",)),
            on("2016-01-04", 4, 2.0, genres=("Horror",)),
            on("2016-01-05", 5, 1.0, genres=("Horror",)),
        )
        assert found.genre is not None
        self.assertEqual((found.genre.name, found.genre.n, found.genre.mean), ("Drama", 2, 4.5))
        self.assertIsNone(of(2016, on("2016-01-01", 1, genres=("Drama",))).genre)

    def test_the_busiest_day_is_the_first_of_equals(self) -> None:
        found = of(
            2016,
            on("2016-02-02", 1),
            on("2016-02-02", 2),
            on("2016-01-09", 3),
            on("2016-03-03", 4),
            on("2016-03-03", 5),
        )
        self.assertEqual((found.busiest_day, found.n_on_busiest_day), (date(2016, 2, 2), 2))

    def test_a_streak_is_days_in_a_row_over_the_end_of_a_month(self) -> None:
        days = ["2016-01-30", "2016-01-31", "2016-02-01", "2016-02-01", "2016-02-03", "2016-02-04"]
        streak = of(2016, *(on(day, i) for i, day in enumerate(days))).streak
        self.assertEqual((streak.days, streak.first, streak.last), (3, date(2016, 1, 30), date(2016, 2, 1)))

    def test_the_oldest_and_the_newest_film_have_a_year(self) -> None:
        found = of(2016, on("2016-01-01", 1, year=None), on("2016-01-02", 2, year=1925), on("2016-01-03", 3, year=2016))
        self.assertEqual((found.oldest and found.oldest.movie_id, found.newest and found.newest.movie_id), (2, 3))
        self.assertIsNone(of(2016, on("2016-01-01", 1, year=None)).oldest)

    def test_it_looks_at_the_year_before(self) -> None:
        found = of(2016, on("2016-01-01", 1), on("2015-01-01", 2, 2.0), on("2015-02-01", 3, 3.0), on("2014-01-01", 4))
        assert found.before is not None
        self.assertEqual((found.before.year, found.before.n, found.before.mean), (2015, 2, 2.5))
        self.assertIsNone(of(2014, on("2014-01-01", 4)).before)

    def test_it_knows_what_was_most_against_the_crowd_in_that_year(self) -> None:
        found = of(2016, on("2016-01-01", 1, 5.0, 4.5), on("2016-01-02", 2, 1.0, 4.5), on("2015-01-01", 3, 0.5, 5.0))
        self.assertEqual([one.movie_id for one in found.against], [2, 1])


class YearsWithRatingsTestCase(SimpleTestCase):
    def test_the_latest_comes_first(self) -> None:
        ratings = [on("2014-01-01", 1), on("2016-01-01", 2), on("2016-05-01", 3)]
        self.assertEqual(years_with_ratings(ratings, UTC), [(2016, 2), (2014, 1)])
