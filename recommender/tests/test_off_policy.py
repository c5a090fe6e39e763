from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.off_policy import (
    MIN_EFFECTIVE,
    PolicyValue,
    TooFew,
    draw,
    plackett_probabilities,
    snips,
)

REWARD = np.linspace(0.5, 0.05, 10)  # of each film of a pool, in the logging policy's order


def log(seed: int, n: int = 1500) -> tuple[PolicyValue, float]:
    """What a policy with the opposite order is found to be worth, and what it is worth."""
    rng = np.random.default_rng(seed)
    chances = plackett_probabilities(10)
    new = chances[::-1]
    films = np.searchsorted(chances.cumsum(), rng.random(n))
    person = rng.integers(0, n // 5, n)
    reward = (rng.random(n) < REWARD[films]).astype(float)
    return snips(reward, chances[films], new[films], person), float(new @ REWARD)


class PlackettTestCase(SimpleTestCase):
    @given(st.integers(1, 40), st.floats(0, 50))
    def test_chances_add_up_to_one_and_fall_with_the_rank(self, n: int, offset: float) -> None:
        chances = plackett_probabilities(n, offset)
        self.assertAlmostEqual(chances.sum(), 1)
        self.assertTrue((np.diff(chances) < 0).all())

    def test_the_first_of_twenty_is_several_times_likelier_than_the_last(self) -> None:
        chances = plackett_probabilities(20)
        self.assertAlmostEqual(chances[0] / chances[-1], 23 / 4)

    def test_what_was_drawn_is_not_drawn_again(self) -> None:
        chances = plackett_probabilities(4, 0.0, [0, 2])
        self.assertEqual(chances[[0, 2]].tolist(), [0, 0])
        self.assertAlmostEqual(chances[1] / chances[3], 2)
        with self.assertRaises(ValueError):
            plackett_probabilities(2, drawn=[0, 1])


class DrawTestCase(SimpleTestCase):
    def test_films_come_as_often_as_their_chances_say(self) -> None:
        rng = np.random.default_rng(0)
        chances = plackett_probabilities(5, 1.0, [1])
        drawn = [draw(chances, rng) for _ in range(5000)]
        shares = np.bincount([position for position, _ in drawn], minlength=5) / 5000
        self.assertLess(np.abs(shares - chances).max(), 0.03)
        self.assertEqual(shares[1], 0)
        self.assertTrue(all(chance == chances[position] for position, chance in drawn))


class SnipsTestCase(SimpleTestCase):
    def test_it_finds_what_the_new_policy_is_worth(self) -> None:
        found = [log(seed) for seed in range(300)]
        covered = sum(each.interval[0] <= truth <= each.interval[1] for each, truth in found)
        self.assertGreaterEqual(covered, 300 * 0.92)
        self.assertLessEqual(covered, 300 * 0.985)
        mean, truth = np.mean([each.value for each, _ in found]), found[0][1]
        self.assertLess(abs(mean - truth), 0.005)
        logged = float(plackett_probabilities(10) @ REWARD)
        self.assertGreater(abs(logged - truth), 0.05)  # and not what the old one is

    def test_the_same_policy_is_worth_the_plain_mean(self) -> None:
        rng = np.random.default_rng(0)
        reward, chance = rng.random(400), rng.uniform(0.1, 1, 400)
        value = snips(reward, chance, chance)
        self.assertAlmostEqual(value.value, reward.mean())
        self.assertAlmostEqual(value.effective_sample_size, 400)
        self.assertAlmostEqual(value.mean_weight, 1)
        half = 1.96 * reward.std(ddof=1) / 20
        self.assertLess(abs((value.interval[1] - reward.mean()) / half - 1), 0.01)

    def test_moving_all_rewards_moves_the_value_alike(self) -> None:
        rng = np.random.default_rng(0)
        reward, logged, new = rng.random(500), rng.uniform(0.2, 1, 500), rng.uniform(0.2, 1, 500)
        self.assertAlmostEqual(snips(reward + 5, logged, new).value, snips(reward, logged, new).value + 5)

    def test_an_interval_that_rests_on_few_is_students(self) -> None:
        # Ten people among a thousand who vary at all: the quantile of ten degrees of freedom is 2.228.
        reward, half = np.full(1000, 0.5), np.full(1000, 0.5)
        reward[:10] += np.tile([0.5, -0.5], 5)
        value = snips(reward, half, half)
        deviation = np.sqrt(np.square(reward - 0.5).sum()) / 1000
        self.assertAlmostEqual((value.interval[1] - value.value) / deviation, 2.228, delta=0.01)

    def test_lists_of_one_person_are_no_independent_cases(self) -> None:
        rng = np.random.default_rng(0)
        person = np.repeat(np.arange(80), 10)
        reward = rng.random(80)[person]
        chance = np.full(800, 0.5)
        alone, clustered = snips(reward, chance, chance), snips(reward, chance, chance, person)
        widths = [each.interval[1] - each.interval[0] for each in (alone, clustered)]
        self.assertGreater(widths[1], 2.5 * widths[0])
        self.assertEqual((clustered.n_people, clustered.n_lists), (80, 800))

    def test_lists_of_one_person_leave_as_few_effective_people_as_there_are(self) -> None:
        rng, half = np.random.default_rng(0), np.full(600, 0.5)
        value = snips(rng.random(600), half, half, np.arange(600) % 30)
        self.assertAlmostEqual(value.effective_people, 30)
        self.assertAlmostEqual(value.effective_sample_size, 600)

    def test_it_refuses_too_few_effective_lists(self) -> None:
        n = int(MIN_EFFECTIVE) - 1
        rng = np.random.default_rng(0)
        with self.assertRaises(TooFew):
            snips(rng.random(n), np.full(n, 0.5), np.full(n, 0.5))
        logged = np.full(1000, 0.5)
        logged[0] = 1e-5  # one list outweighs all others
        with self.assertRaises(TooFew):
            snips(rng.random(1000), logged, np.full(1000, 0.5))

    def test_it_refuses_too_few_people_and_rewards_without_a_difference(self) -> None:
        half = np.full(1000, 0.5)
        with self.assertRaises(TooFew):
            snips(np.random.default_rng(0).random(1000), half, half, np.arange(1000) % 3)
        with self.assertRaises(TooFew):
            snips(np.zeros(1000), half, half)
        with self.assertRaises(TooFew):
            snips(np.zeros(0), np.zeros(0), np.zeros(0))

    def test_it_refuses_a_propensity_that_is_none(self) -> None:
        for logged in (0.0, 1.2):
            with self.assertRaises(ValueError):
                snips(np.ones(2), np.full(2, logged), np.ones(2))
