from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
from django.test import SimpleTestCase

from cinema.models import Movie
from recommender import registry
from recommender.algorithms import network_learning, pipeline
from recommender.algorithms.ensemble import MalformedModel, TrainedModel
from recommender.algorithms.film_model import EMPTY_HISTORY, History
from recommender.algorithms.network import Network
from recommender.algorithms.network_learning import NetworkJudge, choose_weight
from recommender.algorithms.neural import NeuralRanker
from recommender.algorithms.neural_training import NeuralNotInstalled
from recommender.algorithms.presets import configuration
from recommender.explain import explain_for
from recommender.recommend import recommend_for
from recommender.tests.ratings_for_tests import run_pipeline, two_tastes
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version, trained
from recommender.viewers import Viewer

N_ITEMS, N_FACTORS, N_INPUTS, N_HIDDEN = 60, 4, 3, 4


def a_ranker(seed: int = 0, n_items: int = N_ITEMS) -> NeuralRanker:
    """Of weights that nobody learned."""
    rng = np.random.default_rng(seed)

    def some(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    return NeuralRanker(
        encoder=some(n_items, N_FACTORS + N_INPUTS),
        person_bias=some(N_FACTORS + N_INPUTS),
        voices=np.linspace(0.1, 1.3, 10).astype(np.float32),
        gmf=some(n_items, N_FACTORS),
        item_bias=some(n_items),
        person_layer=some(N_INPUTS, N_HIDDEN),
        item_layer=some(n_items, N_HIDDEN),
        hidden=((some(N_HIDDEN, 2), some(2)),),
        output=some(2),
        half_life=4.0,
    )


def with_network(weight: float = 2.0) -> TrainedModel:
    return replace(trained(), network=Network(a_ranker(), weight))


def a_history(*items: int) -> History:
    n = len(items)
    return History(np.array(items), np.full(n, 4.5), np.ones(n, np.bool_), np.arange(n))


class OrderTestCase(SimpleTestCase):
    def test_its_word_is_of_the_spread_that_it_weighs(self) -> None:
        model = with_network(weight=1.5)
        order = model.order(model.solve(a_history(1, 2, 40)))
        word = order.network_scores[model.ordering.ranked_films]
        self.assertAlmostEqual(float(word.std()), 1.5)
        self.assertAlmostEqual(float(word.mean()), 0.0)

    def test_a_score_is_the_sum_of_all_voices(self) -> None:
        model = with_network()
        order = model.order(model.solve(a_history(1, 2, 40)))
        whole = order.ranker_scores + order.rating_scores + order.network_scores + model.ordering.tie_breaks
        np.testing.assert_allclose(order.scores, whole)

    def test_without_one_nothing_is_added(self) -> None:
        model = trained()
        self.assertFalse(model.order(model.solve(a_history(1, 2))).network_scores.any())

    def test_a_network_of_equal_scores_says_nothing(self) -> None:
        ranker = a_ranker()
        flat = replace(ranker, gmf=0 * ranker.gmf, output=0 * ranker.output, item_bias=0 * ranker.item_bias)
        word, factor = Network(flat, 1.0).word(EMPTY_HISTORY, np.arange(N_ITEMS))
        self.assertEqual((word.any(), factor), (False, 0.0))


class WeightTestCase(SimpleTestCase):
    """People who go on to like what the network puts first, or what the rest does."""

    def judges(self, *, network_knows: bool) -> list[NetworkJudge]:
        ranker, rng = a_ranker(), np.random.default_rng(5)
        found = []
        for _ in range(40):
            history = a_history(*rng.choice(N_ITEMS, 5, replace=False).tolist())
            scores = rng.normal(size=N_ITEMS)
            best = ranker.scores(history) if network_knows else scores
            found.append(NetworkJudge(history, scores, np.argsort(-best)[:5], 5))
        return found

    def test_it_counts_where_it_helps(self) -> None:
        choice = choose_weight(a_ranker(), self.judges(network_knows=True), np.arange(N_ITEMS), 7)
        self.assertGreater(choice.weight, 1.0)
        self.assertGreater(choice.ndcg[choice.weight], 2 * choice.ndcg[0.0])
        self.assertEqual(choice.n_epochs, 7)

    def test_it_counts_nothing_where_it_does_not(self) -> None:
        choice = choose_weight(a_ranker(), self.judges(network_knows=False), np.arange(N_ITEMS), 7)
        self.assertEqual((choice.weight, choice.ndcg[0.0]), (0.0, 1.0))

    def test_with_nobody_to_judge_it_counts_nothing(self) -> None:
        self.assertEqual(choose_weight(a_ranker(), [], np.arange(N_ITEMS), 7).weight, 0.0)


class PipelineTestCase(SimpleTestCase):
    """With a network that is drawn in place of one that is learned, which takes PyTorch."""

    def run_with(self, weight: float) -> tuple[TrainedModel, int]:
        learned: list[int] = []

        def learn(config, data, validation):
            learned.append(len(data))
            yield network_learning.NeuralEpoch("training", 3, 3, 0.5)
            return a_ranker()

        class Trainer:
            def __init__(self, config: object, data: object) -> None:
                learned.append(0)

            def epoch(self) -> float:
                return 0.5

            def ranker(self) -> NeuralRanker:
                return a_ranker()

        config = configuration("neural", {"n_epochs": 8, "n_samples": 2, "n_factors": 4})
        chosen = network_learning.NetworkChoice(weight, 3, {})
        with (
            mock.patch.object(pipeline, "missing", return_value=""),
            mock.patch.object(network_learning, "train_neural", learn),
            mock.patch.object(network_learning, "NeuralTrainer", Trainer),
            mock.patch.object(network_learning, "choose_weight", return_value=chosen),
        ):
            outcome = run_pipeline(two_tastes(), config)  # type: ignore[arg-type]
        return outcome.model, len(learned)

    def test_it_is_learned_again_for_the_twin_and_for_what_is_served(self) -> None:
        model, n_learned = self.run_with(1.5)
        self.assertEqual(n_learned, 3)
        assert model.network is not None
        self.assertEqual((model.network.weight, model.voices()["network"]), (1.5, 1.5))

    def test_where_it_does_not_help_it_is_neither_learned_again_nor_kept(self) -> None:
        model, n_learned = self.run_with(0.0)
        self.assertEqual((n_learned, model.network, model.voices()["network"]), (1, None, 0.0))

    def test_it_says_what_to_install_before_anything_is_trained(self) -> None:
        with (
            mock.patch.object(pipeline, "missing", return_value="Install requirements-neural.txt."),
            self.assertRaisesMessage(NeuralNotInstalled, "requirements-neural.txt"),
        ):
            run_pipeline(two_tastes(), configuration("neural", None))  # type: ignore[arg-type]

    def test_too_many_films_are_refused(self) -> None:
        with (
            mock.patch.object(pipeline, "missing", return_value=""),
            mock.patch.object(pipeline, "WIDE", 10),
            self.assertRaises(pipeline.TooManyFilms),
        ):
            run_pipeline(two_tastes(), configuration("neural", None))  # type: ignore[arg-type]


class StorageTestCase(SimpleTestCase):
    def test_it_is_read_back_as_it_was_written(self) -> None:
        model = with_network()
        read = TrainedModel.from_arrays(model.arrays(), model.settings())
        history = a_history(1, 2, 40)
        np.testing.assert_array_equal(read.order_scores(history), model.order_scores(history))

    def test_one_of_other_films_or_without_a_weight_is_refused(self) -> None:
        model = with_network()
        other = a_ranker(n_items=59).arrays()
        for arrays, settings in (
            (model.arrays() | other, model.settings()),
            (model.arrays(), model.settings() | {"neural_weight": 0.0}),
            ({name: array for name, array in model.arrays().items() if name != "neural_gmf"}, model.settings()),
        ):
            with self.assertRaises(MalformedModel):
                TrainedModel.from_arrays(arrays, settings)


class ServedTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        registry.activate(store_version(with_network()))

    def test_a_list_says_whose_word_a_place_is(self) -> None:
        item = recommend_for(self.alice, n=10, discovery=0).items[0]
        assert item.parts is not None
        total = item.parts.ranker + item.parts.rating_model + item.parts.network
        self.assertAlmostEqual(total, item.score, places=4)
        self.assertNotEqual(item.parts.network, 0.0)

    def test_an_explanation_adds_up_and_tells_what_is_scored_again(self) -> None:
        movie = Movie.objects.get(pk=recommend_for(self.alice, n=1, discovery=0).items[0].movie_id)
        explanation = explain_for(self.alice, movie, all_contributions=True)
        order = explanation["order"]
        linear = sum(entry["order_contribution"] for entry in explanation["contributions"])
        self.assertAlmostEqual(linear + order["network"]["score"] + order["tie_break"], order["score"], places=9)
        viewer = Viewer.of(self.alice)
        assert viewer is not None and viewer.live.model.network is not None
        row, ranker = movie.pk // 10 - 1, viewer.live.model.network.ranker
        changes = {
            10 * (item + 1): viewer.order.network_factor
            * (ranker.scores(viewer.history)[row] - ranker.scores(viewer.history.without(item))[row])
            for item in viewer.history.item.tolist()
        }
        told = {entry["movie_id"]: entry["change"] for entry in order["network"]["rescored"]}
        self.assertEqual(list(told), sorted(changes, key=lambda pk: -abs(changes[pk]))[:5])
        for movie_id, change in told.items():
            self.assertAlmostEqual(change, changes[movie_id], places=4)

    def test_a_films_page_tells_of_it(self) -> None:
        self.client.force_login(self.alice)
        self.assertContains(self.client.get("/movies/500"), "A neural network adds")

    def test_a_version_without_one_says_so(self) -> None:
        registry.activate(self.version)
        order = explain_for(self.alice, Movie.objects.get(pk=500))["order"]
        self.assertIsNone(order["network"])
