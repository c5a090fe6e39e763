from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.benchmarks import protocols
from recommender.tests.ratings_for_tests import two_tastes


class ProtocolsTestCase(SimpleTestCase):
    def test_its_folds_test_each_rating_once(self) -> None:
        data = two_tastes()
        splits = protocols.folds(data)
        self.assertEqual(len(splits), 5)
        tested = np.concatenate([split.test.user.astype(int) * data.n_items + split.test.item for split in splits])
        self.assertEqual(sorted(tested), sorted(data.user.astype(int) * data.n_items + data.item))
        for split in splits:
            self.assertEqual(len(split.train) + len(split.test), len(data))
            self.assertAlmostEqual(len(split.test), len(data) / 5, delta=1)

    def test_its_folds_are_the_same_each_time(self) -> None:
        one, two = (protocols.folds(two_tastes())[0].test for _ in range(2))
        self.assertEqual(one.item.tolist(), two.item.tolist())
        other = protocols.folds(two_tastes(), seed=1)[0].test
        self.assertNotEqual(one.item.tolist(), other.item.tolist())

    def test_it_takes_the_order_of_time_away_where_the_test_part_is_random(self) -> None:
        data = two_tastes()
        for protocol in (protocols.rating_protocol("ml-100k", data), protocols.ranking_protocol("ml-1m", data)):
            self.assertFalse(protocol.in_time)
            train = protocol.splits[0].train
            self.assertLess(int(train.time.max()), len(data))
            self.assertEqual(len(np.unique(train.time)), len(train))

    def test_it_chooses_settings_on_a_slice_like_the_test_part(self) -> None:
        data = two_tastes()
        for name, share in (("ml-100k", 0.2), ("ml-1m", 0.1), ("demo", 0.2)):
            with self.subTest(name):
                protocol = protocols.ranking_protocol(name, data)
                (split,) = protocol.splits
                again = protocol.slice(split.train)
                self.assertAlmostEqual(len(split.test) / len(data), share, delta=0.03)
                self.assertAlmostEqual(len(again.test) / len(split.train), share, delta=0.03)
                self.assertEqual(len(again.train) + len(again.test), len(split.train))

    def test_it_tests_the_demo_on_each_persons_last_ratings(self) -> None:
        protocol = protocols.rating_protocol("demo", two_tastes())
        self.assertTrue(protocol.in_time)
        (split,) = protocol.splits
        for user in range(split.train.n_users):
            last = split.test.time[split.test.rows_of(user)]
            self.assertLessEqual(split.train.time[split.train.rows_of(user)].max(), last.min())
