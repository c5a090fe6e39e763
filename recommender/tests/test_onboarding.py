from __future__ import annotations

import gc
import weakref
from itertools import pairwise

import numpy as np
from django.db import connection
from django.test import SimpleTestCase, TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cinema import onboarding
from cinema.library import hide_movie
from cinema.models import FirstMinutes, Movie, Rating, UnseenMovie, User
from cinema.ratings import rate_movie
from recommender import registry
from recommender.onboarding import Interview, elicitation, groups
from recommender.tests.ratings_for_tests import small_model
from recommender.tests.stored_versions import (
    DRAMA_FAN,
    CatalogueTestCase,
    StoredVersionsMixin,
    make_catalogue,
    rate,
    rows_of,
    store_version,
)


class ElicitationOfVersionTestCase(SimpleTestCase):
    def test_it_is_made_once_and_forgotten_with_the_model(self) -> None:
        model = small_model()
        self.assertIs(elicitation(model), elicitation(model))
        remembered = weakref.ref(elicitation(model))
        del model
        gc.collect()
        self.assertIsNone(remembered())


class InterviewTestCase(CatalogueTestCase):
    def interview(self) -> Interview:
        return Interview.of(self.alice)

    def ask(self) -> Movie:
        movie = self.interview().question()
        assert movie is not None
        return movie

    def test_it_never_asks_about_a_film_twice_nor_one_rated_or_hidden(self) -> None:
        """Through the whole catalogue, with every kind of answer."""
        rate(self.alice, DRAMA_FAN)
        gone = {10 * (row + 1) for row in DRAMA_FAN} | {70, 80}
        for movie_id in (70, 80):
            hide_movie(user=self.alice, movie=Movie.objects.get(pk=movie_id))
        asked: list[int] = []
        while (movie := self.interview().question()) is not None:
            self.assertNotIn(movie.pk, asked)
            asked.append(movie.pk)
            if len(asked) % 3 == 0:
                rate_movie(user=self.alice, movie=movie, value=4.0)
            elif len(asked) % 3 == 1:
                onboarding.say_unseen(user=self.alice, movie=movie)
            else:
                hide_movie(user=self.alice, movie=movie)
        self.assertFalse(set(asked) & gone)
        self.assertEqual(len(asked), 60 - len(gone))

    def test_it_asks_the_same_until_it_is_answered(self) -> None:
        first = self.ask()
        self.assertEqual(self.ask(), first)
        onboarding.say_unseen(user=self.alice, movie=first)
        self.assertNotEqual(self.ask(), first)
        onboarding.take_back_unseen(user=self.alice, movie=first)
        self.assertEqual(self.ask(), first)

    def test_it_asks_what_is_worth_most(self) -> None:
        rate(self.alice, {0: 5.0, 40: 2.0})
        interview = self.interview()
        assert interview.viewer is not None
        model = interview.viewer.live.model
        questions = elicitation(model)
        values = questions.values(interview.viewer.person, np.empty(0, np.int64), np.empty(0, np.int64))
        values[np.isin(questions.well_known, [0, 40])] = -np.inf
        self.assertEqual(self.ask().pk, int(model.movie_ids[questions.well_known[values.argmax()]]))

    def test_it_prefers_films_of_picked_groups(self) -> None:
        def asked_about(rows: range) -> list[int]:
            UnseenMovie.objects.all().delete()
            onboarding.pick_films(user=self.alice, movie_ids=[10 * (row + 1) for row in rows])
            asked = []
            for _ in range(6):
                asked.append(self.ask().pk)
                onboarding.say_unseen(user=self.alice, movie=Movie.objects.get(pk=asked[-1]))
            return rows_of(asked)

        dramas = sum(row < 30 for row in asked_about(range(30)))
        comedies = sum(row >= 30 for row in asked_about(range(30, 60)))
        self.assertGreater(dramas + comedies, 6)

    def test_it_skips_a_film_that_is_gone(self) -> None:
        first = self.ask()
        Movie.objects.get(pk=first.pk).delete()
        self.assertNotEqual(self.ask().pk, first.pk)

    def test_it_goes_on_with_other_films_after_the_well_known(self) -> None:
        now = timezone.now()
        new = Movie.objects.create(title="Brand new")
        UnseenMovie.objects.bulk_create(
            UnseenMovie(user=self.alice, movie_id=10 * (row + 1), said_at=now) for row in range(60)
        )
        self.assertEqual(self.ask(), new)

    def test_it_knows_somebody_better_with_every_answer(self) -> None:
        known = [self.interview().known]
        for _ in range(6):
            rate_movie(user=self.alice, movie=self.ask(), value=3.5)
            known.append(self.interview().known)
        self.assertEqual(known[0], 0.0)
        self.assertTrue(all(a < b for a, b in pairwise(map(float, filter(None, known)))), known)

    def test_what_is_not_seen_may_still_be_recommended(self) -> None:
        rate(self.alice, DRAMA_FAN)
        interview = self.interview()
        assert interview.viewer is not None
        before = interview.viewer.scores()
        onboarding.say_unseen(user=self.alice, movie=self.ask())
        again = self.interview().viewer
        assert again is not None
        np.testing.assert_array_equal(again.scores(), before)

    def test_it_is_quick(self) -> None:
        rate(self.alice, DRAMA_FAN)
        self.interview().question()  # loads the model
        with CaptureQueriesContext(connection) as queries:
            interview = self.interview()
            interview.question()
            self.assertIsNotNone(interview.known)
        self.assertLessEqual(len(queries), 7, [query["sql"][:120] for query in queries])


class GroupsTestCase(CatalogueTestCase):
    def test_it_offers_groups_of_the_live_version(self) -> None:
        offered = groups()
        self.assertGreater(len(offered), 1)
        films = [pk for group in offered for pk in group.movie_ids]
        self.assertEqual(len(films), len(set(films)))
        for group in offered:
            self.assertTrue(group.examples)
            self.assertFalse(group.picked)

    def test_it_remembers_what_was_picked_though_the_version_changes(self) -> None:
        offered = groups()
        picked = offered[1].movie_ids
        self.assertEqual([group.picked for group in groups(picked)], [n == 1 for n in range(len(offered))])
        registry.activate(store_version(small_model()))
        self.assertEqual([group.picked for group in groups(picked)], [n == 1 for n in range(len(offered))])

    def test_it_leaves_out_films_that_are_gone(self) -> None:
        gone, *rest = groups()[0].movie_ids
        Movie.objects.get(pk=gone).delete()
        self.assertEqual(groups()[0].movie_ids, rest)
        Movie.objects.all().delete()
        self.assertEqual(groups(), [])

    def test_its_examples_are_no_sequels_of_one_another(self) -> None:
        first = groups()[0].movie_ids
        for movie_id, part in zip(first[:3], ("I", "II", "III"), strict=True):
            Movie.objects.filter(pk=movie_id).update(title=f"Saga: Part {part}")
        titles = [movie.title for movie in groups()[0].examples]
        self.assertEqual(titles[0], "Saga: Part I")
        self.assertEqual(sum(title.startswith("Saga") for title in titles), 1)


class InterviewWithoutModelTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        self.alice, self.bob = User.objects.create_user("alice"), User.objects.create_user("bob")

    def test_it_asks_about_what_most_people_rated(self) -> None:
        rate(self.bob, {7: 3.0})
        interview = Interview.of(self.alice)
        self.assertEqual(interview.question(), Movie.objects.get(pk=80))
        self.assertEqual((interview.known, groups()), (None, []))
        rate_movie(user=self.alice, movie=Movie.objects.get(pk=80), value=3.0)
        self.assertNotEqual(Interview.of(self.alice).question(), Movie.objects.get(pk=80))

    def test_it_has_no_question_without_films(self) -> None:
        Movie.objects.all().delete()
        self.assertIsNone(Interview.of(self.alice).question())


class StateTestCase(TestCase):
    def setUp(self) -> None:
        make_catalogue()
        self.alice = User.objects.create_user("alice")
        self.film = Movie.objects.get(pk=10)

    def test_it_is_erased_with_the_person(self) -> None:
        onboarding.pick_films(user=self.alice, movie_ids=[10])
        onboarding.say_unseen(user=self.alice, movie=self.film)
        self.alice.delete()
        self.assertEqual((FirstMinutes.objects.count(), UnseenMovie.objects.count()), (0, 0))

    def test_picking_is_no_rating_and_ends_a_skip(self) -> None:
        onboarding.skip(user=self.alice)
        self.assertIsNotNone(FirstMinutes.objects.get(user=self.alice).skipped_at)
        onboarding.pick_films(user=self.alice, movie_ids=[20, 10, 20])
        state = FirstMinutes.objects.get(user=self.alice)
        self.assertEqual((state.liked_films, state.skipped_at), ([10, 20], None))
        self.assertEqual(Rating.objects.count(), 0)

    def test_the_first_list_is_there_once(self) -> None:
        first = onboarding.finish(user=self.alice).finished_at
        self.assertIsNotNone(first)
        self.assertEqual(onboarding.finish(user=self.alice).finished_at, first)

    def test_a_rating_says_more_than_not_having_seen_it(self) -> None:
        rate_movie(user=self.alice, movie=self.film, value=2.0)
        self.assertFalse(onboarding.say_unseen(user=self.alice, movie=self.film))
        self.assertEqual(UnseenMovie.objects.count(), 0)

    def test_saying_it_twice_is_saying_it_once(self) -> None:
        for _ in range(2):
            self.assertTrue(onboarding.say_unseen(user=self.alice, movie=self.film))
        self.assertEqual(UnseenMovie.objects.count(), 1)
        self.assertTrue(onboarding.take_back_unseen(user=self.alice, movie=self.film))
        self.assertFalse(onboarding.take_back_unseen(user=self.alice, movie=self.film))
