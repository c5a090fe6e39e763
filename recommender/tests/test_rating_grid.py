from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.matrix_factorization import MatrixFactorizationTrainer
from recommender.algorithms.rating_grid import MOST_GROUPS, n_groups_for, rating_grid
from recommender.tests.ratings_for_tests import two_tastes


def sorted_triples(user: np.ndarray, item: np.ndarray, value: np.ndarray) -> list[tuple[int, int, float]]:
    return sorted(zip(user.tolist(), item.tolist(), value.tolist(), strict=True))


class RatingGridTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.data = two_tastes(n_users=97, n_items=61, density=0.4)

    def test_it_holds_every_rating_once(self) -> None:
        for g in (1, 2, 3, 8):
            with self.subTest(groups=g):
                grid = rating_grid(self.data, np.random.default_rng(0), g)
                user = np.argsort(grid.user_row)[grid.user]
                item = np.argsort(grid.item_row)[grid.item]
                self.assertEqual(
                    sorted_triples(user, item, grid.value),
                    sorted_triples(self.data.user, self.data.item, self.data.value),
                )
                self.assertEqual(grid.starts[-1], len(self.data))

    def test_the_cells_of_a_round_share_no_row_and_the_rounds_are_all_cells(self) -> None:
        for g in (1, 2, 3, 8):
            grid = rating_grid(self.data, np.random.default_rng(0), g)
            for first in range(g):
                with self.subTest(groups=g, first=first):
                    rounds = grid.rounds(first)
                    self.assertEqual(sorted(cell for cells in rounds for cell in cells), list(range(g * g)))
                    for cells in rounds:
                        for rows in (grid.user, grid.item):
                            seen = [set(rows[grid.starts[c] : grid.starts[c + 1]].tolist()) for c in cells]
                            self.assertEqual(len(set().union(*seen)), sum(map(len, seen)))

    def test_groups_are_of_about_the_same_size_and_their_rows_lie_together(self) -> None:
        grid = rating_grid(self.data, np.random.default_rng(0), 2)
        for counts, row in ((self.data.user_counts, grid.user_row), (self.data.item_counts, grid.item_row)):
            self.assertEqual(sorted(row.tolist()), list(range(len(row))))
            halves = [counts[row < (len(row) + 1) // 2].sum(), counts[row >= (len(row) + 1) // 2].sum()]
            self.assertLess(abs(halves[0] - halves[1]) / len(self.data), 0.03)

    def test_the_order_within_a_cell_is_drawn(self) -> None:
        one, two = (rating_grid(self.data, np.random.default_rng(seed), 2) for seed in (0, 1))
        np.testing.assert_array_equal(one.starts, two.starts)
        self.assertFalse(np.array_equal(one.user, two.user))

    def test_the_number_of_groups_goes_by_the_number_of_ratings(self) -> None:
        self.assertEqual([n_groups_for(n) for n in (0, 100_004, 1_000_209)], [1, 1, 2])
        self.assertEqual(n_groups_for(25_000_000), MOST_GROUPS)


class ThreadsTestCase(SimpleTestCase):
    def learned(self, data: Interactions, n_threads: int) -> tuple[bytes, list[float]]:
        config = MatrixFactorizationConfig(n_factors=8, n_epochs=3)
        trainer = MatrixFactorizationTrainer(config, data, n_threads=n_threads)
        errors = [epoch.train_rmse for epoch in trainer.epochs()]
        result = trainer.result()
        return result.user_factors.tobytes() + result.item_factors.tobytes() + result.item_bias.tobytes(), errors

    def test_their_number_changes_no_bit(self) -> None:
        rng = np.random.default_rng(0)
        n, n_users, n_items = 320_000, 3_000, 900
        pairs = rng.choice(n_users * n_items, n, replace=False)
        data = Interactions(
            user=(pairs // n_items).astype(np.int32),
            item=(pairs % n_items).astype(np.int32),
            value=(rng.integers(1, 11, n) / 2).astype(np.float32),
            time=np.zeros(n, np.int64),
            n_users=n_users,
            n_items=n_items,
        )
        one, two = self.learned(data, 1), self.learned(data, 2)
        self.assertEqual(one, two)
        self.assertLess(one[1][-1], one[1][0])
