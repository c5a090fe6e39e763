from __future__ import annotations

from unittest import mock

import numpy as np
from django.test import SimpleTestCase
from numpy.testing import assert_allclose, assert_array_equal

from recommender.algorithms.context import CELLS, KINDS, ContextEffects
from recommender.algorithms.context_learning import MIN_CHOICES, Choices, choices_of, learn_effects
from recommender.algorithms.genre_affinity import GenreTable
from recommender.benchmarks.people_in_context import PLANTED_CELL, PLANTED_GENRE, World, world
from recommender.tests.choices_for_tests import chosen

PHONE = CELLS.index("device: phone")


class LearningTestCase(SimpleTestCase):
    planted: World

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.planted = world(400, effect=1.0, seed=1)

    def effects_of(self, one: World, prior_sd: float = 0.4) -> ContextEffects:
        return learn_effects(choices_of(one.interactions), one.genres, prior_sd=prior_sd, weight=1.0)

    def test_a_planted_effect_is_found_with_its_sign_and_size(self) -> None:
        effects = self.effects_of(self.planted).genre_effects
        elsewhere = np.delete(effects[: len(KINDS[0]), PLANTED_GENRE], PLANTED_CELL)
        # Of 1.0 in that cell against the others; what it lacks in all of them is what centring took off.
        self.assertAlmostEqual(effects[PLANTED_CELL, PLANTED_GENRE] - elsewhere.mean(), 1.0, delta=0.3)
        others = np.delete(effects, PLANTED_GENRE, axis=1)
        self.assertLess(np.abs(others).max(), effects[PLANTED_CELL, PLANTED_GENRE] / 2)

    def test_people_who_come_at_night_and_like_horror_anyway_make_no_effect(self) -> None:
        confounded = world(400, confounded=True, seed=1)
        ratings, in_cell = confounded.interactions, choices_of(confounded.interactions).cells[:, 0] == PLANTED_CELL
        is_horror = confounded.genres.membership[ratings.item, PLANTED_GENRE] > 0
        naive = np.log(is_horror[in_cell].mean() / is_horror[~in_cell].mean())
        self.assertGreater(naive, 0.2)
        self.assertLess(abs(self.effects_of(confounded).genre_effects[PLANTED_CELL, PLANTED_GENRE]), 0.12)

    def test_effects_sum_to_zero_over_cells_by_how_much_is_chosen_in_each(self) -> None:
        effects = self.effects_of(self.planted)
        activity = np.bincount(choices_of(self.planted.interactions).cells[:, 0], minlength=len(KINDS[0]))
        for one in (effects.genre_effects, effects.film_effects):
            assert_allclose(activity @ one[: len(KINDS[0])] / activity.sum(), 0, atol=1e-6)

    def test_a_tighter_prior_shrinks(self) -> None:
        found = [
            self.effects_of(self.planted, sd).genre_effects[PLANTED_CELL, PLANTED_GENRE] for sd in (0.01, 0.1, 0.4)
        ]
        self.assertEqual(found, sorted(found))
        self.assertLess(found[0], 0.1)

    def test_for_one_genre_and_a_flat_prior_it_is_petos_estimate(self) -> None:
        # Two people, two genres that exclude each other, two cells.
        rows = [(0, 0, 0)] * 6 + [(0, 1, 0)] * 2 + [(0, 0, 1)] * 3 + [(0, 1, 1)] * 5 + [(1, 0, 0)] * 2 + [(1, 1, 1)] * 4
        genres = GenreTable(("Horror",), np.array([[1], [0]], np.uint8))
        effects = learn_effects(chosen(rows, 2, 2), genres, prior_sd=1e4, weight=1.0)
        observed, expected = 6 + 2, 9 * 8 / 16 + 2 * 2 / 6
        variance = 8 * 8 * 9 * 7 / (16**2 * 15) + 2 * 4 * 2 * 4 / (6**2 * 5)
        log_ratio = (observed - expected) / variance
        # With two cells the second is the mirror image; the activity is 10 and 12.
        assert_allclose(effects.genre_effects[:2, 0], [log_ratio * 24 / 22, -log_ratio * 20 / 22], rtol=1e-4)

    def test_whoever_came_in_one_cell_alone_says_nothing(self) -> None:
        rows = [(user, item, 7 if user % 2 else 1) for user in range(40) for item in range(user % 2, 20, 2)]
        genres = GenreTable(("Horror",), (np.arange(20) % 2).astype(np.uint8)[:, None])
        effects = learn_effects(chosen(rows, 40, 20), genres, prior_sd=0.4, weight=1.0)
        self.assertFalse(effects.genre_effects.any() or effects.film_effects.any())

    def test_what_many_choose_in_one_sitting_by_genre_counts_for_less(self) -> None:
        # Everybody has a sitting of either genre, one at night and one in the morning, by the toss of a coin.
        rng = np.random.default_rng(0)
        coin = rng.random(60) < 0.6
        rows = [(user, 2 * n + (coin[user] ^ cell), cell) for user in range(60) for n in range(10) for cell in (0, 1)]
        genres = GenreTable(("Horror",), (np.arange(20) % 2).astype(np.uint8)[:, None])
        together = learn_effects(chosen(rows, 60, 20), genres, prior_sd=0.2, weight=1.0).genre_effects[0, 0]
        rows = [(10 * user + item // 2, item, cell) for user, item, cell in rows]  # ten people in place of each
        apart = learn_effects(chosen(rows, 600, 20), genres, prior_sd=0.2, weight=1.0).genre_effects[0, 0]
        self.assertLess(abs(together), 0.5 * abs(apart))

    def test_a_film_of_its_own_hour_has_an_effect_and_a_rare_one_has_none(self) -> None:
        rng = np.random.default_rng(0)
        rows = []
        for user in range(300):
            for item in rng.choice(29, 8, replace=False).tolist():
                cell = 7 if item == 0 and rng.random() < 0.8 else int(rng.integers(8))
                rows.append((user, item, cell))
        rows += [(user, 29, 7) for user in range(MIN_CHOICES - 1)]
        genres = GenreTable(("Horror",), np.ones((30, 1), np.uint8))
        effects = learn_effects(chosen(rows, 300, 30), genres, prior_sd=0.2, weight=1.0)
        assert_array_equal(effects.film_rows, np.arange(29))
        self.assertEqual(int(effects.film_effects[7].argmax()), 0)
        self.assertGreater(effects.film_effects[7, 0], 3 * np.abs(effects.film_effects[7, 1:]).max())

    def test_films_that_differ_by_chance_alone_have_next_to_no_effects(self) -> None:
        effects = self.effects_of(world(300, seed=2))
        self.assertLess(np.abs(effects.film_effects).max(), 0.1)

    def test_what_the_genres_explain_is_no_effect_of_films(self) -> None:
        effects = self.effects_of(self.planted)
        of_horror = self.planted.genres.membership[effects.film_rows, PLANTED_GENRE] > 0
        self.assertLess(np.abs(effects.film_effects[PLANTED_CELL, of_horror]).max(), 0.1)

    def test_devices_and_places_are_learned_beside_the_time(self) -> None:
        rng = np.random.default_rng(0)
        n = 6000
        device = rng.integers(4, size=n)
        item = np.where((device == 0) & (rng.random(n) < 0.5), 0, rng.integers(2, size=n))
        cells = np.stack([rng.integers(8, size=n), KINDS[1].start + device, np.full(n, -1)], axis=1).astype(np.int8)
        choices = Choices(rng.integers(300, size=n).astype(np.int32), item.astype(np.int32), cells, 300, 2)
        genres = GenreTable(("Comedy",), np.array([[1], [0]], np.uint8))
        effects = learn_effects(choices, genres, prior_sd=0.4, weight=1.0).genre_effects[:, 0]
        self.assertGreater(effects[PHONE], 0.4)
        self.assertLess(np.abs(effects[list(KINDS[0])]).max(), 0.15)
        self.assertFalse(effects[list(KINDS[2])].any())

    def test_ratings_and_engagement_are_learned_from_together(self) -> None:
        ratings, engagement = chosen([(0, 0, 1), (0, 1, 2)], 2, 3), chosen([(1, 2, PHONE)], 2, 3, kind=1)
        both = ratings.together_with(engagement)
        self.assertEqual((len(both), both.cells[2].tolist()), (3, [-1, PHONE, -1]))
        with self.assertRaises(ValueError):
            ratings.together_with(chosen([(0, 0, 1)], 1, 3))

    def test_of_very_many_people_some_are_enough(self) -> None:
        choices = chosen([(user, user % 3, 1) for user in range(7)], 7, 3)
        some = choices.of_some_people(3)
        self.assertEqual((some.user.tolist(), some.item.tolist(), some.n_users), ([0, 1, 2], [0, 0, 0], 3))
        self.assertIs(choices.of_some_people(7), choices)
        with mock.patch("recommender.algorithms.context_learning.MAX_PEOPLE", 200):
            halved = self.effects_of(self.planted).genre_effects
        whole = self.effects_of(self.planted).genre_effects
        self.assertFalse(np.array_equal(whole, halved))
        assert_allclose(whole[PLANTED_CELL, PLANTED_GENRE], halved[PLANTED_CELL, PLANTED_GENRE], atol=0.3)

    def test_cells_of_another_shape_are_refused(self) -> None:
        with self.assertRaises(ValueError):
            Choices(np.zeros(2, np.int32), np.zeros(2, np.int32), np.zeros((2, 2), np.int8), 1, 1)

    def test_nothing_is_worked_out_for_a_weight_of_zero(self) -> None:
        with mock.patch("recommender.algorithms.context_learning._Counts.of") as counting:
            effects = learn_effects(
                choices_of(self.planted.interactions), self.planted.genres, prior_sd=0.2, weight=0.0
            )
        self.assertFalse(effects.is_on)
        counting.assert_not_called()
