from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import numpy as np
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from cinema.library import hide_movie
from cinema.models import Movie, Rating
from recommender import registry, serving
from recommender.algorithms.ease import ItemWeights
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import FilmModel, NoiseScales
from recommender.algorithms.implicit_factors import ImplicitFactors
from recommender.algorithms.ranking import Ranker
from recommender.explain import explain_for, placed_by
from recommender.recommend import predict_for, recommend_for
from recommender.serving import LiveModel
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version, trained
from recommender.viewers import Viewer

N_FILMS = 60


def random_model(seed: int, *, half_life: float, noise_ratio: float, taste_weight: float) -> TrainedModel:
    """Sixty films with random factors, and few enough different weights between them that places are tied."""
    rng = np.random.default_rng(seed)
    model = trained()
    weights = rng.choice([-0.5, 0.0, 0.25, 0.5, 1.0], (N_FILMS, N_FILMS), p=[0.1, 0.6, 0.1, 0.1, 0.1])
    np.fill_diagonal(weights, 0.0)
    sources, targets = np.nonzero(weights)
    starts = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=N_FILMS))]).astype(np.int64)
    values = weights[sources, targets].astype(np.float32)
    films = FilmModel(
        global_mean=3.3,
        offsets=rng.normal(3.3, 0.5, (N_FILMS, 2)).astype(np.float32),
        features=rng.normal(0, 0.5, (N_FILMS, 2, 4)).astype(np.float32),
        noise=np.array([0.7, 0.8]),
        film_noise=np.zeros(N_FILMS, np.float32),
        watched=rng.normal(0, 0.3, (N_FILMS, 3)).astype(np.float32),
        watched_link=rng.normal(0, 0.3, (3, 2, 4)).astype(np.float32),
        item_counts=rng.integers(0, 6, N_FILMS),
        scales=NoiseScales(trained=noise_ratio),
    )
    factors = ImplicitFactors(rng.normal(0, 0.3, (N_FILMS, 3)).astype(np.float32), 1.0, 5.0)
    centroids = rng.normal(0, 1, (len(model.groups.centroids), 8)).astype(np.float32)
    return replace(
        model,
        films=films,
        ranker=Ranker(ItemWeights(starts, targets.astype(np.int32), values), half_life, factors, factor_weight=0.5),
        taste_weight=taste_weight,
        groups=replace(model.groups, centroids=centroids),
    )


histories = st.lists(
    # film, half stars, days since it was rated (ties are likely), whether the version was trained on it
    st.tuples(st.integers(0, N_FILMS - 1), st.integers(1, 10), st.integers(0, 4), st.booleans()),
    max_size=12,
    unique_by=lambda rating: rating[0],
)


class EveryWithoutItTestCase(CatalogueTestCase):
    """Without it is what one is told after deleting the rating, to the last place."""

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    def place(self, film: Movie, *, without: int | None = None) -> int:
        """The film's place in the list of all films, ``without`` being no candidate."""
        items = recommend_for(self.alice, n=200, exclude=[without] if without else [], discovery=0).items
        return next(item.rank for item in items if item.movie_id == film.pk)

    def check(self, film: Movie) -> int:
        """Compares every "without it" of the film's explanation with a database without that rating."""
        explanation = explain_for(self.alice, film)
        with self.rolled_back():
            Rating.objects.filter(user=self.alice, movie=film).delete()
            self.assertEqual(explanation["order"]["rank"], self.place(film))
        named = [entry for reason in explanation["reasons"] for entry in reason.get("movies", [])]
        named += explanation["order"]["movies"]
        for entry in named:
            with self.rolled_back():
                Rating.objects.filter(user=self.alice, movie_id=entry["movie_id"]).delete()
                again = explain_for(self.alice, film)
                predicted = predict_for(self.alice, [film])[film.pk]
                Rating.objects.filter(user=self.alice, movie=film).delete()
                place = self.place(film, without=entry["movie_id"])
            without = entry["without_it"]
            self.assertAlmostEqual(without["predicted_rating"], again["predicted_rating"], delta=1e-9)
            self.assertAlmostEqual(without["predicted_rating"], predicted, delta=1e-9)
            self.assertEqual(without["rank"], place)
        return len(named)

    def test_it_is_what_deleting_the_rating_tells(self) -> None:
        n_named = 0

        # Not on the method: each example takes back what it wrote, within the transaction of the test.
        @settings(max_examples=60, deadline=None)
        @given(
            seed=st.integers(0, 10**6),
            half_life=st.sampled_from([0.0, 0.5, 3.0]),
            noise_ratio=st.sampled_from([1.0, 4.0]),
            taste_weight=st.sampled_from([0.0, 0.4]),
            ratings=histories,
            asked=st.integers(0, N_FILMS - 1),
            deleted=st.sets(st.integers(0, N_FILMS - 1), max_size=8),
        )
        def holds(
            seed: int,
            half_life: float,
            noise_ratio: float,
            taste_weight: float,
            ratings: list[tuple[int, int, int, bool]],
            asked: int,
            deleted: set[int],
        ) -> None:
            nonlocal n_named
            model = random_model(seed, half_life=half_life, noise_ratio=noise_ratio, taste_weight=taste_weight)
            n_named += self.check_random(model, ratings, asked, deleted)

        holds()
        self.assertGreater(n_named, 10)

    def check_random(
        self, model: TrainedModel, ratings: list[tuple[int, int, int, bool]], asked: int, deleted: set[int]
    ) -> int:
        live = LiveModel("v1", 1, self.version.data_until, model)
        now = live.data_until + timedelta(days=9)
        with self.rolled_back(), mock.patch.object(serving._cache, "get", return_value=live):
            Rating.objects.bulk_create(
                Rating(
                    user=self.alice,
                    movie_id=10 * (row + 1),
                    value=half_stars / 2,
                    rated_at=now - timedelta(days=days),
                    changed_at=live.data_until if known else now,
                )
                for row, half_stars, days, known in ratings
            )
            gone = deleted - {asked} - {row for row, *_ in ratings}
            Movie.objects.filter(pk__in=[10 * (row + 1) for row in gone]).delete()
            return self.check(Movie.objects.get(pk=10 * (asked + 1)))

    def test_it_holds_for_a_trained_version_and_films_rated_or_not(self) -> None:
        rate(self.alice, DRAMA_FAN)
        films = Movie.objects.filter(pk__in=(10, 60, 110, 410, 500))
        self.assertGreater(sum(self.check(film) for film in films), 10)

    def test_it_holds_for_the_only_rating_there_is(self) -> None:
        """Without it, the list is everybody's."""
        rate(self.alice, {0: 5.0})
        self.assertGreater(self.check(Movie.objects.get(pk=60)), 0)

    def test_films_deleted_since_are_no_rivals_from_the_next_request_on(self) -> None:
        rate(self.alice, DRAMA_FAN)
        ahead = [item.movie_id for item in recommend_for(self.alice, n=20, discovery=0).items]
        film = Movie.objects.get(pk=ahead[9])
        for gone in range(3):
            self.assertEqual(explain_for(self.alice, film)["order"]["rank"], 10 - gone)
            self.assertGreater(self.check(film), 0)
            Movie.objects.get(pk=ahead[2 * gone]).delete()


class CounterfactualsTestCase(CatalogueTestCase):
    def film(self, row: int) -> Movie:
        return Movie.objects.get(pk=10 * (row + 1))

    def test_the_place_is_the_one_in_the_list(self) -> None:
        rate(self.alice, DRAMA_FAN)
        for item in recommend_for(self.alice, n=20, discovery=0).items:
            self.assertEqual(explain_for(self.alice, Movie.objects.get(pk=item.movie_id))["order"]["rank"], item.rank)

    def test_the_film_thought_away_is_no_rival(self) -> None:
        """Both places are counted among the same films, or a rating that says nothing would seem to cost a place."""
        model = trained()
        # Film 0 speaks for film 5 so faintly that no place turns on it; unrated, film 0 would come first of all.
        starts = np.zeros(61, np.int64)
        starts[1:] = 1
        starts[2:] = 3
        weights = ItemWeights(starts, np.array([5, 0, 5], np.int32), np.array([1e-3, 9.0, 1.0], np.float32))
        registry.activate(store_version(replace(model, ranker=Ranker(weights, 0.0))))
        rate(self.alice, {0: 5.0, 1: 5.0})
        order = explain_for(self.alice, self.film(5))["order"]
        self.assertEqual(order["rank"], 1)
        self.assertEqual({entry["movie_id"]: entry["without_it"]["rank"] for entry in order["movies"]}[10], 1)

    def test_it_has_no_place_for_a_film_that_came_after_the_training(self) -> None:
        rate(self.alice, DRAMA_FAN)
        order = explain_for(self.alice, Movie.objects.create(title="New"))["order"]
        self.assertEqual((order["rank"], order["movies"]), (None, []))

    def test_a_newcomers_place_is_the_one_in_everybodys_list(self) -> None:
        items = recommend_for(self.bob, n=60).items
        for item in items[::7]:
            self.assertEqual(explain_for(self.bob, Movie.objects.get(pk=item.movie_id))["order"]["rank"], item.rank)

    def test_hidden_films_have_no_place_before_others(self) -> None:
        rate(self.alice, DRAMA_FAN)
        items = recommend_for(self.alice, n=60, discovery=0).items
        hide_movie(user=self.alice, movie=Movie.objects.get(pk=items[0].movie_id))
        self.assertEqual(explain_for(self.alice, Movie.objects.get(pk=items[1].movie_id))["order"]["rank"], 1)

    def test_it_takes_no_query_of_its_own_however_many_films_are_named(self) -> None:
        rate(self.alice, DRAMA_FAN)
        film = self.film(5)
        explain_for(self.alice, film, all_contributions=True)  # loads the model, reads the catalogue
        # The live version, the ratings, new films, the hidden films.
        with self.assertNumQueries(4):
            explain_for(self.alice, film)
        with self.assertNumQueries(4):
            explain_for(self.alice, film, all_contributions=True)

    def test_what_placed_a_film_is_what_its_explanation_names(self) -> None:
        rate(self.alice, DRAMA_FAN)
        for row in (5, 20, 50):
            named = explain_for(self.alice, self.film(row))["order"]["movies"]
            for entry in named:
                del entry["without_it"]
            viewer = Viewer.of(self.alice)
            assert viewer is not None
            self.assertEqual(placed_by(viewer, self.film(row).pk), named)
