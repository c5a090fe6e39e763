from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.ensemble import MalformedModel, TrainedModel
from recommender.algorithms.film_model import History
from recommender.tests.ratings_for_tests import small_model


class TrainedModelTestCase(SimpleTestCase):
    model: TrainedModel

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.model = small_model()

    def history(self, rows: list[int], stars: list[float]) -> History:
        return History(np.array(rows), np.array(stars), np.zeros(len(rows), bool), np.arange(len(rows)))

    def test_it_recommends_what_people_of_the_same_taste_like(self) -> None:
        person = self.model.solve(self.history([0, 1, 2, 40, 41, 42], [5, 5, 4.5, 1.5, 2, 1.5]))
        predicted = person.predicted_ratings()
        self.assertGreater(predicted[:30].mean(), predicted[30:].mean() + 1)

    def test_it_finds_films_of_the_same_side_similar(self) -> None:
        rows, similarities = self.model.similar_items(3, 10)
        self.assertTrue((rows < 30).all())
        self.assertNotIn(3, rows)
        self.assertTrue((np.diff(similarities) <= 0).all())

    def test_it_says_nothing_of_films_with_fewer_than_five_raters(self) -> None:
        counts = self.model.films.item_counts.copy()
        counts[[3, 4]] = 4
        model = replace(self.model, films=replace(self.model.films, item_counts=counts))
        self.assertEqual(len(model.similar_items(3, 10)[0]), 0)
        self.assertNotIn(4, model.similar_items(5, 59)[0])

    def test_it_maps_film_ids_to_rows_and_back(self) -> None:
        self.assertEqual(self.model.rows(np.array([10, 15, 600, 601, 1])).tolist(), [0, -1, 59, -1, -1])

    def test_it_leaves_out_films_it_does_not_know_from_a_history(self) -> None:
        history = self.model.history(np.array([15, 20]), np.array([1.0, 5.0]), np.array([True, True]), np.arange(2))
        self.assertEqual(history.item.tolist(), [1])

    def test_it_is_the_same_after_storage(self) -> None:
        copy = TrainedModel.from_arrays(self.model.arrays(), self.model.settings())
        history = self.history([0, 40], [5, 1])
        np.testing.assert_array_equal(copy.order_scores(history), self.model.order_scores(history))
        np.testing.assert_array_equal(copy.solve(history).raw_scores(), self.model.solve(history).raw_scores())

    def test_it_refuses_arrays_that_no_training_writes(self) -> None:
        for name, spoil in {
            "item_offsets": lambda a: a[:-1],
            "item_features": lambda a: a.astype(np.float64),
            "film_variance": lambda a: np.where(np.arange(len(a)) == 2, np.nan, a).astype(np.float32),
            "noise": lambda a: a * 0,
            "group_centroids": lambda a: a[:, :-1],
            "confidence_levels": lambda a: a[::-1].copy(),
            "movie_ids": lambda a: a[::-1].copy(),
            "item_counts": lambda a: -a - 1,
            "ranker_starts": lambda a: a[:-1],
            "ranker_targets": lambda a: a + len(a),
            "discovery_sd": lambda a: a - 1000,
            "ranker_values": lambda a: np.full_like(a, np.inf),
        }.items():
            with self.subTest(name), self.assertRaises(MalformedModel):
                arrays = self.model.arrays()
                TrainedModel.from_arrays({**arrays, name: spoil(arrays[name])}, self.model.settings())

    def test_it_refuses_settings_that_no_training_writes(self) -> None:
        for change in (
            {"noise_scale_trained": 0},
            {"global_mean": float("nan")},
            {"genres": ["one"]},
            {"n_users": True},
            {"discovery_slots": 4},
        ):
            with self.subTest(change), self.assertRaises(MalformedModel):
                TrainedModel.from_arrays(self.model.arrays(), {**self.model.settings(), **change})
