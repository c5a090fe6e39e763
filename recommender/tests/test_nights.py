from __future__ import annotations

from typing import Any

import numpy as np
from django.test import TestCase
from django.utils import timezone

from cinema.library import hide_movie, unhide_movie
from cinema.models import Movie, Night, NightParticipant, Rating, User
from cinema.nights import (
    allow_seen_movies,
    join_night,
    open_night,
    pick_movie,
    rate_as_guest,
    take_veto_back,
    veto_movie,
)
from recommender.algorithms.group import MISERY_THRESHOLD
from recommender.models import LivePointer
from recommender.nights import LIST_LENGTH, films_to_ask, room_of, stamp_of
from recommender.recommend import predict_for
from recommender.serving import live_model
from recommender.tests.stored_versions import (
    DRAMA_FAN,
    CatalogueTestCase,
    StoredVersionsMixin,
    make_catalogue,
    make_crowd,
    rate,
)

COMEDY_FAN = {30: 5.0, 31: 4.5, 32: 5.0, 33: 5.0, 10: 2.0, 11: 1.5, 12: 1.0}


def movie(pk: int) -> Movie:
    return Movie.objects.get(pk=pk)


def ids_of(night: Night, **options: Any) -> list[int]:
    return [item.film.pk for item in room_of(night, **options).choice.items]


class NightListTestCase(CatalogueTestCase):
    """Alice loves dramas, Bob comedies, and Gus is a guest."""

    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        rate(self.bob, COMEDY_FAN)
        self.night = open_night(host=self.alice, name="Ana")

    def come(self, name: str, user: User | None = None) -> NightParticipant:
        return join_night(night=self.night, name=name, user=user)

    def seen_by(self, *users: User) -> set[int]:
        return set(Rating.objects.filter(user__in=users).values_list("movie_id", flat=True))

    def test_somebody_alone_gets_their_films_by_expected_stars(self) -> None:
        ids = ids_of(self.night, n=20)
        expected = predict_for(self.alice, Movie.objects.filter(pk__in=ids))
        stars = [expected[pk] for pk in ids]
        self.assertEqual(stars, sorted(stars, reverse=True))
        live = live_model()
        assert live is not None
        everything = predict_for(self.alice, Movie.objects.exclude(pk__in=self.seen_by(self.alice)))
        self.assertAlmostEqual(stars[0], max(everything.values()))

    def test_each_film_has_a_line_for_everybody(self) -> None:
        self.come("Ben", self.bob)
        self.come("Gus")
        answer = room_of(self.night).choice
        self.assertEqual(len(answer.items), LIST_LENGTH)
        for item in answer.items:
            self.assertEqual([line.name for line in item.lines], ["Ana", "Ben", "Gus"])
            ana, ben, gus = item.lines
            self.assertAlmostEqual(ana.stars or 0, predict_for(self.alice, [movie(item.film.pk)])[item.film.pk])
            self.assertTrue(1 <= (ben.stars or 0) <= 5)
            self.assertEqual((gus.stars, gus.reason), (None, "unknown"))

    def test_a_reason_names_a_film_that_the_person_liked(self) -> None:
        self.come("Ben", self.bob)
        liked = {f"Film {row}" for row, value in DRAMA_FAN.items() if value >= 4}
        lines = [item.lines[0] for item in room_of(self.night).choice.items]
        because = [line.about for line in lines if line.reason == "film"]
        self.assertTrue(because)
        self.assertLessEqual(set(because), liked)

    def test_it_holds_no_film_that_anybody_has_rated_or_hidden(self) -> None:
        self.come("Ben", self.bob)
        hide_movie(user=self.bob, movie=movie(200))
        ids = ids_of(self.night, n=60)
        self.assertFalse(set(ids) & (self.seen_by(self.alice, self.bob) | {200}))
        self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual(len(ids), 60 - 14 - 1)
        unhide_movie(user=self.bob, movie=movie(200))
        self.assertIn(200, ids_of(self.night, n=60))

    def test_a_vetoed_film_is_gone_until_the_veto_is_taken_back_and_the_list_is_refilled(self) -> None:
        ben = self.come("Ben", self.bob)
        first, second = ids_of(self.night)[:2]
        veto_movie(participant=ben, movie=movie(first))
        room = room_of(self.night)
        ids = [item.film.pk for item in room.choice.items]
        self.assertNotIn(first, ids)
        self.assertEqual((ids[0], len(ids)), (second, LIST_LENGTH))
        self.assertEqual([(veto.film.pk, veto.name) for veto in room.vetoes], [(first, "Ben")])
        take_veto_back(participant=ben, movie=movie(first))
        self.assertEqual(ids_of(self.night)[0], first)

    def test_the_room_may_allow_films_that_some_but_not_all_have_seen(self) -> None:
        rate(self.bob, {0: 4.5})  # as Alice has
        self.come("Ben", self.bob)
        allow_seen_movies(night=self.night, allow=True)
        items = {item.film.pk: item for item in room_of(self.night, n=60).choice.items}
        self.assertNotIn(10, items)
        self.assertEqual(len(items), 59)
        ana, ben = items[20].lines  # five stars of Alice's
        self.assertEqual((ana.stars, ana.reason), (None, "seen"))
        self.assertIsNotNone(ben.stars)

    def test_nobody_is_expected_to_suffer_unless_it_says_so(self) -> None:
        self.come("Ben", self.bob)
        answer = room_of(self.night, n=45).choice
        self.assertTrue(answer.is_relaxed)
        self.assertLess(answer.threshold, MISERY_THRESHOLD)
        for n in (1, 5, 20, 45):
            answer = room_of(self.night, n=n).choice
            stars = [line.stars or 0 for item in answer.items for line in item.lines]
            self.assertGreaterEqual(min(stars), answer.threshold)

    def test_a_guests_ratings_count(self) -> None:
        gus = self.come("Gus")
        rate_as_guest(participant=gus, stars={10 * (row + 1): value for row, value in COMEDY_FAN.items()})
        self.come("Ben", self.bob)
        answer = room_of(self.night).choice
        for item in answer.items:
            _, of_gus, of_ben = item.lines
            self.assertAlmostEqual(of_gus.stars or 0, of_ben.stars or 0)  # the same ratings, the same person
        self.assertFalse({item.film.pk for item in answer.items} & {10 * (row + 1) for row in COMEDY_FAN})

    def test_the_order_in_which_people_come_changes_nothing(self) -> None:
        self.come("Ben", self.bob)
        one = ids_of(self.night, n=30)
        other = open_night(host=self.bob, name="Ben")
        join_night(night=other, name="Ana", user=self.alice)
        self.assertEqual(ids_of(other, n=30), one)

    def test_a_watched_film_leaves_the_list_and_the_next_makes_up_for_it(self) -> None:
        self.come("Ben", self.bob)
        before = room_of(self.night)
        favourite = max(range(200, 310, 10), key=lambda pk: predict_for(self.alice, [movie(pk)])[pk])
        pick_movie(night=self.night, movie=movie(favourite))
        after = room_of(self.night)
        self.assertEqual([film.pk for film in after.picks], [favourite])
        self.assertNotIn(favourite, [item.film.pk for item in after.choice.items])
        self.assertEqual((before.choice.next_in_turn, after.choice.next_in_turn), ("", "Ben"))
        bens = [item.lines[1].stars or 0 for item in after.choice.items][:3]
        anas = [item.lines[0].stars or 0 for item in after.choice.items][:3]
        self.assertGreater(np.mean(bens), np.mean(anas))

    def test_films_that_are_gone_from_the_catalogue_are_replaced(self) -> None:
        self.come("Ben", self.bob)
        ids = ids_of(self.night)
        Movie.objects.filter(pk__in=ids[:4]).delete()
        self.assertEqual(len(ids_of(self.night)), LIST_LENGTH)

    def test_it_fills_up_with_films_that_no_version_knows(self) -> None:
        new = Movie.objects.create(title="Brand new", year=2026)
        items = room_of(self.night, n=60).choice.items
        self.assertEqual(items[-1].film.pk, new.pk)
        self.assertEqual((items[-1].lines[0].stars, items[-1].lines[0].reason), (None, "crowd"))
        self.assertEqual(len(items), 61 - len(DRAMA_FAN))

    def test_a_room_in_which_nobody_has_rated_gets_popular_films_and_says_so(self) -> None:
        night = open_night(host=self.charlie, name="Charlie")
        answer = room_of(night).choice
        self.assertEqual((answer.personal, answer.model_version), (False, self.version.label))
        self.assertEqual(len(answer.items), LIST_LENGTH)

    def test_the_films_to_ask_about_are_known_ones_and_each_page_has_others(self) -> None:
        first, second = films_to_ask(n=10), films_to_ask(n=10, page=2)
        self.assertEqual((len(first), len(second)), (10, 10))
        self.assertEqual(len({film.pk for film in first + second}), 20)
        # Both tastes are asked for.
        self.assertEqual({name for film in first for name in film.genre_names}, {"Drama", "Comedy"})

    def test_its_stamp_changes_with_everything_that_it_shows(self) -> None:
        ben = self.come("Ben", self.bob)
        stamps = [stamp_of(self.night)]
        self.assertEqual(stamp_of(self.night), stamps[0])

        def see() -> None:
            stamps.append(stamp_of(self.night))
            self.assertNotIn(stamps[-1], stamps[:-1])

        veto_movie(participant=ben, movie=movie(100))
        see()
        pick_movie(night=self.night, movie=movie(110))
        see()
        rate(self.bob, {50: 3.0})
        see()
        hide_movie(user=self.alice, movie=movie(300))
        see()
        gus = self.come("Gus")
        see()
        rate_as_guest(participant=gus, stars={10: 4.0})
        see()
        LivePointer.objects.update(generation=99)
        see()
        rate(self.charlie, {50: 3.0})  # who is not in the room
        self.assertEqual(stamp_of(self.night), stamps[-1])


class NightWithoutModelTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        make_crowd()
        self.alice, self.bob = User.objects.create_user("alice"), User.objects.create_user("bob")
        self.night = open_night(host=self.alice, name="Ana")
        join_night(night=self.night, name="Ben", user=self.bob)

    def test_it_lists_the_most_rated_films_that_none_of_them_has_seen(self) -> None:
        most_rated = [movie.pk for movie in Movie.objects.most_rated_first()[:12]]
        rate(self.alice, {most_rated[0] // 10 - 1: 4.0})
        rate(self.bob, {most_rated[1] // 10 - 1: 2.0})
        answer = room_of(self.night).choice
        self.assertEqual((answer.model_version, answer.personal), (None, False))
        self.assertEqual([item.film.pk for item in answer.items], most_rated[2:])
        now = timezone.now()
        Rating.objects.create(user=self.alice, movie_id=most_rated[1], value=3.0, rated_at=now, changed_at=now)
        allow_seen_movies(night=self.night, allow=True)
        items = room_of(self.night).choice.items
        self.assertEqual(items[0].film.pk, most_rated[0])
        self.assertNotIn(most_rated[1], [item.film.pk for item in items])  # both have seen it
        self.assertEqual(items[0].lines[0].reason, "seen")

    def test_it_asks_guests_about_the_most_rated_films(self) -> None:
        asked = [film.pk for film in films_to_ask(n=10) + films_to_ask(n=10, page=2)]
        self.assertEqual(asked, [movie.pk for movie in Movie.objects.most_rated_first()[:20]])
