from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.film_features import AGES, SideInformation


class FilmsTestCase(SimpleTestCase):
    def test_it_knows_genres_and_ages(self) -> None:
        side = SideInformation(np.array([[1, 0], [0, 1], [1, 1]], np.uint8), np.array([1939, 1990, 0]))
        columns = side.columns(3)
        self.assertEqual(columns.shape, (3, 2 + len(AGES) + 1 + 1))
        self.assertEqual(columns[:, :2].tolist(), [[1, 0], [0, 1], [1, 1]])
        self.assertEqual(columns[0, 2], 1)  # before the first boundary
        self.assertEqual(columns[1, 2 + AGES.index(1990) + 1], 1)  # a boundary begins its age
        self.assertEqual(columns[:, -1].tolist(), [-5.1, 0.0, 0.0])

    def test_it_says_nothing_of_a_film_of_unknown_year(self) -> None:
        self.assertFalse(SideInformation(years=np.array([0])).columns(1).any())

    def test_it_may_know_nothing(self) -> None:
        self.assertEqual(SideInformation().columns(4).shape, (4, 0))
