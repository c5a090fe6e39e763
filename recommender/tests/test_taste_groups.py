from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.taste_groups import PEOPLE_PER_GROUP, learn_groups
from recommender.tests.ratings_for_tests import two_tastes


class TasteGroupsTestCase(SimpleTestCase):
    def test_it_finds_the_two_tastes(self) -> None:
        data = two_tastes(n_users=2 * PEOPLE_PER_GROUP)
        side = np.where(np.arange(data.n_users) < PEOPLE_PER_GROUP, 1.0, -1.0)
        tastes = np.column_stack([side, np.random.default_rng(0).normal(0, 0.1, data.n_users)])
        groups = learn_groups(tastes, data, seed=0)
        self.assertEqual(len(groups.centroids), 2)
        lovers = groups.nearest(np.array([1.0, 0.0]))
        mean = groups.sums[lovers] / groups.counts[lovers]
        self.assertGreater(mean[:30].min(), mean[30:].max())

    def test_it_counts_every_rating_once(self) -> None:
        data = two_tastes()
        groups = learn_groups(np.random.default_rng(0).normal(size=(data.n_users, 3)), data)
        np.testing.assert_array_equal(groups.counts.sum(axis=0), data.item_counts)
        self.assertAlmostEqual(float(groups.sums.sum()), float(data.value.sum()), places=0)

    def test_it_works_when_nothing_is_known_of_anybody(self) -> None:
        data = two_tastes()
        groups = learn_groups(np.zeros((data.n_users, 3)), data)
        self.assertEqual(groups.nearest(np.zeros(3)), 0)
