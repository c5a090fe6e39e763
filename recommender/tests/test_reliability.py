from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.metrics import shares_with_intervals
from recommender.algorithms.reliability import came_true, reliability

SEED = 0


class ReliabilityTestCase(SimpleTestCase):
    def test_it_agrees_with_a_table_worked_out_by_hand(self) -> None:
        # Twenty claims, two a decile: 0.50 0.52 | 0.54 0.56 | … | 0.86 0.88. Only the second of each pair came true,
        # and both of the last: observed 0.5 nine times, then 1.
        claimed = np.arange(50, 90, 2) / 100
        observed = np.tile([False, True], 10)
        observed[18] = True
        found = reliability(claimed, observed, np.arange(20), seed=SEED)
        self.assertEqual([one.n for one in found.deciles], [2] * 10)
        np.testing.assert_allclose([one.claimed for one in found.deciles], np.arange(51, 90, 4) / 100, atol=1e-12)
        np.testing.assert_allclose([one.observed for one in found.deciles], [0.5] * 9 + [1.0], atol=1e-12)
        # Gaps .01 .05 .09 .13 .17 .21 .25 .29 .33 and 1 - .87 = .13: together 1.66, by ten.
        self.assertAlmostEqual(found.gap, 0.166, places=12)
        self.assertAlmostEqual(found.claimed, 0.69, places=12)
        self.assertAlmostEqual(found.observed, 0.55, places=12)
        self.assertEqual((found.n, found.people), (20, 20))

    def test_it_never_separates_equal_claims(self) -> None:
        claimed = np.array([0.6] * 15 + [0.9] * 5)
        observed = np.array([True] * 9 + [False] * 6 + [True] * 5)
        shuffled = np.random.default_rng(SEED).permutation(20)
        one = reliability(claimed, observed, np.arange(20), seed=SEED)
        two = reliability(claimed[shuffled], observed[shuffled], np.arange(20)[shuffled], seed=SEED)
        self.assertEqual(one, two)
        self.assertEqual([(part.n, part.observed) for part in one.deciles], [(15, 0.6), (5, 1.0)])
        # 15 of 20 without a gap, 5 with 0.1: a wide decile counts as many.
        self.assertAlmostEqual(one.gap, 0.025, places=12)

    def test_its_interval_is_over_people_and_not_over_predictions(self) -> None:
        rng = np.random.default_rng(SEED)
        n = 2000
        claimed, observed = np.full(n, 0.8), rng.random(n) < 0.8
        many = reliability(claimed, observed, np.arange(n), seed=SEED)
        # The same with ten people, each of whom is always right or always wrong.
        few = reliability(claimed, np.repeat(np.arange(10) < 8, 200), np.repeat(np.arange(10), 200), seed=SEED)
        assert many.interval is not None and few.interval is not None
        self.assertLess(many.interval[1] - many.interval[0], 0.05)
        self.assertGreater(few.interval[1] - few.interval[0], 0.3)

    def test_it_finds_no_gap_where_claims_come_true(self) -> None:
        rng = np.random.default_rng(SEED)
        claimed = rng.uniform(0.5, 1.0, 20_000)
        person = rng.integers(0, 500, 20_000)
        found = reliability(claimed, rng.random(20_000) < claimed, person, seed=SEED)
        self.assertLess(found.gap, 0.015)
        boastful = reliability(claimed, rng.random(20_000) < claimed - 0.2, person, seed=SEED)
        self.assertAlmostEqual(boastful.gap, 0.2, delta=0.02)
        for one in boastful.deciles:
            assert one.interval is not None
            self.assertLess(one.interval[1], one.claimed)

    def test_it_has_no_interval_for_one_person(self) -> None:
        found = reliability(np.array([0.7, 0.8]), np.array([True, False]), np.zeros(2, np.intp), seed=SEED)
        self.assertIsNone(found.interval)
        self.assertEqual([part.interval for part in found.deciles], [None, None])

    def test_within_a_star_includes_a_whole_star(self) -> None:
        predicted, actual = np.array([3.0, 3.0, 3.2]), np.array([4.0, 4.5, 2.0])
        self.assertEqual(came_true(predicted, actual).tolist(), [True, False, False])


class SharesTestCase(SimpleTestCase):
    def test_it_leaves_out_draws_without_a_case(self) -> None:
        # Two of ten people have cases in the second column: some draws hold neither of them.
        cases = np.column_stack([np.full(10, 2.0), np.r_[np.full(2, 3.0), np.zeros(8)]])
        whole, rare = shares_with_intervals(cases / 2, cases, seed=SEED)
        self.assertEqual((whole.value, whole.interval, whole.n), (0.5, (0.5, 0.5), 10))
        self.assertEqual((rare.value, rare.interval, rare.n), (0.5, (0.5, 0.5), 2))

    def test_it_is_undefined_for_a_column_without_cases(self) -> None:
        (nobody,) = shares_with_intervals(np.zeros((3, 1)), np.zeros((3, 1)), seed=SEED)
        self.assertTrue(np.isnan(nobody.value))
        self.assertEqual((nobody.interval, nobody.n), (None, 0))
