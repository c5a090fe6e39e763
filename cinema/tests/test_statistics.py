from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.test import TestCase
from django.utils import timezone

from cinema.crowd import count_crowd
from cinema.models import User
from cinema.statistics import MIN_RATERS, SiteStatistics, compute_statistics, decay, month_by_month
from cinema.tests.small_crowds import ColdCacheMixin, give, make_film, make_people

NEWEST = datetime(2016, 10, 16, 12, tzinfo=UTC)


def computed() -> SiteStatistics:
    return compute_statistics(count_crowd())


class SiteStatisticsTestCase(ColdCacheMixin, TestCase):
    def test_it_counts_films_people_and_ratings(self) -> None:
        people = make_people(5)
        heat, alien = make_film("Heat"), make_film("Alien")
        make_film("Nobody has seen it")
        for person in people:
            give(person, heat, 4.0)
        give(people[0], alien, 1.0)
        found = computed()
        self.assertEqual((found.n_movies, found.n_people, found.n_ratings), (3, 5, 6))
        self.assertAlmostEqual(found.mean or 0, 21 / 6)

    def test_it_says_nothing_about_four_people(self) -> None:
        heat = make_film("Heat", "Drama")
        for person in make_people(4):
            for_all = make_film(f"Film of {person}", "Drama")
            give(person, heat, 4.0)
            give(person, for_all, 4.0)
        found = computed()
        self.assertFalse(found.is_shown)
        self.assertEqual((found.distribution, found.months, found.decades, found.most_rated), ([], [], [], []))
        self.assertIsNone(found.trends)

    def test_it_works_on_an_empty_site(self) -> None:
        found = computed()
        self.assertEqual((found.n_movies, found.n_ratings, found.mean, found.is_shown), (0, 0, None, False))

    def test_a_film_that_fewer_than_five_people_rated_is_not_among_the_most_rated(self) -> None:
        people = make_people(6)
        heat, alien, big = make_film("Heat"), make_film("Alien"), make_film("Big")
        for film, n in ((heat, 5), (alien, 6), (big, 4)):
            for person in people[:n]:
                give(person, film, 3.0)
        self.assertEqual([(film.movie_id, film.n) for film in computed().most_rated], [(alien.pk, 6), (heat.pk, 5)])

    def test_the_best_rated_films_need_raters_and_are_drawn_to_the_mean(self) -> None:
        people = make_people(30)
        few, some, many = make_film("Few"), make_film("Some"), make_film("Many")
        for person in people[: MIN_RATERS - 1]:
            give(person, few, 5.0)
        for person in people[:MIN_RATERS]:
            give(person, some, 4.5)
        for person in people:
            give(person, many, 4.0)
        found = computed()
        self.assertEqual([film.movie_id for film in found.best_rated], [some.pk, many.pk])
        mean = (19 * 5.0 + 20 * 4.5 + 30 * 4.0) / 69
        self.assertAlmostEqual(found.best_rated[0].score, (20 * mean + 20 * 4.5) / 40)
        self.assertEqual(found.best_rated[0].mean, 4.5)

    def test_a_decade_has_a_film_that_five_people_rated(self) -> None:
        people = make_people(5)
        heat, psycho, unknown = make_film("Heat", year=1995), make_film("Psycho", year=1960), make_film("?", year=None)
        other = make_film("Alike", year=1999)
        for person in people:
            give(person, heat, 4.0)
            give(person, unknown, 1.0)
        give(people[0], other, 1.0)
        for person in people[:4]:
            give(person, psycho, 5.0)
        (nineties,) = computed().decades
        self.assertEqual((nineties.first_year, nineties.n_films, nineties.n_ratings), (1990, 2, 6))
        self.assertAlmostEqual(nineties.mean, 21 / 6)

    def test_a_month_in_which_fewer_than_five_people_rated_is_left_out(self) -> None:
        people = make_people(5)
        first, quiet, last = make_film("A"), make_film("B"), make_film("C")
        for person in people:
            give(person, first, 4.0, at=datetime(2016, 1, 31, 23, 59, tzinfo=UTC))
            give(person, last, 4.0, at=datetime(2016, 4, 1, tzinfo=UTC))
        for person in people[:4]:
            give(person, quiet, 4.0, at=datetime(2016, 2, 15, tzinfo=UTC))
        give(people[0], make_film("D"), 4.0, at=datetime(2020, 1, 1, tzinfo=UTC))
        months = [(month.first, month.n) for month in computed().months]
        self.assertEqual(
            months, [(date(2016, 1, 1), 5), (date(2016, 2, 1), None), (date(2016, 3, 1), 0), (date(2016, 4, 1), 5)]
        )


class MonthByMonthTestCase(TestCase):
    def test_it_goes_over_the_end_of_a_year(self) -> None:
        months = month_by_month({date(2015, 11, 1): 3, date(2016, 2, 1): 1})
        self.assertEqual([month.first.month for month in months], [11, 12, 1, 2])
        self.assertEqual([month.n for month in months], [3, 0, 0, 1])
        self.assertEqual(month_by_month({date(2015, 11, 1): None}), [])


class TrendsTestCase(ColdCacheMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.people = make_people(5)

    def all_give(self, title: str, *genres: str, days_before: float, n: int = 5) -> None:
        movie = make_film(title, *genres)
        for person in self.people[:n]:
            give(person, movie, 4.0, at=NEWEST - timedelta(days=days_before))

    def test_the_share_of_late_is_decayed_and_anchored_at_the_newest_rating(self) -> None:
        self.all_give("New", "Western", days_before=0)
        self.all_give("Older", "Drama", days_before=90)  # counts half
        self.all_give("Long ago", "Drama", days_before=3_000)  # counts no longer
        trends = computed().trends
        assert trends is not None
        self.assertEqual(trends.until, NEWEST.date())
        western, drama = trends.genres
        self.assertEqual((western.name, drama.name), ("Western", "Drama"))
        self.assertAlmostEqual(western.recent, 1 / 1.5)
        self.assertAlmostEqual(drama.recent, 0.5 / 1.5)
        self.assertAlmostEqual(western.usual, 1 / 3)
        self.assertAlmostEqual(drama.change, 0.5 / 1.5 - 2 / 3)

    def test_a_film_counts_for_each_of_its_genres(self) -> None:
        self.all_give("Both", "Western", "Drama", days_before=0)
        self.all_give("None", days_before=0)
        trends = computed().trends
        assert trends is not None
        self.assertEqual(
            [(one.name, one.recent, one.usual) for one in trends.genres], [("Drama", 0.5, 0.5), ("Western", 0.5, 0.5)]
        )

    def test_a_genre_that_fewer_than_five_people_rated_of_late_is_left_out(self) -> None:
        self.all_give("New", "Drama", days_before=0)
        self.all_give("Rare", "Western", days_before=1, n=4)
        trends = computed().trends
        assert trends is not None
        self.assertEqual([genre.name for genre in trends.genres], ["Drama"])

    def test_a_few_latecomers_do_not_move_the_anchor(self) -> None:
        self.all_give("New", "Drama", days_before=0)
        give(User.objects.create_user("alice"), make_film("Today", "Western"), 5.0, at=timezone.now())
        trends = computed().trends
        assert trends is not None
        self.assertEqual(trends.until, NEWEST.date())
        self.assertEqual([(genre.name, genre.recent) for genre in trends.genres], [("Drama", 1.0)])

    def test_after_a_half_life_a_rating_counts_half(self) -> None:
        self.assertEqual([decay(days) for days in (0, 90, 180)], [1.0, 0.5, 0.25])
