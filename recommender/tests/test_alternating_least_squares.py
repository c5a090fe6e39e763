from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.alternating_least_squares import (
    DAMPING,
    AlternatingLeastSquaresConfig,
    AlternatingLeastSquaresTrainer,
    Factors,
    Residuals,
    ridge_biases,
)
from recommender.algorithms.baselines import fit_biases
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import history_of
from recommender.algorithms.hyperparameters import InvalidHyperparameters
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.pipeline import Outcome, Pipeline, make_trainer
from recommender.algorithms.presets import PRESETS, algorithm, configuration, preset_of
from recommender.algorithms.splits import last_per_user
from recommender.algorithms.trainer import Trainer
from recommender.tests.plain_least_squares import solved_plainly
from recommender.tests.ratings_for_tests import two_genres, two_tastes

CONFIG = AlternatingLeastSquaresConfig(n_factors=4, n_epochs=5)


def trained(data: Interactions, config: AlternatingLeastSquaresConfig = CONFIG) -> AlternatingLeastSquaresTrainer:
    trainer = AlternatingLeastSquaresTrainer(config, data, solved_plainly)
    for _ in trainer.epochs():
        pass
    return trainer


def plain_trainers(config: object, data: Interactions, side: SideInformation) -> Trainer:
    assert isinstance(config, AlternatingLeastSquaresConfig)
    return AlternatingLeastSquaresTrainer(config, data, solved_plainly)


def outcome(data: Interactions) -> Outcome:
    pipeline = Pipeline(
        CONFIG, data, movie_ids=np.arange(data.n_items), genres=two_genres(data.n_items), trainers=plain_trainers
    )
    for _ in pipeline:
        pass
    assert pipeline.outcome is not None
    return pipeline.outcome


class RidgeBiasesTestCase(SimpleTestCase):
    def test_they_solve_the_ridge_regression(self) -> None:
        data = two_tastes()
        mean, user_bias, item_bias = ridge_biases(data)
        left = data.value - mean - user_bias[data.user] - item_bias[data.item]
        # Where the gradient is zero, the residuals of a row sum up to its penalty.
        np.testing.assert_allclose(np.bincount(data.user, left), DAMPING * user_bias, atol=1e-3)
        np.testing.assert_allclose(np.bincount(data.item, left), DAMPING * item_bias, atol=1e-2)

    def test_nobody_knows_what_has_no_rating(self) -> None:
        data = two_tastes().take(two_tastes().item != 7)
        self.assertEqual(ridge_biases(data)[2][7], 0.0)


class AlternatingLeastSquaresTestCase(SimpleTestCase):
    def test_it_says_all_rounds_as_one(self) -> None:
        split = last_per_user(two_tastes())
        trainer = AlternatingLeastSquaresTrainer(CONFIG, split.train, solved_plainly)
        (epoch,) = trainer.epochs(split.test)
        self.assertEqual(epoch.number, CONFIG.n_epochs)
        assert epoch.held_out_rmse is not None
        error = trainer.result().predict(split.test.user, split.test.item) - split.test.value
        self.assertAlmostEqual(epoch.held_out_rmse, float(np.sqrt(np.mean(np.square(error)))))
        self.assertLess(epoch.train_rmse, epoch.held_out_rmse)
        self.assertEqual(list(trainer.epochs(split.test)), [])

    def test_it_beats_the_biases(self) -> None:
        split = last_per_user(two_tastes())
        test = split.test

        def rmse(predicted: np.ndarray) -> float:
            return float(np.sqrt(np.mean(np.square(predicted - test.value))))

        learned = trained(split.train).result().predict(test.user, test.item)
        self.assertLess(rmse(learned), 0.6 * rmse(fit_biases(split.train).predict(test.user, test.item)))

    def test_the_engine_is_given_what_the_biases_leave(self) -> None:
        data, given = two_tastes(), []

        def engine(config: AlternatingLeastSquaresConfig, left: Residuals) -> Factors:
            given.append(left)
            return solved_plainly(config, left)

        for _ in AlternatingLeastSquaresTrainer(CONFIG, data, engine).epochs():
            pass
        (left,) = given
        self.assertEqual((left.n_users, left.n_items, left.value.dtype), (data.n_users, data.n_items, np.float32))
        mean, user_bias, item_bias = ridge_biases(data)
        np.testing.assert_allclose(
            left.value + mean + user_bias[data.user] + item_bias[data.item], data.value, rtol=1e-5
        )

    def test_a_film_without_ratings_is_predicted_by_what_is_known_of_the_person(self) -> None:
        data = two_tastes().take(two_tastes().item != 7)
        films = trained(data).films()
        self.assertFalse(films.features[7, 0, 1:].any())
        person = films.solve(history_of(data, 0))
        self.assertAlmostEqual(
            float(person.raw_scores([7])[0]), films.global_mean + float(person.state[0, 0]), places=5
        )

    def test_its_films_explain_a_score_exactly(self) -> None:
        data = two_tastes()
        person = trained(data).films().solve(history_of(data, 3))
        for item in (0, 30, 59):
            self.assertAlmostEqual(person.contributions(item).raw, float(person.raw_scores([item])[0]), places=9)

    def test_it_knows_what_it_does_not_know_of_a_film(self) -> None:
        data = two_tastes()
        rarely = data.take((data.item != 7) | (data.user < 4))
        self.assertGreater(trained(rarely).film_variance()[7], trained(data).film_variance()[7])

    def test_it_learns_nothing_from_nothing(self) -> None:
        with self.assertRaises(ValueError):
            AlternatingLeastSquaresTrainer(CONFIG, two_tastes().take(np.zeros(0, np.intp)), solved_plainly)
        with self.assertRaises(ValueError):
            AlternatingLeastSquaresTrainer(CONFIG, two_tastes(), solved_plainly).films()


class PipelineTestCase(SimpleTestCase):
    def test_a_version_of_it_is_measured_like_any_other(self) -> None:
        found = outcome(two_tastes(n_items=200))
        for name, better in (("rmse", -1), ("precision_at_10_rated", 1), ("ndcg_at_10", 1)):
            metric = found.metrics[name]
            assert metric.baseline is not None
            self.assertGreater(better * (metric.value - metric.baseline), 0, name)
        self.assertEqual(found.model.films.n_samples, 1)

    def test_the_algorithms_alone_cannot_train_it(self) -> None:
        data = two_tastes()
        side = SideInformation(two_genres(data.n_items).membership, np.zeros(data.n_items, np.int64))
        with self.assertRaisesMessage(ValueError, "spark has to be handed in"):
            make_trainer(CONFIG, data, side)


class EngineTestCase(SimpleTestCase):
    def test_an_engine_means_its_preset(self) -> None:
        self.assertEqual(preset_of(None, "spark"), "spark")
        self.assertEqual(preset_of(None, "builtin"), "balanced")
        self.assertEqual(preset_of(None, None), "balanced")
        self.assertEqual(preset_of("classic", "builtin"), "classic")
        self.assertEqual(preset_of("spark", None), "spark")

    def test_an_engine_and_a_preset_have_to_agree(self) -> None:
        for preset, engine in (("classic", "spark"), ("spark", "builtin"), (None, "flink")):
            with self.assertRaises(InvalidHyperparameters) as caught:
                preset_of(preset, engine)
            self.assertEqual(set(caught.exception.errors), {"engine"})

    def test_its_config_says_who_trains(self) -> None:
        config = configuration("spark", None)
        self.assertEqual(config.as_dict()["engine"], "spark")
        self.assertIn("Spark", algorithm(config))
        self.assertEqual({name for name, preset in PRESETS.items() if preset.engine == "spark"}, {"spark"})

    def test_it_names_each_bad_value(self) -> None:
        with self.assertRaises(InvalidHyperparameters) as caught:
            configuration("spark", {"n_factors": 0, "regularization": 0.0, "engine": "flink"})
        self.assertEqual(set(caught.exception.errors), {"n_factors", "regularization", "engine"})
        with self.assertRaises(InvalidHyperparameters):
            configuration("spark", {"learning_rate": 0.1})
