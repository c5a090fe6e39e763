from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from cinema.controls import save_controls
from cinema.library import hide_movie
from cinema.models import Movie, Rating, User
from recommender import registry
from recommender.algorithms.controls import UNCHANGED, Controls
from recommender.algorithms.discovery import Discovery
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.metrics import top_k
from recommender.catalogue import Filters
from recommender.explain import explain_for
from recommender.models import LivePointer
from recommender.recommend import predict_for, recommend_for
from recommender.rescoring import added_by_controls
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, rows_of, store_version, trained
from recommender.viewers import Viewer

settings_of_controls = st.builds(
    Controls,
    popularity=st.sampled_from([-1.0, -0.5, 0.0, 0.3, 1.0]),
    novelty=st.sampled_from([0.0, 0.4, 1.0]),
    recency=st.sampled_from([-1.0, 0.0, 0.7, 1.0]),
    diversity=st.sampled_from([0.0, 0.2, 0.6, 1.0]),
    since=st.sampled_from([None, 1990, 2010, 2100]),
)


def uneven_model() -> TrainedModel:
    """Films that differ in how many rated them, with two discovery slots that may show any of them."""
    model = trained()
    counts = (np.arange(model.n_items) * 7) % 40 + 5
    flat = np.ones(model.n_items, np.float32)
    return replace(
        model,
        films=replace(model.films, item_counts=counts),
        discovery=Discovery(2, np.ones(model.n_items, np.uint8), np.zeros_like(flat), flat, np.zeros_like(flat)),
    )


class RecommendWithControlsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        registry.activate(store_version(uneven_model()))
        rate(self.alice, DRAMA_FAN)

    def ids(self, user: User | None = None, n: int = 10, **controls: Any) -> list[int]:
        return [item.movie_id for item in recommend_for(user or self.alice, n=n, controls=Controls(**controls)).items]

    def ranked(self, **controls: Any) -> list[int]:
        """Without discoveries."""
        items = recommend_for(self.alice, discovery=0, controls=Controls(**controls)).items
        return [item.movie_id for item in items]

    def test_all_at_zero_is_the_list_without_controls(self) -> None:
        self.assertEqual(recommend_for(self.alice, n=30, controls=UNCHANGED), recommend_for(self.alice, n=30))
        viewer = Viewer.of(self.alice)
        assert viewer is not None
        best = viewer.live.model.movie_ids[top_k(viewer.scores(), 30)].tolist()
        unchanged = recommend_for(self.alice, n=30, discovery=0, controls=UNCHANGED)
        self.assertEqual([item.movie_id for item in unchanged.items], best)
        self.assertIsNone(added_by_controls(viewer))

    def test_well_known_and_obscure_films_come_first(self) -> None:
        counts = uneven_model().films.item_counts
        obscure, unchanged, famous = (
            counts[rows_of(self.ranked(popularity=popularity))].mean() for popularity in (-1.0, 0.0, 1.0)
        )
        self.assertLess(obscure, unchanged)
        self.assertLess(unchanged, famous)

    def test_older_and_newer_films_come_first(self) -> None:
        older, unchanged, newer = (np.mean(rows_of(self.ranked(recency=recency))) for recency in (-1.0, 0.0, 1.0))
        self.assertLess(older, unchanged)  # row j is from 1960 + j
        self.assertLess(unchanged, newer)

    def test_films_far_from_what_one_rated_come_first(self) -> None:
        viewer = Viewer.of(self.alice, Controls(novelty=1.0))
        assert viewer is not None
        model = viewer.live.model
        added = added_by_controls(viewer)
        assert added is not None
        apart = model.ordering.directions @ model.ordering.directions[viewer.history.item].T
        unrated = np.setdiff1d(np.arange(60), viewer.history.item)
        by_distance = unrated[np.argsort(apart.max(axis=1)[unrated])]
        self.assertTrue((np.diff(added[by_distance]) <= 1e-6).all())
        self.assertNotEqual(self.ranked(novelty=1.0), self.ranked())

    def test_every_control_bears_that_no_film_is_left(self) -> None:
        controls = Controls(popularity=-1.0, novelty=1.0, recency=1.0, diversity=1.0)
        self.assertEqual(recommend_for(self.alice, controls=controls, filters=Filters(year_max=1900)).items, [])

    def test_diversity_keeps_the_first_film_and_brings_others_in(self) -> None:
        unchanged, diverse = self.ranked(), self.ranked(diversity=1.0)
        self.assertEqual(diverse[0], unchanged[0])
        self.assertTrue(any(row >= 30 for row in rows_of(diverse)))  # comedies, for a friend of dramas
        self.assertFalse(any(row >= 30 for row in rows_of(unchanged)))

    def test_discoveries_keep_their_places(self) -> None:
        chosen = recommend_for(self.alice, controls=Controls(popularity=-1.0, diversity=0.8))
        self.assertEqual([item.slot for item in chosen.items], ["ranked"] * 8 + ["discovery"] * 2)

    def test_no_setting_shows_a_film_twice_or_one_that_must_not_be_shown_or_leaves_a_place_empty(self) -> None:
        """Films were rated, hidden, excluded, filtered away, deleted; whatever is left fills the list."""
        hide_movie(user=self.alice, movie=Movie.objects.get(pk=60))
        Movie.objects.filter(pk__in=(70, 80, 330)).delete()
        unwanted = {10 * (row + 1) for row in DRAMA_FAN} | {60, 70, 80, 330, 90}
        dramas = {10 * (row + 1) for row in range(30)} - unwanted
        comedies = {10 * (row + 1) for row in range(30, 60)} - unwanted

        @settings(max_examples=60, deadline=None)
        @given(settings_of_controls, st.sampled_from([1, 9, 10, 20, 100]), st.sampled_from(["", "Drama"]))
        def holds(controls: Controls, n: int, genre: str) -> None:
            answer = recommend_for(self.alice, n=n, filters=Filters(genre), exclude=[90], controls=controls)
            ids = [item.movie_id for item in answer.items]
            eligible = dramas if genre else dramas | comedies
            self.assertEqual(len(ids), min(n, len(eligible)))
            self.assertEqual(len(set(ids)), len(ids))
            self.assertLessEqual(set(ids), eligible)
            self.assertEqual([item.rank for item in answer.items], list(range(1, len(ids) + 1)))
            self.assertTrue(all(np.isfinite(item.score) for item in answer.items))
            self.assertEqual(
                answer, recommend_for(self.alice, n=n, filters=Filters(genre), exclude=[90], controls=controls)
            )

        holds()

    def test_a_deleted_film_keeps_none_like_it_out(self) -> None:
        first = self.ranked(diversity=0.5)[0]
        Movie.objects.filter(pk=first).delete()
        gone = self.ranked(diversity=0.5)
        Movie.objects.create(pk=first, title="Back again")
        hide_movie(user=self.alice, movie=Movie.objects.get(pk=first))
        self.assertEqual(gone, self.ranked(diversity=0.5))

    def test_what_is_asked_for_goes_before_what_was_saved(self) -> None:
        unchanged = self.ids()
        save_controls(user=self.alice, recency=1.0, diversity=0.5)
        saved = recommend_for(self.alice)
        self.assertEqual([item.movie_id for item in saved.items], self.ids(recency=1.0, diversity=0.5))
        self.assertEqual((saved.controls.recency, saved.controls.diversity, saved.controls.note), (1.0, 0.5, None))
        self.assertEqual(self.ids(), unchanged)
        self.assertEqual([item.movie_id for item in recommend_for(self.bob).items], self.ids(self.bob))

    def test_a_list_that_is_nobodys_own_does_not_move_and_says_so(self) -> None:
        unchanged = self.ids(self.bob)
        answer = recommend_for(self.bob, controls=Controls(popularity=-1.0, diversity=1.0))
        self.assertEqual([item.movie_id for item in answer.items], unchanged)
        self.assertEqual((answer.controls.popularity, answer.controls.note), (0.0, "not_personal"))
        self.assertIsNone(recommend_for(self.bob).controls.note)

    def test_it_says_so_without_any_version_too(self) -> None:
        LivePointer.objects.update(activation=None, generation=5)
        save_controls(user=self.alice, novelty=1.0)
        self.assertEqual(recommend_for(self.alice).controls.note, "not_personal")
        self.assertIsNone(recommend_for(self.alice, controls=UNCHANGED).controls.note)

    def test_it_takes_no_more_queries_than_without(self) -> None:
        recommend_for(self.alice, controls=Controls(recency=0.1))  # loads the model and the years
        save_controls(user=self.alice, popularity=0.5, novelty=0.5, recency=0.5, diversity=0.5, since=2000)
        # The live version, hidden films and controls, ratings, new films, the listed films and their genres.
        with self.assertNumQueries(6):
            recommend_for(self.alice)


class TasteSinceTestCase(CatalogueTestCase):
    """Alice loved comedies long ago, and dramas of late."""

    def setUp(self) -> None:
        super().setUp()
        self.rate({40: 5.0, 41: 5.0, 42: 5.0, 43: 4.5, 0: 1.0, 1: 1.0}, year=1998)
        self.rate({2: 5.0, 3: 5.0, 4: 4.5, 44: 1.0}, year=2020)

    def rate(self, stars: dict[int, float], year: int) -> None:
        now = timezone.now()
        Rating.objects.bulk_create(
            Rating(
                user=self.alice,
                movie_id=10 * (row + 1),
                value=value,
                rated_at=datetime(year, 7, 1, tzinfo=UTC),
                changed_at=now,
            )
            for row, value in stars.items()
        )

    def test_earlier_ratings_do_not_count_but_are_never_shown_again(self) -> None:
        since = recommend_for(self.alice, n=100, controls=Controls(since=2020))
        self.assertEqual(since.controls.since, 2020)
        rated = Rating.objects.filter(user=self.alice)
        self.assertFalse(set(rated.values_list("movie_id", flat=True)) & {item.movie_id for item in since.items})
        rated.filter(rated_at__year=1998).delete()
        left = recommend_for(self.alice, n=100)
        known = {item.movie_id for item in since.items}
        self.assertEqual(
            [(item.movie_id, round(item.score, 9), round(item.predicted_rating or 0, 9)) for item in since.items],
            [
                (item.movie_id, round(item.score, 9), round(item.predicted_rating or 0, 9))
                for item in left.items
                if item.movie_id in known
            ],
        )

    def test_the_first_year_itself_counts(self) -> None:
        whole = recommend_for(self.alice)
        self.assertEqual(recommend_for(self.alice, controls=Controls(since=1998)).items, whole.items)
        self.assertNotEqual(recommend_for(self.alice, controls=Controls(since=1999)).items, whole.items)

    def test_where_nothing_remains_the_list_stays_and_says_why(self) -> None:
        answer = recommend_for(self.alice, controls=Controls(since=2021))
        self.assertEqual(answer.items, recommend_for(self.alice).items)
        self.assertEqual((answer.controls.since, answer.controls.note, answer.fallback), (None, "nothing_since", False))

    def test_stars_and_reasons_elsewhere_follow_what_was_saved(self) -> None:
        film = Movie.objects.get(pk=60)
        before = predict_for(self.alice, [film])[60]
        save_controls(user=self.alice, since=2020)
        listed = {item.movie_id: item.predicted_rating for item in recommend_for(self.alice, n=60).items}
        after = predict_for(self.alice, [film])[60]
        self.assertGreater(after, before)
        self.assertAlmostEqual(listed[60] or 0.0, after, places=9)
        explanation = explain_for(self.alice, film, all_contributions=True)
        self.assertAlmostEqual(explanation["predicted_rating"], after, delta=1e-9)
        self.assertEqual({entry["movie_id"] for entry in explanation["contributions"]}, {30, 40, 50, 450})
