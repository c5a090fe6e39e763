from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from cinema import controls, library, ratings
from cinema.models import Genre, Movie, Rating, User
from recommender import registry, remembered
from recommender.algorithms.controls import Controls
from recommender.catalogue import Filters
from recommender.recommend import recommend_for
from recommender.remembered import list_for
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version

COMEDY_FAN = {row: 5.5 - value for row, value in DRAMA_FAN.items()}


class RememberedTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        rate(self.bob, COMEDY_FAN)

    def read(self, user: User) -> User:
        """As a request reads them."""
        return User.objects.get(pk=user.pk)

    def assert_true(self, user: User) -> None:
        """What is answered is what would be made now."""
        self.assertEqual(list_for(self.read(user)), recommend_for(self.read(user)))

    def test_who_asks_again_is_answered_without_solving_anything(self) -> None:
        alice = self.read(self.alice)
        first = list_for(alice)
        with self.assertNumQueries(2):  # the live version, and whether anybody rated a new film
            again = list_for(alice)
        self.assertIs(again, first)
        self.assertEqual(first, recommend_for(alice))

    def test_what_was_asked_for_tells_lists_apart(self) -> None:
        alice = self.read(self.alice)
        for wanted in (
            {},
            {"n": 5},
            {"filters": Filters("Comedy")},
            {"filters": Filters(year_min=1990)},
            {"exclude": [120]},
            {"discovery": 3},
            {"controls": Controls(popularity=-1.0)},
        ):
            with self.subTest(wanted):
                self.assertEqual(list_for(alice, **wanted), recommend_for(alice, **wanted))

    def test_everybody_has_their_own(self) -> None:
        alice, bob = list_for(self.read(self.alice)), list_for(self.read(self.bob))
        self.assertNotEqual([item.movie_id for item in alice.items], [item.movie_id for item in bob.items])

    def test_whatever_somebody_does_counts_in_their_next_list(self) -> None:
        first = list_for(self.read(self.alice)).items[0].movie_id
        movie = Movie.objects.get(pk=first)
        actions: dict[str, Callable[[User], object]] = {
            "rates": lambda user: ratings.rate_movie(user=user, movie=movie, value=1.0),
            "takes a rating back": lambda user: ratings.unrate_movie(user=user, movie=movie),
            "hides": lambda user: library.hide_movie(user=user, movie=movie),
            "shows again": lambda user: library.unhide_movie(user=user, movie=movie),
            "turns a control": lambda user: controls.save_controls(user=user, popularity=-1.0),
            "resets it": lambda user: controls.reset_controls(user=user),
        }
        for name, act in actions.items():
            with self.subTest(name):
                before = list_for(self.read(self.alice))
                act(self.read(self.alice))
                self.assert_true(self.alice)
                self.assertNotEqual(list_for(self.read(self.alice)).items, before.items)

    def test_the_request_that_rates_sees_its_own_change(self) -> None:
        alice = self.read(self.alice)
        movie_id = list_for(alice).items[0].movie_id
        ratings.rate_movie(user=alice, movie=Movie.objects.get(pk=movie_id), value=4.0)
        self.assertNotIn(movie_id, [item.movie_id for item in list_for(alice).items])

    def test_what_happens_to_films_counts(self) -> None:
        movie = Movie.objects.get(pk=list_for(self.read(self.alice)).items[0].movie_id)
        movie.title = "Another title"
        movie.save()
        self.assertEqual(list_for(self.read(self.alice)).items[0].title, "Another title")
        movie.genres.add(Genre.objects.create(name="War"))
        self.assertIn("War", list_for(self.read(self.alice)).items[0].genres)
        war = list_for(self.read(self.alice), filters=Filters("War"))
        self.assertEqual([item.movie_id for item in war.items], [movie.pk])
        movie.delete()
        self.assertNotEqual(list_for(self.read(self.alice)).items[0].title, "Another title")
        self.assert_true(self.alice)

    def test_another_version_answers_from_its_activation_on(self) -> None:
        list_for(self.read(self.alice))
        version = store_version()
        registry.activate(version)
        self.assertEqual(list_for(self.read(self.alice)).model_version, version.label)

    def test_a_new_film_is_there_with_its_first_rating(self) -> None:
        film = Movie.objects.create(title="Brand new", year=2010)
        film.genres.add(Genre.objects.get(name="Drama"))
        alice = self.read(self.alice)
        self.assertNotIn(film.pk, [item.movie_id for item in list_for(alice, discovery=1).items])
        fan = User.objects.create(username="fan", date_joined=timezone.now() - timedelta(days=365))
        rate(fan, DRAMA_FAN)
        now = timezone.now()
        Rating.objects.create(user=fan, movie=film, value=5.0, rated_at=now, changed_at=now)
        self.assertIn(film.pk, [item.movie_id for item in list_for(alice, discovery=1).items])

    def test_a_list_of_what_is_popular_is_not_kept(self) -> None:
        charlie = self.read(self.charlie)
        self.assertIsNot(list_for(charlie), list_for(charlie))

    def test_no_more_than_so_many_are_kept(self) -> None:
        alice = self.read(self.alice)
        before, remembered.MAX_LISTS = remembered.MAX_LISTS, 2
        self.addCleanup(setattr, remembered, "MAX_LISTS", before)
        first = list_for(alice, n=1)
        second = list_for(alice, n=2)
        list_for(alice, n=3)
        self.assertIs(list_for(alice, n=2), second)
        self.assertIsNot(list_for(alice, n=1), first)
