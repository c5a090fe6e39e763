"""Lists of a catalogue too large to score every film are those of one that is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cinema.models import Genre, Movie
from recommender import catalogue, film_years
from recommender.algorithms import shortlist
from recommender.algorithms.controls import Controls
from recommender.algorithms.shortlist import WideOrdering
from recommender.catalogue import Filters, fitting, fitting_films
from recommender.recommend import Recommendation, recommend_for
from recommender.serving import LiveModel, live_model
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate


def rounded(items: list[Recommendation]) -> list[Any]:
    """But for the last digits of float64."""
    return [
        (item.movie_id, item.rank, item.slot, item.predicted_rating, round(item.score, 6), round(part.ranker, 6))
        for item in items
        if (part := item.parts) is not None
    ]


class WideCatalogueTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)

    def check(self, **wanted: Any) -> None:
        plain = recommend_for(self.alice, **wanted)
        with (
            mock.patch.object(shortlist, "WIDE", 0),
            mock.patch.object(WideOrdering, "shortlist", autospec=True, side_effect=WideOrdering.shortlist) as made,
        ):
            wide = recommend_for(self.alice, **wanted)
        self.assertTrue(made.called)
        self.assertTrue(plain.items)
        self.assertEqual(len(rounded(wide.items)), len(wide.items))
        self.assertEqual(rounded(wide.items), rounded(plain.items))

    def test_a_list_is_the_same(self) -> None:
        for n in (1, 10, 50):
            self.check(n=n)

    def test_a_list_with_discoveries_is_the_same(self) -> None:
        for slots in (0, 1, 3):
            self.check(n=20, discovery=slots)

    def test_a_filtered_list_is_the_same(self) -> None:
        for filters in (Filters("drama"), Filters("Comedy", 1995), Filters(year_min=1970, year_max=1975)):
            self.check(n=5, filters=filters)

    def test_a_diverse_list_is_the_same(self) -> None:
        self.check(n=10, controls=Controls(diversity=0.7))

    def test_a_list_without_some_films_is_the_same(self) -> None:
        best = [item.movie_id for item in recommend_for(self.alice, n=5).items]
        self.check(n=10, exclude=best)

    def test_a_film_that_is_gone_makes_room_for_the_next(self) -> None:
        gone = [item.movie_id for item in recommend_for(self.alice, n=30).items]
        Movie.objects.filter(pk__in=gone).delete()
        catalogue.forget()
        self.check(n=10)
        catalogue.forget()
        self.check(n=10, controls=Controls(diversity=0.5))

    def test_a_small_catalogue_scores_every_film(self) -> None:
        with mock.patch.object(WideOrdering, "shortlist") as made:
            recommend_for(self.alice)
        self.assertFalse(made.called)

    def test_whoever_moves_scores_has_every_film_scored(self) -> None:
        with mock.patch.object(shortlist, "WIDE", 0), mock.patch.object(WideOrdering, "shortlist") as made:
            recommend_for(self.alice, controls=Controls(novelty=0.5))
        self.assertFalse(made.called)


class MasksTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        film_years.forget()
        Movie.objects.filter(pk=30).update(year=None)
        Movie.objects.filter(pk=40).delete()

    @property
    def live(self) -> LiveModel:
        live = live_model()
        assert live is not None
        return live

    def test_they_say_what_the_database_says(self) -> None:
        for genre in ("", "Drama", "dRAMA", "Comedy", "Western"):
            for first, last in ((None, None), (1970, None), (None, 1980), (1970, 1999), (2030, None)):
                filters = Filters(genre, first, last)
                if filters:
                    expected = np.isin(self.live.model.movie_ids, list(filters.movies().values_list("pk", flat=True)))
                    self.assertEqual(fitting(filters, self.live).tolist(), expected.tolist(), filters)

    def test_each_genre_is_asked_once_and_the_years_once(self) -> None:
        live = replace(self.live, catalogue=7)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            for genre in ("Drama", "Comedy"):
                for year in (1960, 1970, 1980):
                    fitting(Filters(genre, year), live)
                    fitting(Filters(genre, None, year), live)
        self.assertEqual(len(asked), 3)

    def test_another_edition_of_the_catalogue_is_asked_anew(self) -> None:
        filters = Filters("Western")
        self.assertFalse(fitting(filters, self.live).any())
        Movie.objects.get(pk=100).genres.add(Genre.objects.create(name="Western"))
        self.assertEqual(self.live.model.movie_ids[fitting(filters, self.live)].tolist(), [100])

    def test_films_that_the_version_does_not_know_are_asked_for_by_id(self) -> None:
        new = Movie.objects.create(title="New", year=2026)
        new.genres.add(Genre.objects.get(name="Drama"))
        self.assertEqual(
            fitting_films(Filters("Drama"), np.array([new.pk, 10, 600, 40])).tolist(), [True, True, False, False]
        )
        with self.assertNumQueries(0):
            self.assertEqual(len(fitting_films(Filters("Drama"), np.empty(0, np.int64))), 0)
