from __future__ import annotations

import math

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.engagement_effects import MIN_PEOPLE, ab_effect, interleaving_effect


def people(seed: int, n: int, rates: tuple[float, float] = (0.3, 0.3)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who come in very different numbers and engage with very different readiness: lists, engaged, arm."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, n)
    lists = 1 + rng.poisson(5 * rng.gamma(0.7, size=n))
    mean = np.where(arm == 1, rates[1], rates[0])
    readiness = rng.beta(2 * mean, 2 * (1 - mean))
    return lists.astype(float), rng.binomial(lists, readiness).astype(float), arm


class AbEffectTestCase(SimpleTestCase):
    def test_it_agrees_with_figures_worked_out_by_hand(self) -> None:
        compared = ab_effect(np.array([2, 2, 4, 4.0]), np.array([1, 0, 3, 1.0]), np.array([0, 0, 1, 1]))
        self.assertAlmostEqual(compared.difference.estimate, 4 / 8 - 1 / 4)
        self.assertAlmostEqual(compared.relative.estimate, 1.0)
        # Each arm is a plain mean of two: (difference / 2)².
        self.assertAlmostEqual(compared.difference.variance, 0.25**2 + 0.25**2)
        self.assertEqual((compared.difference.n_people, compared.difference.n_lists), (4, 12))
        self.assertEqual(compared.rates, (0.25, 0.5))

    def test_the_variance_is_how_much_the_effect_differs_between_experiments(self) -> None:
        found = [ab_effect(*people(seed, 150, (0.3, 0.4))) for seed in range(500)]
        for which in ("difference", "relative"):
            effects = [getattr(each, which) for each in found]
            actual = np.var([effect.estimate for effect in effects])
            told = np.mean([effect.variance for effect in effects])
            self.assertLess(abs(told / actual - 1), 0.2, which)
        self.assertLess(abs(np.mean([each.difference.estimate for each in found]) - 0.1), 0.01)

    def test_a_variance_over_lists_would_promise_too_much(self) -> None:
        lists, engaged, arm = people(0, 200)
        rate = engaged.sum() / lists.sum()
        naive = rate * (1 - rate) * (1 / lists[arm == 0].sum() + 1 / lists[arm == 1].sum())
        self.assertGreater(ab_effect(lists, engaged, arm).difference.variance, 2 * naive)

    def test_swapping_the_arms_turns_the_difference_round(self) -> None:
        lists, engaged, arm = people(3, 40)
        there, back = ab_effect(lists, engaged, arm), ab_effect(lists, engaged, 1 - arm)
        self.assertAlmostEqual(there.difference.estimate, -back.difference.estimate)
        self.assertAlmostEqual(there.difference.variance, back.difference.variance)

    def test_nothing_is_concluded_from_few_people(self) -> None:
        few = ab_effect(*people(0, MIN_PEOPLE)).difference
        self.assertFalse(few.has_enough_people)
        many = ab_effect(*people(0, 30 * MIN_PEOPLE)).difference
        self.assertTrue(many.has_enough_people)

    def test_one_who_comes_all_the_time_does_not_make_a_crowd(self) -> None:
        lists, engaged, arm = people(0, 500)
        lists[0] = 1e6
        self.assertFalse(ab_effect(lists, engaged, arm).difference.has_enough_people)

    def test_nothing_is_known_with_an_empty_arm_or_a_single_person_in_one(self) -> None:
        lists, engaged = np.ones(5), np.array([1, 0, 1, 0, 1.0])
        for arm in (np.zeros(5, int), np.array([1, 0, 0, 0, 0])):
            self.assertEqual(ab_effect(lists, engaged, arm).difference.variance, math.inf)

    def test_nothing_relative_is_known_where_nobody_engaged(self) -> None:
        compared = ab_effect(np.ones(4), np.array([0, 0, 1, 0.0]), np.array([0, 0, 1, 1]))
        self.assertEqual(compared.relative.variance, math.inf)
        self.assertEqual(compared.difference.estimate, 0.5)

    def test_it_refuses_an_arm_that_is_none(self) -> None:
        with self.assertRaises(ValueError):
            ab_effect(np.ones(2), np.ones(2), np.array([0, 2]))


class InterleavingEffectTestCase(SimpleTestCase):
    def test_it_agrees_with_figures_worked_out_by_hand(self) -> None:
        effect = interleaving_effect(np.array([2.0, -1.0, 0.0]), np.array([3.0, 1.0, 2.0])).effect
        self.assertAlmostEqual(effect.estimate, 1 / 6)
        self.assertEqual((effect.n_people, effect.n_lists), (3, 6))
        without = np.array([-1 / 3, 2 / 5, 1 / 4])
        self.assertAlmostEqual(effect.variance, 2 / 3 * np.square(without - 1 / 6).sum())

    def test_people_who_differ_in_what_they_prefer_are_taken_into_account(self) -> None:
        rng = np.random.default_rng(0)
        estimates, told = [], []
        for _ in range(400):
            lists = 1 + rng.poisson(5 * rng.gamma(0.7, size=80))
            effect = interleaving_effect(rng.normal(0.1, 0.3, 80) * lists, lists).effect
            estimates.append(effect.estimate)
            told.append(effect.variance)
        self.assertLess(abs(np.mean(told) / np.var(estimates) - 1), 0.25)

    def test_nothing_is_known_without_lists(self) -> None:
        self.assertEqual(interleaving_effect(np.zeros(3), np.zeros(3)).effect.variance, math.inf)
