from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import SimpleTestCase

from recommender.agreement import agreement
from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.film_model import NoiseScales
from recommender.tests.ratings_for_tests import run_pipeline, small_model, two_tastes

MOVIE_IDS = np.arange(1, 61) * 10


class AgreementTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.data = two_tastes()
        self.none_newer = np.zeros(len(self.data), bool)

    def test_a_version_agrees_with_itself(self) -> None:
        model = small_model()
        found = agreement(model, model, self.data, MOVIE_IDS, self.none_newer, seed=0)
        assert found is not None
        self.assertEqual((found.rmse, found.overlap_at_10, found.people, found.newer_ratings), (0.0, 1.0, 80, 0))

    def test_it_falls_with_what_a_training_changes(self) -> None:
        other = run_pipeline(two_tastes(), MatrixFactorizationConfig(n_factors=2, n_epochs=1)).model
        found = agreement(small_model(), other, self.data, MOVIE_IDS, self.none_newer, seed=0)
        assert found is not None
        self.assertGreater(found.rmse, 0.1)
        self.assertLess(found.overlap_at_10, 0.95)

    def test_people_with_newer_ratings_come_first(self) -> None:
        newer = self.data.user == 79
        model = small_model()
        model = replace(model, films=replace(model.films, scales=NoiseScales(fresh=8.0, trained=4.0)))
        found = agreement(model, model, self.data, MOVIE_IDS, newer, seed=0)
        assert found is not None
        self.assertEqual(found.newer_ratings, int(newer.sum()))
        # What is newer weighs otherwise in the older version's eyes.
        self.assertGreater(found.rmse, 0.0)

    def test_nobody_is_nothing(self) -> None:
        nobody = self.data.take(np.empty(0, np.intp))
        self.assertIsNone(agreement(small_model(), small_model(), nobody, MOVIE_IDS, np.empty(0, bool), seed=0))
