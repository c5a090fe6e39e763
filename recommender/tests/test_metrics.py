from __future__ import annotations

import math

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms import metrics

relevance = st.lists(st.booleans(), max_size=30)


class ListMeasuresTestCase(SimpleTestCase):
    def test_it_agrees_with_figures_worked_out_by_hand(self) -> None:
        order = np.array([True, False, True, False, False])
        self.assertEqual(metrics.precision_at_k(order), 2 / 5)
        self.assertEqual(metrics.recall_at_k(order, 4), 0.5)
        ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)
        self.assertAlmostEqual(metrics.ndcg_at_k(order, 4) or 0, (1 + 1 / math.log2(4)) / ideal)
        self.assertEqual(metrics.hit_rate_at_k(order, 4), 1.0)

    def test_it_is_undefined_without_a_relevant_film(self) -> None:
        order = np.array([False, False])
        self.assertIsNone(metrics.recall_at_k(order, 0))
        self.assertIsNone(metrics.ndcg_at_k(order, 0))
        self.assertIsNone(metrics.precision_at_k(np.empty(0, bool)))

    @given(relevance, st.integers(0, 20))
    def test_it_stays_between_zero_and_one(self, order: list[bool], missed: int) -> None:
        hits = np.array(order, dtype=bool)
        n_relevant = int(hits.sum()) + missed
        for value in (
            metrics.precision_at_k(hits),
            metrics.recall_at_k(hits, n_relevant),
            metrics.ndcg_at_k(hits, n_relevant),
            metrics.hit_rate_at_k(hits, n_relevant),
        ):
            if value is not None:
                self.assertGreaterEqual(value, 0)
                self.assertLessEqual(value, 1 + 1e-12)

    @given(relevance)
    def test_it_gives_one_to_a_perfect_order(self, order: list[bool]) -> None:
        hits = np.sort(np.array(order, dtype=bool))[::-1]
        if hits.any():
            self.assertAlmostEqual(metrics.ndcg_at_k(hits, int(hits.sum())) or 0, 1)

    @given(relevance, relevance)
    def test_it_does_not_look_below_the_tenth_place(self, order: list[bool], rest: list[bool]) -> None:
        first = np.array([*order, *[False] * 10][:10], dtype=bool)
        longer = np.concatenate([first, np.array(rest, dtype=bool)])
        self.assertEqual(metrics.ndcg_at_k(first, 50), metrics.ndcg_at_k(longer, 50))
        self.assertEqual(metrics.precision_at_k(first), metrics.precision_at_k(longer))


class TopKTestCase(SimpleTestCase):
    def test_it_breaks_ties_by_position(self) -> None:
        self.assertEqual(metrics.top_k(np.array([1.0, 2.0, 2.0, 2.0, 0.0]), 2).tolist(), [1, 2])

    def test_it_leaves_out_what_is_ruled_out(self) -> None:
        self.assertEqual(metrics.top_k(np.array([-np.inf, 1.0, -np.inf]), 3).tolist(), [1])
        self.assertEqual(metrics.top_k(np.array([-np.inf]), 3).tolist(), [])

    @given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 12))
    def test_it_agrees_with_a_plain_sort(self, values: list[int], k: int) -> None:
        scores = np.array(values, dtype=float)
        expected = sorted(range(len(values)), key=lambda place: (-values[place], place))[:k]
        self.assertEqual(metrics.top_k(scores, k).tolist(), expected)


class DiversityTestCase(SimpleTestCase):
    @given(st.integers(2, 6), st.integers(0, 1000))
    def test_it_agrees_with_all_pairs(self, n: int, seed: int) -> None:
        factors = np.random.default_rng(seed).normal(size=(n, 3))
        unit = factors / np.linalg.norm(factors, axis=1, keepdims=True)
        pairs = [1 - unit[i] @ unit[j] for i in range(n) for j in range(i)]
        self.assertAlmostEqual(metrics.diversity(factors) or 0, float(np.mean(pairs)))

    def test_it_is_undefined_for_one_film(self) -> None:
        self.assertIsNone(metrics.diversity(np.array([[1.0, 0.0], [0.0, 0.0]])))


class IntervalTestCase(SimpleTestCase):
    def test_it_covers_the_truth_about_as_often_as_it_says(self) -> None:
        rng = np.random.default_rng(0)
        covered = 0
        for trial in range(100):
            estimate = metrics.mean_with_interval(rng.normal(1.0, 1.0, 60), seed=trial, resamples=200)
            assert estimate.interval is not None
            covered += estimate.interval[0] <= 1.0 <= estimate.interval[1]
        self.assertGreaterEqual(covered, 85)

    def test_it_takes_the_root_for_rmse(self) -> None:
        estimate = metrics.mean_with_interval(np.array([4.0, 12.0]), np.array([1.0, 3.0]), seed=0, root=True)
        self.assertEqual(estimate.value, 2.0)

    def test_it_has_no_interval_for_one_person(self) -> None:
        self.assertIsNone(metrics.mean_with_interval(np.array([1.0]), seed=0).interval)
