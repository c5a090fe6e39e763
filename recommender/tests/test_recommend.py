from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.utils import timezone

from cinema.library import hide_movie, unhide_movie
from cinema.models import MAX_DISCOVERIES, Genre, Movie, Rating, User
from cinema.ratings import rate_movie
from recommender import registry, serving
from recommender.algorithms.discovery import MAX_SLOTS, Discovery
from recommender.algorithms.film_model import NoiseScales
from recommender.catalogue import Filters
from recommender.models import LivePointer
from recommender.recommend import predict_for, recommend_for
from recommender.tests.stored_versions import (
    DRAMA_FAN,
    CatalogueTestCase,
    make_crowd,
    rate,
    rows_of,
    store_version,
    trained,
)


class RecommendForTestCase(CatalogueTestCase):
    def test_it_works(self) -> None:
        rate(self.alice, DRAMA_FAN)
        answer = recommend_for(self.alice, n=10)
        self.assertEqual((answer.user_id, answer.model_version), (self.alice.pk, self.version.label))
        self.assertFalse(answer.fallback)
        self.assertEqual([item.rank for item in answer.items], list(range(1, 11)))
        self.assertEqual({item.slot for item in answer.items}, {"ranked"})
        self.assertTrue(all(row < 30 for row in rows_of([item.movie_id for item in answer.items])))
        self.assertEqual([i.score for i in answer.items], sorted((i.score for i in answer.items), reverse=True))

    def test_it_leaves_out_what_was_rated_and_what_is_excluded(self) -> None:
        rate(self.alice, DRAMA_FAN)
        ids = [item.movie_id for item in recommend_for(self.alice, n=60, exclude=[50, 60]).items]
        self.assertEqual(len(ids), 60 - len(DRAMA_FAN) - 2)
        self.assertEqual(len(set(ids)), len(ids))
        self.assertFalse({10 * (row + 1) for row in DRAMA_FAN} & set(ids))
        self.assertFalse({50, 60} & set(ids))

    def test_it_learns_from_a_rating_at_once(self) -> None:
        rate(self.alice, {0: 5.0})
        before = recommend_for(self.alice, n=60)
        rate_movie(user=self.alice, movie=Movie.objects.get(pk=500), value=5.0)
        after = recommend_for(self.alice, n=60)
        comedies = [{item.movie_id: item.predicted_rating or 0 for item in answer.items} for answer in (before, after)]
        self.assertGreater(comedies[1][510], comedies[0][510])

    def test_it_filters_by_genre_and_years(self) -> None:
        rate(self.alice, DRAMA_FAN)
        items = recommend_for(self.alice, n=60, filters=Filters("comedy", 2000, 2010)).items
        self.assertEqual(len(items), 8)  # rows 40 to 50 less three rated ones
        self.assertTrue(all(item.genres == ["Comedy"] and 2000 <= (item.year or 0) <= 2010 for item in items))

    def test_it_gives_a_newcomer_the_popular_films_and_says_so(self) -> None:
        answer = recommend_for(self.alice, n=5)
        self.assertTrue(answer.fallback)
        self.assertEqual({item.slot for item in answer.items}, {"fallback"})
        self.assertEqual(answer.model_version, self.version.label)

    def test_it_works_without_any_version(self) -> None:
        make_crowd()
        LivePointer.objects.update(activation=None, generation=5)
        answer = recommend_for(self.alice, n=5)
        self.assertEqual((answer.model_version, answer.fallback, len(answer.items)), (None, True, 5))
        counts = [Rating.objects.filter(movie_id=item.movie_id).count() for item in answer.items]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertIsNone(answer.items[0].predicted_rating)

    def test_it_fills_up_with_films_that_came_after_the_training(self) -> None:
        rate(self.alice, DRAMA_FAN)
        new = Movie.objects.create(title="Brand new", year=2026)
        new.genres.add(Genre.objects.get(name="Drama"))
        items = recommend_for(self.alice, n=100).items
        self.assertEqual(items[-1].movie_id, new.pk)
        self.assertEqual(items[-1].slot, "fallback")
        self.assertEqual(len(items), 61 - len(DRAMA_FAN))

    def test_it_replaces_films_that_are_gone(self) -> None:
        rate(self.alice, DRAMA_FAN)
        first = recommend_for(self.alice, n=20).items
        Movie.objects.filter(pk__in=[item.movie_id for item in first[:15]]).delete()
        items = recommend_for(self.alice, n=20).items
        self.assertEqual(len(items), 20)
        self.assertEqual([item.movie_id for item in items[:5]], [item.movie_id for item in first[15:]])

    def test_it_answers_somebody_who_has_rated_everything_with_nothing(self) -> None:
        rate(self.alice, dict.fromkeys(range(60), 4.0))
        self.assertEqual(recommend_for(self.alice, n=10).items, [])

    def test_it_says_of_each_film_which_model_put_it_there(self) -> None:
        rate(self.alice, DRAMA_FAN)
        for item in recommend_for(self.alice, n=10, discovery=0).items:
            assert item.parts is not None
            self.assertAlmostEqual(item.parts.ranker + item.parts.rating_model, item.score, delta=1e-4)
        self.assertEqual({item.parts for item in recommend_for(self.bob, n=10).items}, {None})

    def test_it_never_shows_a_film_that_the_person_hid(self) -> None:
        rate(self.alice, DRAMA_FAN)
        first, second = (Movie.objects.get(pk=item.movie_id) for item in recommend_for(self.alice, n=2).items)
        hide_movie(user=self.alice, movie=first)
        items = recommend_for(self.alice, n=100).items
        self.assertEqual(items[0].movie_id, second.pk)
        self.assertNotIn(first.pk, {item.movie_id for item in items})
        self.assertEqual(len(items), Movie.objects.count() - len(DRAMA_FAN) - 1)
        unhide_movie(user=self.alice, movie=first)
        self.assertEqual(recommend_for(self.alice).items[0].movie_id, first.pk)

    def test_it_never_shows_a_hidden_film_without_a_version_either(self) -> None:
        serving.forget()
        LivePointer.objects.all().delete()
        first = Movie.objects.get(pk=recommend_for(self.alice).items[0].movie_id)
        hide_movie(user=self.alice, movie=first)
        self.assertNotIn(first.pk, {item.movie_id for item in recommend_for(self.alice, n=100).items})

    def test_it_takes_four_queries(self) -> None:
        rate(self.alice, DRAMA_FAN)
        recommend_for(self.alice)
        # The live version, the ratings, hidden films and controls, new films. What films are called is remembered.
        with self.assertNumQueries(4):
            recommend_for(self.alice)

    def test_it_weighs_a_rating_less_that_it_was_trained_on(self) -> None:
        model = trained()
        registry.activate(
            store_version(replace(model, films=replace(model.films, scales=NoiseScales(fresh=2.0, trained=4.0))))
        )
        rate(self.alice, DRAMA_FAN)
        fresh = predict_for(self.alice, [Movie.objects.get(pk=60)])[60]
        Rating.objects.filter(user=self.alice).update(changed_at=self.version.data_until)
        known = predict_for(self.alice, [Movie.objects.get(pk=60)])[60]
        self.assertLess(known, fresh)


class DiscoveryTestCase(CatalogueTestCase):
    """A version with two discovery slots, which may show any film."""

    def setUp(self) -> None:
        super().setUp()
        model = trained()
        everything = np.ones(model.n_items, np.uint8)
        flat = np.ones(model.n_items, np.float32)
        discovery = Discovery(2, everything, np.zeros_like(flat), flat, np.zeros_like(flat))
        registry.activate(store_version(replace(model, discovery=discovery)))
        rate(self.alice, DRAMA_FAN)

    def slots(self, **options: Any) -> list[str]:
        return [item.slot for item in recommend_for(self.alice, **options).items]

    def test_it_marks_the_places_that_are_given_away(self) -> None:
        self.assertEqual(self.slots(), ["ranked"] * 8 + ["discovery"] * 2)
        self.assertEqual(self.slots(n=9), ["ranked"] * 9)

    def test_it_gives_as_many_away_as_it_is_asked_to(self) -> None:
        for discovery in range(4):
            self.assertEqual(self.slots(discovery=discovery).count("discovery"), discovery)

    def test_it_gives_as_many_away_as_the_person_chose(self) -> None:
        for discovery in range(MAX_DISCOVERIES + 1):
            self.alice.choose_discovery(discovery)
            self.assertEqual(self.slots().count("discovery"), discovery)
        self.alice.choose_discovery(None)
        self.assertEqual(self.slots().count("discovery"), 2)

    def test_what_is_asked_for_goes_before_what_the_person_chose(self) -> None:
        self.alice.choose_discovery(3)
        self.assertEqual(self.slots(discovery=1).count("discovery"), 1)
        self.assertEqual(self.slots(discovery=0).count("discovery"), 0)
        self.assertEqual(self.slots(discovery="auto").count("discovery"), 2)

    def test_people_choose_among_as_many_as_versions_have_prices_for(self) -> None:
        self.assertEqual(MAX_DISCOVERIES, MAX_SLOTS)

    def test_the_database_takes_no_other_number(self) -> None:
        for discovery in (4, 100):
            with self.assertRaises(IntegrityError), transaction.atomic():
                User.objects.filter(pk=self.alice.pk).update(discovery=discovery)

    def test_it_never_shows_a_film_twice_or_a_rated_one(self) -> None:
        ids = [item.movie_id for item in recommend_for(self.alice, n=50, discovery=3).items]
        self.assertEqual(len(set(ids)), 50)
        self.assertFalse({10 * (row + 1) for row in DRAMA_FAN} & set(ids))

    def test_it_fills_the_list_when_films_are_gone(self) -> None:
        shown = recommend_for(self.alice, n=20).items
        Movie.objects.filter(pk__in=[item.movie_id for item in shown if item.slot == "discovery"]).delete()
        self.assertEqual(len(recommend_for(self.alice, n=20).items), 20)

    def test_it_gives_nothing_away_to_a_newcomer(self) -> None:
        self.assertEqual({item.slot for item in recommend_for(self.bob).items}, {"fallback"})


class PredictForTestCase(CatalogueTestCase):
    def test_it_predicts_a_rated_film_as_if_it_were_not(self) -> None:
        rate(self.alice, DRAMA_FAN)
        film = Movie.objects.get(pk=10)
        before = predict_for(self.alice, [film])[10]
        Rating.objects.filter(user=self.alice, movie=film).update(value=0.5, changed_at=timezone.now())
        self.assertAlmostEqual(predict_for(self.alice, [film])[10], before)
