from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.who_rated import rated_set_features, rated_set_vectors, who_rated_features
from recommender.tests.ratings_for_tests import two_tastes


class WhoRatedWhatTestCase(SimpleTestCase):
    def matrix(self) -> np.ndarray:
        """Who rated what, each person's row scaled by n^-½."""
        data = two_tastes(density=0.3)
        dense = np.zeros((data.n_users, data.n_items))
        dense[data.user, data.item] = 1
        return dense / np.sqrt(np.maximum(dense.sum(axis=1, keepdims=True), 1))

    def test_it_finds_the_leading_singular_vectors(self) -> None:
        vectors = rated_set_vectors(two_tastes(density=0.3), 5, np.random.default_rng(0))
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(5), atol=1e-8)
        exact = np.linalg.svd(self.matrix())[1][:5]
        np.testing.assert_allclose(np.linalg.norm(self.matrix() @ vectors, axis=0), exact, rtol=1e-3)

    def test_it_describes_people_by_the_films_they_rated(self) -> None:
        data = two_tastes(density=0.3)
        vectors = rated_set_vectors(data, 5, np.random.default_rng(0))
        np.testing.assert_allclose(rated_set_features(data, vectors), self.matrix() @ vectors, atol=1e-10)

    def test_it_describes_films_by_who_rated_them(self) -> None:
        data = two_tastes(density=0.3)
        features = who_rated_features(data, data.n_users, np.random.default_rng(0))
        dense = np.zeros((data.n_items, data.n_users))
        dense[data.item, data.user] = 1
        dense /= np.sqrt(np.maximum(dense.sum(axis=1, keepdims=True), 1))
        # All singular vectors together keep every angle between films.
        np.testing.assert_allclose(features @ features.T, dense @ dense.T, atol=1e-6)

    def test_it_takes_a_rank_larger_than_the_data(self) -> None:
        data = two_tastes(n_users=6, n_items=4)
        self.assertEqual(rated_set_vectors(data, 100, np.random.default_rng(0)).shape, (4, 4))
