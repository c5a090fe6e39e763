from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock, skipIf

import numpy as np
from django.test import SimpleTestCase
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions
from recommender.algorithms.neural_training import NeuralConfig, missing
from recommender.algorithms.splits import Split, last_per_user
from recommender.benchmarks import neural
from recommender.benchmarks.datasets import DataSet
from recommender.benchmarks.judging import judge_lists
from recommender.benchmarks.peers import Popularity
from recommender.tests.ratings_for_tests import two_genres, two_tastes

WHY_NOT = missing()
QUICK = NeuralConfig(n_factors=4, n_hidden=8, n_layers=2, n_epochs=2)


class Fixed:
    """Orders films by what it is given, for everybody."""

    def __init__(self, scores: NDArray[np.float64]) -> None:
        self._scores = scores

    def fit(self, train: Interactions) -> None: ...

    def scores(self, user: int) -> NDArray[np.float64]:
        return self._scores

    def list_of(self, scores: NDArray[np.float64]) -> NDArray[np.intp]:
        raise NotImplementedError


def one_test_film(n_items: int = 200) -> Split:
    """Three people, the last film of each is number 5."""
    data = Interactions(
        np.repeat(np.arange(3, dtype=np.int32), 3),
        np.tile(np.array([5, 1, 2], np.int32), 3),
        np.full(9, 4.0, np.float32),
        np.tile(np.array([9, 2, 1]), 3),
        3,
        n_items,
    )
    return neural.leave_last_out(data)


class PublishedProtocolTestCase(SimpleTestCase):
    def test_it_keeps_the_last_film_of_each_person(self) -> None:
        split = one_test_film()
        self.assertEqual(split.test.item.tolist(), [5, 5, 5])
        self.assertEqual(sorted(split.train.item.tolist()), [1, 1, 1, 2, 2, 2])
        again = split.again()
        self.assertEqual(again.test.item.tolist(), [1, 1, 1])
        self.assertEqual(len(again.again().test), 0)  # the only film of somebody stays where it is

    def test_the_first_place_is_a_hit_of_full_gain(self) -> None:
        scores = np.zeros(200)
        scores[5] = 1.0
        figures = neural.published_protocol(Fixed(scores), one_test_film())
        self.assertEqual((figures.hit_rate.value, figures.ndcg.value, figures.hit_rate.n), (1.0, 1.0, 3))

    def test_a_tie_is_no_hit(self) -> None:
        figures = neural.published_protocol(Fixed(np.zeros(200)), one_test_film())
        self.assertEqual((figures.hit_rate.value, figures.ndcg.value), (0.0, 0.0))

    def test_the_place_decides_the_gain(self) -> None:
        scores = np.zeros(13)  # all ten others are drawn
        scores[5], scores[[6, 7]] = 1.0, 2.0
        figures = neural.published_protocol(Fixed(scores), one_test_film(n_items=13))
        self.assertEqual(figures.hit_rate.value, 1.0)
        self.assertAlmostEqual(figures.ndcg.value, 0.5)

    def test_a_random_order_hits_one_time_in_ten(self) -> None:
        split = neural.leave_last_out(two_tastes(n_users=2000, n_items=300, density=0.02))
        scores = np.random.default_rng(0).random(300)
        figures = neural.published_protocol(Fixed(scores), split)
        assert figures.hit_rate.interval is not None
        self.assertAlmostEqual(figures.hit_rate.value, 0.1, delta=0.03)

    def test_films_of_the_persons_own_are_never_drawn(self) -> None:
        scores = np.zeros(200)
        scores[[1, 2]], scores[5] = 9.0, 1.0
        figures = neural.published_protocol(Fixed(scores), one_test_film())
        self.assertEqual(figures.hit_rate.value, 1.0)


class CommandTestCase(SimpleTestCase):
    def test_without_torch_it_says_what_to_install(self) -> None:
        with (
            mock.patch.object(neural, "missing", return_value="install it"),
            mock.patch.object(neural, "_say") as said,
        ):
            self.assertEqual(neural.main([]), 1)
        said.assert_called_once_with("install it")


@skipIf(WHY_NOT, WHY_NOT)
class NeuralTestCase(SimpleTestCase):
    def test_it_is_judged_like_the_others(self) -> None:
        split = last_per_user(two_tastes())
        model = neural.Neural(last_per_user, QUICK)
        model.fit(split.train)
        figures = judge_lists(model, split)
        self.assertEqual(len(figures.people), len(judge_lists(_fitted_popularity(split), split).people))
        self.assertGreater(model.fit_seconds, 0)
        self.assertGreaterEqual(model.settings["n_epochs"], 1)

    def test_it_prints_the_demos_figures(self) -> None:
        data = two_tastes()
        dataset = DataSet("demo", data, np.arange(60), two_genres(60), np.zeros(60, np.int64))
        said: list[str] = []
        with mock.patch.object(neural.datasets, "read_demo", return_value=dataset):
            neural.on_the_demo(said.append, QUICK)
        text = "\n".join(said)
        for words in (
            "Popularity: NDCG@10 0.",
            "NeuMF, people encoded: NDCG@10 0.",
            "Both, the network weighing",
            "ms a list",
        ):
            self.assertIn(words, text)

    def test_it_prints_the_published_figures_of_ml_1m(self) -> None:
        data = two_tastes()
        said: list[str] = []
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            rows = zip(data.user.tolist(), data.item.tolist(), data.time.tolist(), strict=True)
            lines = "".join(f"{user + 1}::{item + 1}::4::{time}\n" for user, item, time in rows)
            (folder / "ratings.dat").write_text(lines)
            (folder / "movies.dat").write_text("".join(f"{item}::Film (1999)::Drama\n" for item in range(1, 61)))
            neural.on_ml_1m(folder, said.append, QUICK)
        text = "\n".join(said)
        for words in ("the published protocol", "among 99 drawn films", "Popularity: HR@10 0.", "NeuMF"):
            self.assertIn(words, text)


def _fitted_popularity(split: Split) -> Popularity:
    model = Popularity()
    model.fit(split.train)
    return model
