"""The drawn ratings: seeded, about as many as asked for, in MovieLens' shape and files."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import numpy as np
from django.test import SimpleTestCase

from benchmarks.made_ratings import FEWEST, Shape, draw, interactions, write_movielens

SHAPE = Shape(50_000, seed=3)


class MadeRatingsTestCase(SimpleTestCase):
    def test_the_same_seed_draws_the_same_ratings(self) -> None:
        one, other = interactions(SHAPE), interactions(SHAPE)
        for name in ("user", "item", "value", "time"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))

    def test_another_seed_draws_others(self) -> None:
        one, other = interactions(SHAPE), interactions(Shape(SHAPE.n_ratings, seed=4))
        self.assertFalse(np.array_equal(one.item[:1000], other.item[:1000]))

    def test_there_are_about_as_many_as_asked_for(self) -> None:
        for wanted in (50_000, 300_000):
            with self.subTest(wanted):
                self.assertAlmostEqual(len(interactions(Shape(wanted))) / wanted, 1.0, delta=0.08)

    def test_nobody_rates_a_film_twice_and_everybody_rates_a_few(self) -> None:
        data = interactions(SHAPE)
        pairs = data.user.astype(np.int64) * data.n_items + data.item
        self.assertEqual(len(np.unique(pairs)), len(data))
        self.assertGreaterEqual(data.user_counts.min(), FEWEST)

    def test_few_films_have_most_of_the_ratings(self) -> None:
        counts = np.sort(interactions(SHAPE).item_counts)[::-1]
        self.assertGreater(counts[: len(counts) // 10].sum(), 0.4 * counts.sum())

    def test_stars_are_halves_from_half_to_five(self) -> None:
        halves = np.concatenate([chunk.half_stars for chunk in draw(SHAPE)])
        self.assertEqual((halves.min(), halves.max()), (1, 10))

    def test_it_writes_what_it_draws(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            n = write_movielens(Shape(2_000), Path(folder))
            with (Path(folder) / "ratings.csv").open(newline="") as file:
                rows = list(csv.DictReader(file))
            with (Path(folder) / "movies.csv").open(newline="") as file:
                films = {row["movieId"] for row in csv.DictReader(file)}
        data = interactions(Shape(2_000))
        self.assertEqual((len(rows), n), (len(data), len(data)))
        self.assertEqual(float(rows[0]["rating"]), data.value[0])
        self.assertLessEqual({row["movieId"] for row in rows}, films)
