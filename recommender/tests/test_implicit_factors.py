from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.algorithms.ease import MIN_RATERS, grades
from recommender.algorithms.implicit_als import CONFIDENCE, N_FACTORS, N_ITERATIONS, REGULARIZATION, fit_implicit_als
from recommender.algorithms.implicit_factors import ImplicitFactors
from recommender.tests.ratings_for_tests import two_tastes

RNG = np.random.default_rng(3)
FACTORS = ImplicitFactors(RNG.normal(0, 0.5, (20, 4)).astype(np.float32), regularization=2.0, confidence=5.0)
DATA = two_tastes()


class FoldInTestCase(SimpleTestCase):
    def test_it_is_the_minimum_of_the_weighted_squares(self) -> None:
        """Σ_j c_j (p_j − v_j·w)² + λ|w|², with p = 1 and c = 1 + αs for rated films, p = 0 and c = 1 for the others."""
        items, strengths = np.array([2, 7, 11]), np.array([1.0, 0.1, 1.3])
        vectors = FACTORS.vectors.astype(np.float64)
        confidence, preference = np.ones(20), np.zeros(20)
        confidence[items] += 5.0 * strengths
        preference[items] = 1.0
        rows = np.vstack([vectors * np.sqrt(confidence)[:, None], np.sqrt(2.0) * np.eye(4)])
        expected, *_ = np.linalg.lstsq(rows, np.append(preference * np.sqrt(confidence), np.zeros(4)), rcond=None)
        np.testing.assert_allclose(FACTORS.fold_in(items, strengths).scores(), vectors @ expected, atol=1e-9)

    def test_a_film_without_a_vector_has_no_score_and_says_nothing(self) -> None:
        vectors = FACTORS.vectors.copy()
        vectors[7] = 0.0
        factors = ImplicitFactors(vectors, 2.0, 5.0)
        self.assertNotIn(7, factors.known_films)
        with_it = factors.fold_in(np.array([2, 7]), np.array([1.0, 1.0])).scores()
        without = factors.fold_in(np.array([2]), np.array([1.0])).scores()
        np.testing.assert_allclose(with_it, without)

    def test_nothing_rated_is_nothing_said(self) -> None:
        self.assertFalse(FACTORS.fold_in(np.empty(0, np.int64), np.empty(0)).scores().any())

    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.integers(0, 19), st.floats(0, 1.3)), max_size=12, unique_by=lambda row: row[0]))
    def test_a_score_is_the_sum_of_what_each_film_adds(self, rows: list[tuple[int, float]]) -> None:
        items = np.array([row[0] for row in rows], np.int64)
        person = FACTORS.fold_in(items, np.array([row[1] for row in rows]))
        for item in (0, 19):
            self.assertAlmostEqual(float(person.contributions(item).sum()), float(person.scores()[item]), places=9)


class LearningTestCase(SimpleTestCase):
    def test_it_is_alternating_least_squares(self) -> None:
        """Written plainly, a row at a time, it says the same."""
        strength = np.zeros((DATA.n_users, DATA.n_items))
        strength[DATA.user, DATA.item] = grades(DATA.value)
        rated = strength > 0

        def regressed(strength: np.ndarray, rated: np.ndarray, others: np.ndarray) -> np.ndarray:
            rows = []
            for voices, mask in zip(strength, rated, strict=True):
                weight = np.where(mask, CONFIDENCE * voices, 0.0)
                a = others.T @ ((1 + weight)[:, None] * others) + REGULARIZATION * np.eye(N_FACTORS)
                rows.append(np.linalg.solve(a, others.T @ np.where(mask, 1 + weight, 0.0)))
            return np.array(rows)

        vectors = 0.1 * np.random.default_rng(0).standard_normal((DATA.n_items, N_FACTORS))
        for _ in range(N_ITERATIONS):
            vectors = regressed(strength.T, rated.T, regressed(strength, rated, vectors))
        np.testing.assert_allclose(fit_implicit_als(DATA, n_threads=1).vectors, vectors, atol=1e-4)

    def test_it_is_the_same_on_any_number_of_threads(self) -> None:
        one, three = (fit_implicit_als(DATA, n_threads=n).vectors for n in (1, 3))
        self.assertEqual(one.tobytes(), three.tobytes())

    def test_films_with_few_raters_get_no_vector(self) -> None:
        few = np.flatnonzero(DATA.item == 7)[MIN_RATERS - 1 :]
        factors = fit_implicit_als(DATA.take(np.setdiff1d(np.arange(len(DATA)), few)), n_threads=1)
        self.assertEqual(np.setdiff1d(np.arange(DATA.n_items), factors.known_films).tolist(), [7])

    def test_what_somebody_likes_speaks_for_films_of_that_taste(self) -> None:
        factors = fit_implicit_als(two_tastes(n_users=600, density=0.3), n_threads=1)
        scores = factors.fold_in(np.arange(10), np.full(10, 1.3)).scores()
        self.assertGreater(scores[10:30].mean(), scores[30:].mean())
