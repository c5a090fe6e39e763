from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.film_model import EMPTY_HISTORY, History
from recommender.tests.ratings_for_tests import two_genres


class GenreAffinityTestCase(SimpleTestCase):
    table = two_genres(10)
    fan = History(np.array([0, 1, 7, 8]), np.array([5.0, 5.0, 1.0, 1.0]), np.zeros(4, bool), np.arange(4))

    def test_it_knows_what_a_person_rates_above_their_mean(self) -> None:
        drama, comedy = self.table.affinity(self.fan)
        self.assertGreater(drama, 0)
        self.assertEqual(drama, -comedy)

    def test_it_is_a_percentile_among_all_films(self) -> None:
        self.assertEqual(self.table.match(self.fan, self.table.membership[2]), 0.75)
        self.assertEqual(self.table.match(self.fan, self.table.membership[9]), 0.25)

    def test_it_is_silent_where_nothing_is_known(self) -> None:
        self.assertIsNone(self.table.match(EMPTY_HISTORY, self.table.membership[0]))
        bare = two_genres(10)
        bare.membership[3] = 0
        self.assertIsNone(bare.match(self.fan, bare.membership[3]))
