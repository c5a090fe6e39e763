from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.engagement_effects import ArmsCompared, ab_effect, interleaving_effect
from recommender.algorithms.novelty import Novelty, novelty


def halves(seed: int, early: float, later: float, n: int = 300) -> tuple[ArmsCompared, ArmsCompared]:
    """An A/B experiment whose second arm has these effects; people are themselves in both halves."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, n)
    readiness = rng.uniform(0.1, 0.5, n)
    compared = []
    for effect in (early, later):
        lists = rng.poisson(6 * rng.gamma(1.0, size=n))
        engaged = rng.binomial(lists, readiness + effect * arm)
        compared.append(ab_effect(lists.astype(float), engaged.astype(float), arm))
    return compared[0], compared[1]


class NoveltyTestCase(SimpleTestCase):
    def test_of_effects_that_stay_about_one_in_twenty_is_warned_of(self) -> None:
        warned = sum(novelty(*halves(seed, 0.1, 0.1)).warns for seed in range(400))
        self.assertLess(warned, 34)
        self.assertGreater(warned, 7)

    def test_an_effect_that_fades_is_warned_of(self) -> None:
        found = [novelty(*halves(seed, 0.25, 0.0)) for seed in range(20)]
        self.assertGreater(sum(each.warns for each in found), 18)
        self.assertTrue(all(each.fades for each in found if each.warns))

    def test_one_that_grows_is_warned_of_but_does_not_fade(self) -> None:
        found = novelty(*halves(0, 0.0, 0.3))
        self.assertTrue(found.warns)
        self.assertFalse(found.fades)
        self.assertGreater(found.change.estimate, 0)

    def test_one_that_turns_round_fades_however_strong_it_is_then(self) -> None:
        self.assertTrue(novelty(*halves(0, -0.1, 0.3)).fades)

    def test_few_people_are_no_reason_to_warn(self) -> None:
        self.assertFalse(any(novelty(*halves(seed, 0.4, -0.1, n=16)).warns for seed in range(20)))

    def test_people_are_set_off_against_themselves(self) -> None:
        rng = np.random.default_rng(0)
        leaning, lists = rng.normal(0, 0.5, 200), np.full(200, 5.0)
        early, later = (interleaving_effect((leaning + rng.normal(0, 0.05, 200)) * lists, lists) for _ in range(2))
        found: Novelty = novelty(early, later)
        self.assertLess(found.change.variance, 0.1 * (early.effect.variance + later.effect.variance))

    def test_it_is_not_known_without_a_later_half(self) -> None:
        early, _ = halves(0, 0.1, 0.1)
        nothing = np.zeros(300)
        self.assertFalse(novelty(early, ab_effect(nothing, nothing, np.arange(300) % 2)).warns)

    def test_it_refuses_other_people(self) -> None:
        with self.assertRaises(ValueError):
            novelty(halves(0, 0, 0)[0], halves(0, 0, 0, n=20)[0])
