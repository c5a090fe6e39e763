from __future__ import annotations

from django.test import TestCase
from django.utils import timezone

from cinema.crowd import count_crowd, crowd
from cinema.models import Rating, User
from cinema.own_ratings import OwnRating, look_back
from cinema.ratings import rate_movie
from cinema.tests.small_crowds import LONG_AGO, ColdCacheMixin, give, make_film, make_people


class CrowdTestCase(ColdCacheMixin, TestCase):
    def test_it_counts_each_film_by_value(self) -> None:
        people = make_people(3)
        heat, alien = make_film("Heat"), make_film("Alien")
        for person, stars in zip(people, (0.5, 4.0, 4.0), strict=True):
            give(person, heat, stars)
        give(people[0], alien, 5.0)
        make_film("Nobody has seen it")
        counted = count_crowd()
        self.assertEqual(counted.movie_ids.tolist(), sorted([heat.pk, alien.pk]))
        row = counted.movie_ids.tolist().index(heat.pk)
        self.assertEqual(counted.tallies[row].tolist(), [1, 0, 0, 0, 0, 0, 0, 2, 0, 0])
        self.assertEqual((counted.counts[row], counted.sums[row]), (3, 8.5))
        self.assertEqual((counted.n_people, counted.n_ratings), (3, 4))
        self.assertEqual(counted.mean, 13.5 / 4)

    def test_it_says_nothing_of_a_value_that_fewer_than_five_people_gave(self) -> None:
        people = make_people(5)
        films = [make_film(f"Film {i}") for i in range(5)]
        for person, film in zip(people, films, strict=True):
            give(person, film, 4.0)  # five people, though no film has five ratings
        for film in films[:3]:
            give(people[3], film, 2.0)  # three ratings by one
        distribution = count_crowd().distribution()
        self.assertEqual(distribution[7], 5)
        self.assertIsNone(distribution[3])
        self.assertEqual(distribution[0], 0)

    def test_it_works_without_a_rating(self) -> None:
        counted = count_crowd()
        self.assertEqual((counted.n_people, counted.n_ratings, counted.mean), (0, 0, None))
        self.assertFalse(counted.is_shown)
        self.assertEqual(counted.distribution(), [0] * 10)


class LookBackTestCase(ColdCacheMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alice = User.objects.create_user("alice")
        self.people = make_people(6)
        self.heat = make_film("Heat", "Thriller", "Crime")

    def rated(self) -> OwnRating:
        (rating,) = look_back(self.alice).ratings
        return rating

    def test_ones_own_rating_is_not_among_the_others(self) -> None:
        for person in self.people[:5]:
            give(person, self.heat, 3.0)
        give(self.alice, self.heat, 5.0)
        rating = self.rated()
        self.assertEqual((rating.n_others, rating.others_mean, rating.difference), (5, 3.0, 2.0))
        self.assertEqual(rating.genres, ("Crime", "Thriller"))

    def test_four_others_are_too_few_to_be_told_of(self) -> None:
        for person in self.people[:4]:
            give(person, self.heat, 3.0)
        give(self.alice, self.heat, 5.0)
        self.assertEqual((self.rated().others_mean, self.rated().difference), (None, None))

    def test_a_rating_that_came_after_the_crowd_was_counted_takes_nothing_from_it(self) -> None:
        for person in self.people[:5]:
            give(person, self.heat, 3.0)
        crowd()
        rate_movie(user=self.alice, movie=self.heat, value=5.0)
        self.assertEqual((self.rated().n_others, self.rated().others_mean), (5, 3.0))

    def test_a_rating_that_changed_after_the_crowd_was_counted_is_counted_once(self) -> None:
        for person in self.people[:5]:
            give(person, self.heat, 3.0)
        give(self.alice, self.heat, 0.5)
        crowd()
        rate_movie(user=self.alice, movie=self.heat, value=5.0)
        self.assertEqual((self.rated().value, self.rated().n_others, self.rated().others_mean), (5.0, 5, 3.0))

    def test_a_rating_of_a_film_that_nobody_else_rated_stands_alone(self) -> None:
        give(self.alice, self.heat, 4.0)
        self.assertEqual((self.rated().n_others, self.rated().others_mean), (0, None))
        Rating.objects.update(changed_at=timezone.now())
        self.assertEqual(self.rated().n_others, 0)

    def test_the_latest_comes_first_and_only_ones_own(self) -> None:
        alien = make_film("Alien", year=None)
        give(self.alice, self.heat, 4.0, at=LONG_AGO.replace(year=2010))
        give(self.alice, alien, 3.0)
        give(self.people[0], make_film("Another"), 3.0)
        self.assertEqual([rating.title for rating in look_back(self.alice).ratings], ["Alien", "Heat"])
