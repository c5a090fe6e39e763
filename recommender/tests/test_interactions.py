from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.interactions import Interactions


def interactions(user: list[int], item: list[int]) -> Interactions:
    n = len(user)
    return Interactions(
        np.array(user, np.int32), np.array(item, np.int32), np.full(n, 3, np.float32), np.arange(n), 3, 4
    )


class InteractionsTestCase(SimpleTestCase):
    def test_it_finds_the_rows_of_a_person_in_stored_order(self) -> None:
        data = interactions([2, 0, 2, 1], [3, 1, 0, 0])
        self.assertEqual(data.rows_of(2).tolist(), [0, 2])
        self.assertEqual(data.rows_of(1).tolist(), [3])

    def test_it_counts_ratings_by_film_and_person(self) -> None:
        data = interactions([2, 0, 2, 1], [3, 1, 0, 0])
        self.assertEqual(data.item_counts.tolist(), [2, 1, 0, 1])
        self.assertEqual(data.user_counts.tolist(), [1, 1, 2])

    def test_it_keeps_the_numbering_when_rows_are_taken(self) -> None:
        part = interactions([2, 0, 2, 1], [3, 1, 0, 0]).take(np.array([True, False, False, False]))
        self.assertEqual((len(part), part.n_users, part.n_items), (1, 3, 4))

    def test_it_refuses_numbers_out_of_range(self) -> None:
        with self.assertRaises(ValueError):
            interactions([3], [0])
        with self.assertRaises(ValueError):
            interactions([0], [-1])

    def test_it_refuses_columns_of_different_length(self) -> None:
        with self.assertRaises(ValueError):
            Interactions(
                np.zeros(2, np.int32), np.zeros(1, np.int32), np.zeros(2, np.float32), np.zeros(2, np.int64), 1, 1
            )
