from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.taste_groups import TasteGroups
from recommender.taste_map import draw_map, group_in_words, taste_map
from recommender.tests.hand_built_models import hand_built_model, slots_for
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, trained
from recommender.viewers import Viewer

N = 20


def flat_model(factors: np.ndarray, counts: list[int] | None = None) -> TrainedModel:
    n = len(factors)
    return hand_built_model(
        stars=np.full(n, 3.0),
        factors=factors,
        counts=np.array(counts or [100 - i for i in range(n)], dtype=np.int64),
        weights=np.zeros((n, n)),
        discovery=slots_for([], n, 0),
        knots=([0.0, 1.0], [0.0, 1.0]),
        person_regularization=0.1,
    )


def spread(n: int = N) -> np.ndarray:
    """Films far apart in the third factor, less so in the first and not at all in the second; the mean is zero."""
    steps = np.linspace(-1, 1, n)
    return np.stack([np.where(np.arange(n) % 2, 1.0, -1.0), np.zeros(n), 5 * steps], axis=1)


class DrawMapTestCase(SimpleTestCase):
    def test_its_directions_are_those_in_which_films_differ_most(self) -> None:
        drawn = draw_map(flat_model(spread()))
        assert drawn is not None
        self.assertEqual(drawn.rows.tolist(), list(range(N)))
        np.testing.assert_allclose(np.abs(np.corrcoef(drawn.positions[:, 0], spread()[:, 2])[0, 1]), 1.0, atol=0.01)
        np.testing.assert_allclose(drawn.directions.T @ drawn.directions, np.eye(2), atol=1e-9)
        self.assertGreater(drawn.explained[0], drawn.explained[1])
        self.assertAlmostEqual(drawn.total, 1.0)  # nothing else sets these films apart

    def test_it_is_never_mirrored(self) -> None:
        drawn, mirrored = draw_map(flat_model(spread())), draw_map(flat_model(-spread()))
        assert drawn is not None and mirrored is not None
        for one in (drawn, mirrored):
            largest = np.abs(one.directions).argmax(axis=0)
            self.assertTrue((one.directions[largest, [0, 1]] > 0).all())
        np.testing.assert_allclose(drawn.positions, -mirrored.positions, atol=1e-6)

    def test_a_film_lies_where_its_character_says_whether_it_is_known_well_or_not(self) -> None:
        model = flat_model(spread(), counts=[100] * (N - 1) + [1])
        drawn = draw_map(model)
        assert drawn is not None
        self.assertNotIn(N - 1, drawn.rows)
        np.testing.assert_allclose(drawn.place(model, drawn.rows), drawn.positions, atol=1e-5)
        self.assertEqual(drawn.place(model, np.array([N - 1])).shape, (1, 2))

    def test_films_that_fewer_than_five_people_rated_make_no_map(self) -> None:
        self.assertIsNone(draw_map(flat_model(spread(), counts=[4] * N)))
        self.assertIsNone(draw_map(flat_model(spread(7))))
        self.assertIsNone(draw_map(flat_model(np.zeros((N, 3)))))

    def test_genres_name_the_ends_to_which_their_films_lean(self) -> None:
        membership = np.zeros((N, 3), np.uint8)
        membership[: N // 2, 0] = membership[N // 2 :, 1] = 1
        membership[[0, N - 1], 2] = 1  # too few to name anything
        drawn = draw_map(replace(flat_model(spread()), genres=GenreTable(("Drama", "Comedy", "War"), membership)))
        assert drawn is not None
        first_is_low = drawn.positions[0, 0] < 0
        self.assertEqual(drawn.poles[0], ("Drama", "Comedy") if first_is_low else ("Comedy", "Drama"))
        self.assertEqual(set(draw_map(flat_model(spread())).poles), {("", "")})  # type: ignore[union-attr]

    def test_it_is_drawn_once_for_a_version(self) -> None:
        model = flat_model(spread())
        self.assertIs(taste_map(model), taste_map(model))
        self.assertIsNot(taste_map(model), taste_map(flat_model(spread())))


class DirectionTestCase(CatalogueTestCase):
    def test_somebody_points_to_what_they_are_predicted_to_like(self) -> None:
        rate(self.alice, DRAMA_FAN)
        viewer = Viewer.of(self.alice)
        assert viewer is not None
        drawn = draw_map(trained())
        assert drawn is not None
        toward = drawn.points_to(viewer.person)
        assert toward is not None
        self.assertAlmostEqual(float(np.linalg.norm(toward)), 1.0)
        along = drawn.place(trained(), np.arange(60)) @ toward
        self.assertGreater(along[:30].mean(), along[30:].mean())  # the first half is drama

    def test_whoever_has_rated_nothing_points_nowhere(self) -> None:
        viewer = Viewer.of(self.bob)
        drawn = draw_map(trained())
        assert viewer is not None and drawn is not None
        self.assertIsNone(drawn.points_to(viewer.person))


class GroupInWordsTestCase(CatalogueTestCase):
    """Two groups: the first loves drama, the second comedy, as ``two_tastes`` has it."""

    def viewer(self, counts: int = 10, *, groups: int = 2) -> Viewer:
        rate(self.alice, DRAMA_FAN)
        viewer = Viewer.of(self.alice)
        assert viewer is not None
        taste = viewer.person.taste / np.linalg.norm(viewer.person.taste)
        stars = np.where(np.arange(60) < 30, 4.5, 2.0)
        counted = np.full((2, 60), counts, np.int32)
        tables = TasteGroups(
            np.stack([taste, -taste])[:groups].astype(np.float32),
            counted[:groups],
            (counted * np.stack([stars, 6.5 - stars]))[:groups].astype(np.float32),
        )
        live = replace(viewer.live, model=replace(viewer.live.model, groups=tables))
        return replace(viewer, live=live)

    def test_it_says_what_the_group_likes_more_and_less(self) -> None:
        words = group_in_words(self.viewer())
        assert words is not None
        self.assertEqual((words.n_groups, words.likes, words.dislikes), (2, ["Drama"], ["Comedy"]))
        self.assertEqual(len(words.movie_ids), 5)
        self.assertTrue(all(movie_id <= 300 for movie_id in words.movie_ids))

    def test_it_says_nothing_of_fewer_than_five_others(self) -> None:
        self.assertIsNone(group_in_words(self.viewer(counts=4)))

    def test_a_film_that_the_person_rated_needs_one_more(self) -> None:
        words = group_in_words(self.viewer(counts=5))
        assert words is not None
        rated = {10 * (row + 1) for row in DRAMA_FAN}
        self.assertFalse(rated & set(words.movie_ids))

    def test_it_names_no_film_that_the_person_hides(self) -> None:
        viewer = self.viewer()
        first = group_in_words(viewer).movie_ids[0]  # type: ignore[union-attr]
        hiding = replace(viewer, hidden=np.array([first]))
        self.assertNotIn(first, group_in_words(hiding).movie_ids)  # type: ignore[union-attr]

    def test_one_group_is_everybody_and_says_nothing(self) -> None:
        self.assertIsNone(group_in_words(self.viewer(groups=1)))

    def test_whoever_has_rated_nothing_is_in_no_group(self) -> None:
        viewer = Viewer.of(self.bob)
        assert viewer is not None
        self.assertIsNone(group_in_words(viewer))
