from __future__ import annotations

from typing import Any

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.baselines import fit_biases
from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.hyperparameters import InvalidHyperparameters
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.matrix_factorization import Diverged, MatrixFactorizationTrainer, fit
from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS, configuration
from recommender.algorithms.sgd_kernel import BLOCK, make_rows, n_blocks, row_width, sgd_epoch
from recommender.algorithms.splits import random_ratings
from recommender.tests.ratings_for_tests import QUICK, two_tastes


def slow_epoch(
    user: Any, item: Any, value: Any, blocks: Any, mean: float, *state: Any, rate: float, reg: float
) -> float:
    """The kernel's plain twin, straight from the formula."""
    bu, bi, p, q = state
    loss = 0.0
    for block in blocks:
        for t in range(block * BLOCK, min((block + 1) * BLOCK, len(user))):
            u, i = user[t], item[t]
            error = value[t] - (mean + bu[u] + bi[i] + p[u] @ q[i])
            loss += error**2
            bu[u] += rate * (error - reg * bu[u])
            bi[i] += rate * (error - reg * bi[i])
            old = p[u].copy()
            p[u] += rate * (error * q[i] - reg * p[u])
            q[i] += rate * (error * old - reg * q[i])
    return loss


class KernelTestCase(SimpleTestCase):
    def test_it_agrees_with_its_slow_twin_for_any_number_of_factors(self) -> None:
        data = two_tastes(n_users=100, n_items=80, density=0.4)
        self.assertGreater(n_blocks(len(data)), 1)
        for k in (1, 5, 6, 7, 8, 14, 22):  # with the two columns for the biases on either side of a vector's edge
            with self.subTest(n_factors=k):
                rng = np.random.default_rng(k)
                blocks = rng.permutation(n_blocks(len(data)))
                p = rng.normal(0, 0.1, (data.n_users, k)).astype(np.float32)
                q = rng.normal(0, 0.1, (data.n_items, k)).astype(np.float32)
                users, items = make_rows(p, bias_column=0), make_rows(q, bias_column=1)
                slow = [np.zeros(data.n_users), np.zeros(data.n_items), p.astype(float), q.astype(float)]
                numbers = (np.float32(0.01), np.float32(0.02))
                ratings = (data.user, data.item, data.value, 0, len(data))
                loss = sgd_epoch(k)(*ratings, blocks, np.float32(3.3), users, items, *numbers)
                values = data.value.astype(float)
                expected = slow_epoch(data.user, data.item, values, blocks, 3.3, *slow, rate=0.01, reg=0.02)
                self.assertAlmostEqual(loss / expected, 1, places=4)
                fast = (users[:, k], items[:, k + 1], users[:, :k], items[:, :k])
                for one, other in zip(fast, slow, strict=True):
                    np.testing.assert_allclose(one, other, atol=2e-5)
                # The constants and the padding are what they were.
                np.testing.assert_array_equal(users[:, k + 1], 1)
                np.testing.assert_array_equal(items[:, k], 1)
                np.testing.assert_array_equal(users[:, k + 2 :], 0)

    def test_it_makes_rows_of_whole_vectors(self) -> None:
        self.assertEqual([row_width(k) for k in (1, 6, 7, 50)], [8, 8, 16, 56])


class TrainerTestCase(SimpleTestCase):
    def test_it_learns_more_than_the_biases(self) -> None:
        split = random_ratings(two_tastes(), seed=0)
        learned = fit(QUICK, split.train).predict(split.test.user, split.test.item)
        biases = fit_biases(split.train).predict(split.test.user, split.test.item)
        rmse = [float(np.sqrt(np.mean((p - split.test.value) ** 2))) for p in (learned, biases)]
        self.assertLess(rmse[0], 0.6 * rmse[1])

    def test_it_gives_the_same_bytes_for_the_same_seed(self) -> None:
        data = two_tastes()
        one, two = fit(QUICK, data), fit(QUICK, data)
        self.assertEqual(one.item_factors.tobytes(), two.item_factors.tobytes())
        other = fit(MatrixFactorizationConfig(n_factors=8, n_epochs=15, seed=1), data)
        self.assertNotEqual(one.item_factors.tobytes(), other.item_factors.tobytes())

    def test_it_can_be_used_after_each_epoch(self) -> None:
        trainer = MatrixFactorizationTrainer(QUICK, two_tastes())
        errors = [epoch.train_rmse for epoch in trainer.epochs()]
        self.assertEqual(len(errors), QUICK.n_epochs)
        self.assertLess(errors[-1], errors[0])
        self.assertEqual(trainer.result().item_factors.shape, (60, 8))

    def test_it_keeps_a_film_without_ratings_at_zero(self) -> None:
        data = two_tastes()
        data = data.take(data.item != 7)
        learned = fit(QUICK, data)
        self.assertEqual(float(np.abs(learned.item_factors[7]).sum()), 0.0)
        self.assertEqual(float(learned.item_bias[7]), 0.0)

    def test_it_says_so_when_it_runs_away(self) -> None:
        config = MatrixFactorizationConfig(n_epochs=50, learning_rate=0.5, regularization=0.0, init_std=1.0)
        with self.assertRaises(Diverged):
            fit(config, two_tastes())

    def test_it_refuses_an_empty_set(self) -> None:
        none = np.zeros(0, np.int32)
        with self.assertRaises(ValueError):
            MatrixFactorizationTrainer(
                QUICK, Interactions(none, none, none.astype(np.float32), none.astype(np.int64), 0, 0)
            )


class HyperparametersTestCase(SimpleTestCase):
    def test_it_names_each_bad_value(self) -> None:
        with self.assertRaises(InvalidHyperparameters) as caught:
            configuration("classic", {"n_factors": 0, "learning_rate": float("nan"), "seed": True})
        self.assertEqual(set(caught.exception.errors), {"n_factors", "learning_rate", "seed"})

    def test_it_refuses_unknown_names_and_presets(self) -> None:
        with self.assertRaises(InvalidHyperparameters):
            configuration("classic", {"n_factor": 10})
        with self.assertRaises(InvalidHyperparameters):
            configuration("greatest", {})

    def test_it_has_the_textbook_settings_as_the_classic_preset(self) -> None:
        config = configuration("classic", None)
        assert isinstance(config, MatrixFactorizationConfig)
        self.assertEqual(
            (config.n_factors, config.n_epochs, config.learning_rate, config.regularization), (50, 20, 0.01, 0.02)
        )

    def test_it_accepts_every_preset(self) -> None:
        self.assertIn(DEFAULT_PRESET, PRESETS)
        for name in PRESETS:
            self.assertEqual(configuration(name, {"seed": 5}).seed, 5)
