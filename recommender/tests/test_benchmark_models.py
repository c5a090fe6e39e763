from __future__ import annotations

from functools import partial
from unittest import mock

import numpy as np
from django.test import SimpleTestCase
from numpy.typing import NDArray

from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.presets import DEFAULT_PRESET, configuration
from recommender.algorithms.splits import Split, last_per_user, random_ratings
from recommender.benchmarks import ours, peers
from recommender.benchmarks.datasets import DataSet
from recommender.benchmarks.judging import (
    judge_lists,
    paired_difference,
    rmse,
    rmse_difference,
    rmse_estimate,
    squared_errors,
)
from recommender.benchmarks.tuned import TunedRating, grid
from recommender.tests.ratings_for_tests import two_genres, two_tastes


class FixedList:
    """Shows everybody the same films, best first."""

    def __init__(self, films: list[int]) -> None:
        self.films = films

    def fit(self, train: Interactions) -> None:
        self.n_items = train.n_items

    def scores(self, user: int) -> NDArray[np.float64]:
        scores = np.full(self.n_items, -np.inf)
        scores[self.films] = -np.arange(len(self.films), dtype=np.float64)
        return scores

    def list_of(self, scores: NDArray[np.float64]) -> NDArray[np.intp]:
        order = np.argsort(-scores, kind="stable")
        return order[scores[order] > -np.inf][:10]


def ratings(rows: list[tuple[int, int, float]], n_items: int = 12) -> Interactions:
    user, item, value = zip(*rows, strict=True)
    return Interactions(
        np.array(user, np.int32),
        np.array(item, np.int32),
        np.array(value, np.float32),
        np.arange(len(rows)),
        3,
        n_items,
    )


class JudgingTestCase(SimpleTestCase):
    def setUp(self) -> None:
        # Person 0 likes film 3 of two test films, person 1 likes none, person 2 has no test film.
        train = ratings([(0, 0, 5), (1, 1, 3), (2, 2, 4)])
        self.split = Split(train, ratings([(0, 3, 4), (0, 4, 3.5), (1, 5, 2)]), "by hand")

    def test_it_judges_lists_by_those_who_have_something_to_find(self) -> None:
        model = FixedList([0, 1, 3])
        model.fit(self.split.train)
        figures = judge_lists(model, self.split)
        self.assertEqual(figures.people.tolist(), [0])
        # Person 0 has rated film 0, so that the list is 1, 3 and the liked film stands second.
        self.assertAlmostEqual(figures.ndcg[0], 1 / np.log2(3))
        self.assertAlmostEqual(figures.precision[0], 0.1)
        self.assertAlmostEqual(figures.recall[0], 1.0)

    def test_it_counts_films_in_anybodys_list(self) -> None:
        model = FixedList([0, 1, 3])
        model.fit(self.split.train)
        self.assertAlmostEqual(judge_lists(model, self.split).coverage_all, 3 / 12)

    def test_it_clips_stars_to_the_scale(self) -> None:
        class Wild:
            def fit(self, train: Interactions) -> None: ...

            def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float64]:
                return np.full(len(user), 99.0)

        test = self.split.test
        self.assertEqual(squared_errors(Wild(), test).tolist(), [1.0, 2.25, 9.0])
        self.assertAlmostEqual(rmse(Wild(), self.split), np.sqrt(12.25 / 3))
        estimate = rmse_estimate(squared_errors(Wild(), test), test)
        self.assertAlmostEqual(estimate.value, np.sqrt(12.25 / 3))
        self.assertEqual(estimate.n, 2)

    def test_it_compares_person_by_person(self) -> None:
        ours_, theirs = {"people": [1, 2, 3], "ndcg": [0.5, 0.6, 0.7]}, {"people": [1, 2, 3], "ndcg": [0.4, 0.5, 0.6]}
        difference = paired_difference(ours_, theirs)
        self.assertAlmostEqual(difference.value, 0.1)
        assert difference.interval is not None
        self.assertAlmostEqual(difference.interval[0], 0.1)
        with self.assertRaises(ValueError):
            paired_difference(ours_, {"people": [1, 2, 4], "ndcg": [0.4, 0.5, 0.6]})


class TuningTestCase(SimpleTestCase):
    def test_it_makes_every_combination(self) -> None:
        self.assertEqual(grid(a=(1, 2), b=(3,)), [{"a": 1, "b": 3}, {"a": 2, "b": 3}])

    def test_it_takes_the_settings_that_do_best_on_the_slice(self) -> None:
        split = random_ratings(two_tastes(), seed=0)
        sliced: list[Split] = []

        def cut(train: Interactions) -> Split:
            sliced.append(random_ratings(train, seed=1))
            return sliced[-1]

        class Constant:
            def __init__(self, settings: dict[str, float]) -> None:
                self.stars = settings["stars"]

            def fit(self, train: Interactions) -> None:
                self.n = len(train)

            def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float64]:
                return np.full(len(user), self.stars)

        model = TunedRating(Constant, [{"stars": 1.0}, {"stars": 3.0}, {"stars": 5.0}], cut)
        model.fit(split.train)
        self.assertEqual(model.settings, {"stars": 3.0})
        self.assertEqual(len(sliced), 1)
        self.assertIsInstance(model._model, Constant)
        self.assertEqual(model._model.n, len(split.train))  # type: ignore[attr-defined]


CUT = partial(random_ratings, seed=1)


class ModelsTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.data = two_tastes(n_items=120)
        self.split = random_ratings(self.data, seed=0)

    def test_its_presets_beat_biases_where_tastes_differ(self) -> None:
        biases = peers.Biases()
        biases.fit(self.split.train)
        side = SideInformation(two_genres(self.data.n_items).membership)
        for name in ("classic", "fast"):
            few = configuration(name, {"n_epochs": 20})
            with self.subTest(name), mock.patch.object(ours, "configuration", return_value=few):
                preset = ours.Preset(name, side, CUT)
                preset.fit(self.split.train)
                self.assertLess(rmse(preset, self.split), 0.8 * rmse(biases, self.split))
                self.assertGreater(preset.fit_seconds, 0)
                self.assertIn("trained", preset.settings)

    def test_its_neighbours_and_our_lists_beat_popularity(self) -> None:
        popular = peers.Popularity()
        neighbours = peers.ItemKnn({"neighbours": 20, "shrinkage": 10.0})
        side = SideInformation(two_genres(self.data.n_items).membership)
        figures = []
        few = configuration(DEFAULT_PRESET, {"n_epochs": 20})
        with mock.patch.object(ours, "configuration", return_value=few):
            lists = ours.Lists(side, CUT, recency=False, slots=1)
            for model in (popular, neighbours, lists):
                model.fit(self.split.train)
                figures.append(judge_lists(model, self.split))
        self.assertEqual(lists.settings["half_life"], 0.0)
        self.assertGreater(figures[2].coverage_all, 0.5)
        by_popularity, by_neighbours, ours_alone = (float(one.ndcg.mean()) for one in figures)
        self.assertGreater(by_neighbours, 1.5 * by_popularity)
        self.assertGreater(ours_alone, 1.5 * by_popularity)

    def test_its_neighbours_are_who_was_liked_together(self) -> None:
        # Films 0 and 1 are liked by the same two people, film 2 by one of them and film 3 by nobody.
        data = ratings([(0, 0, 5), (0, 1, 4), (0, 2, 4), (1, 0, 4), (1, 1, 5), (1, 3, 2)], n_items=4)
        model = peers.ItemKnn({"neighbours": 4, "shrinkage": 0.0})
        model.fit(data)
        # What person 1 likes, films 0 and 1, says of each film: cosine 1 with each other, 1/√2 with film 2.
        np.testing.assert_allclose(model.scores(1), [1.0, 1.0, np.sqrt(2), 0.0], atol=1e-6)

    def test_its_plain_peers_say_what_they_are(self) -> None:
        train = self.split.train
        order, mean = peers.ItemMeanOrder(), peers.ItemMean()
        order.fit(train)
        mean.fit(train)
        films = np.arange(train.n_items, dtype=np.int32)
        np.testing.assert_allclose(order.scores(0), mean.predict(np.zeros_like(films), films))

    def test_it_judges_people_whom_the_training_has_not_seen(self) -> None:
        n_items = self.data.n_items
        dataset = DataSet("demo", self.data, np.arange(n_items), two_genres(n_items), np.zeros(n_items, np.int64))
        split = last_per_user(self.data)
        figures = ours.newcomers("classic", dataset, split, CUT, n_parts=2)
        self.assertEqual((figures["n_people"], figures["n_parts"]), (len(np.unique(split.test.user)), 2))
        # Tastes are plain enough to be told from a history alone.
        self.assertLess(figures["new"], 1.0)
        self.assertNotEqual(figures["new"], figures["known"])
        low, high = figures["interval"]
        self.assertTrue(low <= figures["new"] - figures["known"] <= high)

    def test_a_difference_of_errors_is_that_of_the_two_figures(self) -> None:
        test = ratings([(0, 0, 5), (0, 1, 4), (1, 0, 3)], n_items=2)
        first, second = np.array([1.0, 0.5, 0.3]), np.array([0.8, 0.5, 0.1])
        difference = rmse_difference(first, second, test)
        expected = rmse_estimate(first, test).value - rmse_estimate(second, test).value
        self.assertAlmostEqual(difference.value, expected)

    def test_it_measures_how_true_confidence_is(self) -> None:
        n_items = self.data.n_items
        genres = GenreTable(("Drama", "Comedy"), two_genres(n_items).membership)
        dataset = DataSet("demo", self.data, np.arange(n_items), genres, np.zeros(n_items, np.int64))
        split = last_per_user(self.data)
        figures = ours.confidence("classic", dataset, split)
        self.assertEqual(figures["n"], len(split.test))
        self.assertGreaterEqual(figures["gap"], 0.0)
        self.assertLess(figures["gap"], 0.3)
