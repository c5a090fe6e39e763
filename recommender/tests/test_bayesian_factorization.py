from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.bayesian_factorization import BayesianFactorizationTrainer
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import FilmModel, history_of
from recommender.algorithms.hyperparameters import InvalidHyperparameters
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.posterior import BayesianFactorizationConfig
from recommender.algorithms.splits import random_ratings
from recommender.tests.ratings_for_tests import two_genres, two_tastes

QUICK = BayesianFactorizationConfig(n_factors=4, n_epochs=30, n_samples=6, n_side_factors=5)
SIDE = SideInformation(two_genres(60).membership, np.arange(1960, 2020))


def trained(
    data: Interactions, config: BayesianFactorizationConfig = QUICK, *, n_threads: int = 1
) -> BayesianFactorizationTrainer:
    trainer = BayesianFactorizationTrainer(config, data, SIDE, n_threads=n_threads)
    for _ in trainer.epochs():
        pass
    return trainer


def bytes_of(films: FilmModel) -> bytes:
    return films.offsets.tobytes() + films.features.tobytes() + films.watched_link.tobytes() + films.noise.tobytes()


def rmse(films: FilmModel, train: Interactions, test: Interactions) -> float:
    squared = []
    for user in np.flatnonzero(test.user_counts):
        rows = test.rows_of(user)
        predicted = films.solve(history_of(train, user)).predicted_ratings(test.item[rows])
        squared.append(np.square(predicted - test.value[rows]))
    return float(np.sqrt(np.concatenate(squared).mean()))


class TrainerTestCase(SimpleTestCase):
    def test_it_learns_two_tastes(self) -> None:
        split = random_ratings(two_tastes(), seed=1)
        # What is left is the noise of the data: steps of half a star, σ = 0.41.
        self.assertLess(rmse(trained(split.train).films(), split.train, split.test), 0.5)

    def test_it_gives_the_same_bytes_for_the_same_seed_on_any_number_of_threads(self) -> None:
        data = two_tastes()
        one, two = trained(data), trained(data, n_threads=3)
        self.assertEqual(bytes_of(one.films()), bytes_of(two.films()))
        self.assertNotEqual(bytes_of(one.films()), bytes_of(trained(data, replace(QUICK, seed=1)).films()))

    def test_it_goes_on_after_an_interruption_as_if_nothing_had_happened(self) -> None:
        data = two_tastes()
        interrupted = BayesianFactorizationTrainer(QUICK, data, SIDE, n_threads=1)
        for _ in range(17):
            interrupted.train_epoch()
        checkpoint = interrupted.checkpoint()
        interrupted.train_epoch()  # what happens to the old trainer afterwards does not matter
        resumed = BayesianFactorizationTrainer(QUICK, data, SIDE, n_threads=1)
        resumed.restore(checkpoint)
        self.assertEqual([epoch.number for epoch in resumed.epochs()], list(range(18, 31)))
        whole = trained(data)
        self.assertEqual(bytes_of(resumed.films()), bytes_of(whole.films()))
        self.assertEqual(resumed.film_variance().tobytes(), whole.film_variance().tobytes())

    def test_it_reports_how_the_mean_prediction_gets_better(self) -> None:
        split = random_ratings(two_tastes(), seed=1)
        trainer = BayesianFactorizationTrainer(QUICK, split.train, SIDE, n_threads=1)
        errors = [epoch.held_out_rmse or 9.0 for epoch in trainer.epochs(split.test)]
        self.assertEqual(len(errors), QUICK.n_epochs)
        self.assertLess(errors[-1], errors[0] - 0.3)
        self.assertLess(errors[-1], 0.55)

    def test_it_uses_each_kind_of_side_information_or_does_without(self) -> None:
        data = two_tastes()
        everything = bytes_of(trained(data).films())
        for name in ("use_genres", "use_years", "use_who_rated", "use_rated_set"):
            with self.subTest(name):
                films = trained(data, replace(QUICK, **{name: False})).films()
                self.assertNotEqual(bytes_of(films), everything)
                self.assertEqual(films.watched.shape[1], 0 if name == "use_rated_set" else 5)

    def test_it_knows_a_film_without_ratings_by_its_genre(self) -> None:
        data = two_tastes()
        data = data.take(data.item != 45)
        person = trained(data).films().solve(history_of(data, 0))  # loves the first half: Drama
        predicted = person.predicted_ratings([20, 45])
        self.assertGreater(predicted[0], predicted[1] + 1)

    def test_it_does_not_know_much_of_a_film_without_ratings(self) -> None:
        data = two_tastes()
        variance = trained(data.take(data.item != 45)).film_variance()
        self.assertGreater(variance[45], np.median(variance))

    def test_it_demands_a_rating(self) -> None:
        with self.assertRaises(ValueError):
            BayesianFactorizationTrainer(QUICK, two_tastes().take(np.empty(0, np.intp)), SIDE)


class DistillationTestCase(SimpleTestCase):
    def test_it_makes_one_solve_of_all_samples(self) -> None:
        split = random_ratings(two_tastes(), seed=1)
        sampled = trained(split.train).films()
        distilled = trained(split.train, replace(QUICK, rank=8)).films()
        self.assertEqual(distilled.features.shape, (60, 1, 8))
        self.assertTrue((distilled.film_noise >= 0).all())
        self.assertLess(rmse(distilled, split.train, split.test), rmse(sampled, split.train, split.test) + 0.02)

    def test_it_keeps_the_covariance_of_films_and_what_was_watched_says(self) -> None:
        """With as many dimensions as there are, nothing is left out."""
        sampled = trained(two_tastes()).films()
        full = trained(two_tastes(), replace(QUICK, rank=30)).films()
        wide = sampled.features.reshape(60, -1) / np.sqrt(6)
        low = full.features[:, 0]
        np.testing.assert_allclose(low @ low.T, wide @ wide.T, atol=1e-4)
        np.testing.assert_allclose(
            full.watched_link[:, 0] @ low.T,
            np.einsum("rsk,nsk->rn", sampled.watched_link, sampled.features) / 6,
            atol=1e-4,
        )
        np.testing.assert_allclose(full.film_noise, 0, atol=1e-4)


class ConfigTestCase(SimpleTestCase):
    def test_it_keeps_samples_evenly_from_after_the_burn_in_to_the_last_epoch(self) -> None:
        config = BayesianFactorizationConfig(n_epochs=20, burn_in=0.5, n_samples=5)
        self.assertEqual(sorted(config.sampled_epochs), [12, 14, 16, 18, 20])

    def test_it_keeps_as_many_as_there_are_where_epochs_are_few(self) -> None:
        self.assertEqual(sorted(BayesianFactorizationConfig(n_epochs=4).sampled_epochs), [2, 3, 4])
        self.assertEqual(sorted(BayesianFactorizationConfig(n_epochs=1, burn_in=0.9).sampled_epochs), [1])

    def test_it_names_every_value_that_is_out_of_bounds(self) -> None:
        with self.assertRaises(InvalidHyperparameters) as caught:
            BayesianFactorizationConfig.from_dict(
                {"n_factors": 0, "n_epochs": True, "burn_in": float("nan"), "use_genres": 1, "rank": 1.5}
            )
        self.assertEqual(set(caught.exception.errors), {"n_factors", "n_epochs", "burn_in", "use_genres", "rank"})
        with self.assertRaises(InvalidHyperparameters):
            BayesianFactorizationConfig.from_dict({"learning_rate": 0.1})
