"""PyTorch itself, on ratings whose structure is known. Without it everything but its absence is skipped."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from typing import Any
from unittest import skipIf
from unittest.mock import patch

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.baselines import popularity
from recommender.algorithms.film_model import EMPTY_HISTORY, History, history_of
from recommender.algorithms.hyperparameters import InvalidHyperparameters
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.metrics import ndcg_at_k, top_k
from recommender.algorithms.neural import NeuralRanker, steps
from recommender.algorithms.neural_training import (
    NeuralConfig,
    NeuralEpoch,
    NeuralNotInstalled,
    NeuralTrainer,
    ValidationJudge,
    missing,
    train_neural,
)
from recommender.algorithms.splits import Split, last_per_user
from recommender.tests.ratings_for_tests import two_tastes

WHY_NOT = missing()
QUICK = NeuralConfig(n_factors=8, n_hidden=8, n_layers=3, n_epochs=12, patience=3, learning_rate=0.02)


def with_own_crowd() -> Interactions:
    """``two_tastes`` where people mostly rate films of their own side, and a film more that nobody rated."""
    data = two_tastes(n_users=120)
    keep = (data.value > 3) | (np.random.default_rng(2).random(len(data)) < 0.1)
    data = data.take(keep)
    return Interactions(data.user, data.item, data.value, data.time, data.n_users, data.n_items + 1)


def run(training: Generator[NeuralEpoch, None, NeuralRanker]) -> tuple[list[NeuralEpoch], NeuralRanker]:
    epochs = []
    while True:
        try:
            epochs.append(next(training))
        except StopIteration as end:
            return epochs, end.value


class WithoutTorchTestCase(SimpleTestCase):
    def test_it_says_what_to_install(self) -> None:
        with (
            patch("recommender.algorithms.neural_training.missing", return_value="pip install -r x"),
            self.assertRaisesMessage(NeuralNotInstalled, "pip install -r x"),
        ):
            NeuralTrainer(QUICK, with_own_crowd())
        with patch("importlib.util.find_spec", return_value=None):
            self.assertIn("pip install -r requirements-neural.txt", missing())

    def test_importing_brings_no_torch(self) -> None:
        program = "import sys, recommender.algorithms.neural_training; sys.exit('torch' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", program]).returncode, 0)

    def test_what_cannot_be_trained_with_is_refused(self) -> None:
        wrong: list[dict[str, Any]] = [
            {"n_factors": 0},
            {"n_hidden": 4, "n_layers": 3},
            {"learning_rate": float("nan")},
            {"n_epochs": True},
            {"other": 1},
        ]
        for values in wrong:
            with self.subTest(values), self.assertRaises(InvalidHyperparameters):
                NeuralConfig.from_dict(values)
        self.assertEqual(NeuralConfig.from_dict(QUICK.as_dict()), QUICK)


@skipIf(WHY_NOT, WHY_NOT)
class TrainingTestCase(SimpleTestCase):
    split: Split
    epochs: list[NeuralEpoch]
    ranker: NeuralRanker

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.split = last_per_user(with_own_crowd())
        cls.epochs, cls.ranker = run(train_neural(QUICK, cls.split.train, cls.split.again()))

    def test_the_loss_falls(self) -> None:
        losses = [epoch.loss for epoch in self.epochs if epoch.phase == "validating"]
        self.assertLess(losses[-1], 0.95 * losses[0])

    def test_it_stops_where_validation_was_best(self) -> None:
        figures = [epoch.validation_ndcg or 0.0 for epoch in self.epochs if epoch.phase == "validating"]
        numbers = [epoch.number for epoch in self.epochs if epoch.phase == "training"]
        self.assertEqual(numbers, list(range(1, int(np.argmax(figures)) + 2)))
        self.assertLessEqual(len(figures), len(numbers) + QUICK.patience)

    def test_it_beats_popularity(self) -> None:
        popular, found = popularity(self.split.train), []
        for user in np.flatnonzero(self.split.train.user_counts):
            rows = self.split.test.rows_of(user)
            liked = self.split.test.item[rows][self.split.test.value[rows] >= RELEVANT]
            scores = popular.copy()
            scores[self.split.train.item[self.split.train.rows_of(user)]] = -np.inf
            if (ndcg := ndcg_at_k(np.isin(top_k(scores), liked), len(liked))) is not None:
                found.append(ndcg)
        ours = ValidationJudge(self.split, seed=0).ndcg(self.ranker)
        self.assertGreater(ours, 1.3 * float(np.mean(found)))

    def test_it_knows_a_side_from_one_film(self) -> None:
        for item, mine in ((0, slice(0, 30)), (59, slice(30, 60))):
            one = History(np.array([item]), np.array([5.0]), np.array([True]), np.array([0]))
            scores = self.ranker.scores(one)
            others = np.setdiff1d(np.arange(60), np.arange(60)[mine])
            self.assertGreater(scores[mine].mean(), scores[others].mean())

    def test_a_film_that_nobody_rated_is_last_and_says_nothing(self) -> None:
        self.assertFalse(self.ranker.known[60])
        for history in (EMPTY_HISTORY, history_of(self.split.train, 3)):
            self.assertEqual(int(np.argmin(self.ranker.scores(history))), 60)

    def test_the_same_seed_gives_the_same_bytes(self) -> None:
        config = NeuralConfig.from_dict({**QUICK.as_dict(), "n_epochs": 2})
        _, one = run(train_neural(config, self.split.train, self.split.again()))
        _, two = run(train_neural(config, self.split.train, self.split.again()))
        for name, array in one.arrays().items():
            self.assertEqual(array.tobytes(), two.arrays()[name].tobytes(), name)
        config = NeuralConfig.from_dict({**config.as_dict(), "seed": 1})
        _, other = run(train_neural(config, self.split.train, self.split.again()))
        self.assertFalse(np.array_equal(one.encoder, other.encoder))

    def test_numpy_scores_what_torch_scores(self) -> None:
        import torch

        trainer = NeuralTrainer(QUICK, self.split.train)
        for _ in range(4):
            trainer.epoch()
        ranker = trainer.ranker()
        known = np.flatnonzero(ranker.known)
        for user in (0, 7, 100):
            history = history_of(self.split.train, user)
            oldest_first = np.argsort(-history.age)
            item = torch.from_numpy(history.item[oldest_first])
            step = torch.from_numpy(steps(history.value[oldest_first]))
            with torch.no_grad():
                person = trainer.encode(item, step, torch.tensor([len(item)]), averaged=True)
                scores = trainer.pair_scores(person, torch.from_numpy(known)[None, :], averaged=True)[0].numpy()
            np.testing.assert_allclose(ranker.scores(history)[known], scores, atol=1e-5)

    def test_the_film_asked_about_is_not_among_what_it_is_predicted_from(self) -> None:
        import torch

        trainer = NeuralTrainer(QUICK, self.split.train)
        item, step = torch.tensor([3, 9, 20, 31]), torch.tensor([9, 9, 1, 5])
        other = torch.tensor([3, 9, 21, 30])  # what is rated from the third place on
        at = torch.tensor([0, 1, 2])
        with torch.no_grad():
            first, second = (trainer.encode(films, step, at) for films in (item, other))
        torch.testing.assert_close(first, second, rtol=0, atol=0)
        torch.testing.assert_close(first[0], torch.zeros_like(first[0]))  # nothing before it: the bias, so far zero

    def test_nobody_to_judge_by_is_no_error(self) -> None:
        data = self.split.train.take(self.split.train.value < RELEVANT)
        config = NeuralConfig.from_dict({**QUICK.as_dict(), "n_epochs": 2})
        epochs, ranker = run(train_neural(config, data, last_per_user(data)))
        self.assertEqual([epoch.validation_ndcg for epoch in epochs], [None] * 4)
        self.assertTrue(np.isfinite(ranker.scores(EMPTY_HISTORY)).all())
