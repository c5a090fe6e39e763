from __future__ import annotations

from datetime import date, timedelta
from unittest import mock

import numpy as np
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from cinema.library import hide_movie
from cinema.models import Movie, Rating
from recommender import rails
from recommender.rails import MAX_OPENED, RAIL_LENGTH, Rail, home_rails, opened_rail
from recommender.recommend import Filters
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, make_crowd, rate, rows_of
from recommender.viewers import Viewer

TODAY = date(2026, 1, 5)


class RailsTestCase(CatalogueTestCase):
    def viewer(self) -> Viewer:
        viewer = Viewer.of(self.alice)
        assert viewer is not None
        return viewer

    def rails(self, *, taken: list[int] | None = None, today: date = TODAY) -> list[Rail]:
        return home_rails(self.viewer(), taken=taken or [], today=today)

    def ids(self, rail: Rail | None) -> list[int]:
        assert rail is not None
        return [item.movie_id for item in rail.items]

    def test_a_newcomer_sees_what_is_popular_alone(self) -> None:
        make_crowd()
        self.assertEqual([rail.key for rail in self.rails()], ["popular"])

    def test_there_is_a_rail_of_each_kind(self) -> None:
        make_crowd()
        rate(self.alice, {0: 5.0, 1: 4.0, 40: 1.5})
        with mock.patch.object(rails, "RAIL_LENGTH", 4):
            found = self.rails()
        self.assertEqual(
            [rail.kind for rail in found if rail.kind != "discovery"],
            ["because", "popular", "because", "gems", "genre"],
        )
        self.assertTrue(all(len(rail.items) == 4 for rail in found if rail.kind != "discovery"))

    def test_a_rail_names_what_it_stands_for(self) -> None:
        rate(self.alice, {0: 5.0, 40: 1.5})
        with mock.patch.object(rails, "RAIL_LENGTH", 4):
            because, *_, genre = [rail for rail in self.rails() if rail.kind in ("because", "genre")]
        self.assertEqual((because.key, because.subject), ("because-10", "Film 0"))
        self.assertEqual((genre.key, genre.subject), ("genre-Drama", "Drama"))
        self.assertTrue(all("Drama" in item.genres for item in genre.items))

    def test_films_like_the_seed_are_of_its_taste(self) -> None:
        rate(self.alice, {0: 5.0})
        rail = opened_rail(self.viewer(), "because-10", Filters())
        self.assertTrue(all(row < 30 for row in rows_of(self.ids(rail))[:10]))

    def test_two_seeds_never_give_the_same_list(self) -> None:
        rate(self.alice, dict.fromkeys(range(12), 5.0))
        viewer = self.viewer()
        lists = [tuple(self.ids(opened_rail(viewer, f"because-{10 * (row + 1)}", Filters()))) for row in range(12)]
        self.assertEqual(len(set(lists)), 12)

    def test_the_second_seed_changes_by_the_day(self) -> None:
        rate(self.alice, DRAMA_FAN)

        def seeds(today: date) -> list[str]:
            with mock.patch.object(rails, "RAIL_LENGTH", 4):
                return [rail.key for rail in self.rails(today=today) if rail.kind == "because"]

        days = [seeds(TODAY + timedelta(days=day)) for day in range(3)]
        self.assertEqual(len({first for first, _ in days}), 1)
        self.assertEqual(len({second for _, second in days}), 3)

    def test_what_was_rated_lately_is_popular(self) -> None:
        long_ago = timezone.now() - timedelta(days=2000)
        rate(self.bob, {20: 3.0})
        rate(self.charlie, {20: 3.0, 21: 3.0})
        Rating.objects.filter(movie_id=10 * 21).update(rated_at=long_ago)  # film 20, rated by both, but long ago
        self.assertEqual(self.ids(opened_rail(self.viewer(), "popular", Filters())), [220, 210])

    def test_gems_have_few_raters(self) -> None:
        rate(self.alice, DRAMA_FAN)
        counts = self.viewer().live.model.films.item_counts
        gems = rows_of(self.ids(opened_rail(self.viewer(), "gems", Filters())))
        self.assertTrue(gems)
        self.assertLessEqual(counts[gems].max(), np.median(counts[counts >= 5]))

    def test_it_can_be_filtered(self) -> None:
        rate(self.alice, DRAMA_FAN)
        drama = opened_rail(self.viewer(), "gems", Filters(genre="Drama"))
        assert drama is not None
        self.assertTrue(drama.items)
        self.assertTrue(all(item.genres == ["Drama"] for item in drama.items))

    def test_a_deleted_film_makes_room_for_the_next(self) -> None:
        rate(self.alice, DRAMA_FAN)
        with mock.patch.object(rails, "RAIL_LENGTH", 4):
            before = self.ids(self.rails()[0])
            Movie.objects.get(pk=before[0]).delete()
            after = self.ids(self.rails()[0])
        self.assertEqual((after[:3], len(after)), (before[1:], 4))

    def test_a_key_that_names_no_rail_opens_nothing(self) -> None:
        rate(self.alice, DRAMA_FAN)
        # A film that Alice has not rated, no film, no number, a genre that is none, and nothing.
        for key in ("because-90", "because-99999", "because-x", "because-" + "9" * 30, "genre-Opera", "", "rubbish"):
            self.assertIsNone(opened_rail(self.viewer(), key, Filters()), key)

    def test_it_takes_few_queries_however_many_rails_there_are(self) -> None:
        make_crowd()
        rate(self.alice, DRAMA_FAN)
        viewer = self.viewer()
        with self.assertNumQueries(4):  # what is popular and who is new, the films, their genres
            home_rails(viewer, taken=[], today=TODAY)


class NothingUnwantedTestCase(CatalogueTestCase, HypothesisTestCase):
    """Whatever somebody rated or hid, no rail holds it, and none holds a film twice or is short without need."""

    @settings(max_examples=25, deadline=None)
    @given(
        st.dictionaries(st.integers(0, 59), st.integers(1, 10), max_size=20),
        st.sets(st.integers(0, 59), max_size=20),
    )
    def test_rails_hold_what_may_be_shown(self, stars: dict[int, int], hidden: set[int]) -> None:
        make_crowd()
        rate(self.alice, {row: half / 2 for row, half in stars.items()})
        for row in hidden:
            hide_movie(user=self.alice, movie=Movie.objects.get(pk=10 * (row + 1)))
        viewer = Viewer.of(self.alice)
        assert viewer is not None
        wanted = {10 * (row + 1) for row in range(60)} - {10 * (row + 1) for row in (*stars, *hidden)}
        rails = home_rails(viewer, taken=[], today=TODAY)
        shown = [item.movie_id for rail in rails for item in rail.items]
        self.assertEqual(len(shown), len(set(shown)))
        self.assertLessEqual(set(shown), wanted)
        for key in [rail.key for rail in rails]:
            opened = opened_rail(viewer, key, Filters())
            assert opened is not None
            films = [item.movie_id for item in opened.items]
            self.assertEqual(len(films), len(set(films)))
            self.assertLessEqual(set(films), wanted)
        popular = opened_rail(viewer, "popular", Filters())
        assert popular is not None
        self.assertEqual(len(popular.items), min(len(wanted), MAX_OPENED))
        first = [rail for rail in rails if rail.kind == "popular"]
        self.assertTrue(not wanted or len(shown) >= min(len(wanted), RAIL_LENGTH) or not first)
