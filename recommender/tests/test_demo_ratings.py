"""What the classic and the recommended preset must reach on the real ratings of the demo, with the default split."""

from __future__ import annotations

import numpy as np
from django.test import TestCase

from cinema.importing.demo import load_demo
from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.film_model import history_of
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.matrix_factorization import fit
from recommender.algorithms.pipeline import Outcome, Pipeline
from recommender.algorithms.presets import DEFAULT_PRESET, configuration
from recommender.algorithms.splits import Split, last_per_user
from recommender.dataset import Dataset, snapshot


def outcome(preset: str, dataset: Dataset, *, refit: bool) -> Outcome:
    pipeline = Pipeline(
        configuration(preset, None),
        dataset.interactions,
        movie_ids=dataset.movie_ids,
        genres=dataset.genres,
        years=dataset.years,
        refit=refit,
    )
    for _ in pipeline:
        pass
    assert pipeline.outcome is not None
    return pipeline.outcome


class DemoRatingsTestCase(TestCase):
    """One class, so that the suite's processes train each preset once."""

    data: Interactions
    split: Split
    classic: Outcome
    recommended: Outcome

    @classmethod
    def setUpTestData(cls) -> None:
        load_demo()
        dataset = snapshot()
        cls.data = dataset.interactions
        cls.split = last_per_user(cls.data)
        cls.classic = outcome("classic", dataset, refit=False)
        cls.recommended = outcome(DEFAULT_PRESET, dataset, refit=True)

    def test_it_has_the_demos_ratings(self) -> None:
        self.assertEqual((len(self.data), self.data.n_users, self.data.n_items), (100_004, 671, 9066))
        self.assertEqual((len(self.split.train), len(self.split.test)), (80_001, 20_003))

    def test_the_classic_meets_the_targets_of_the_dashboard(self) -> None:
        metrics = self.classic.metrics
        self.assertLess(metrics["rmse"].value, 1.0)
        self.assertGreater(metrics["precision_at_10_rated"].value, 0.60)
        self.assertGreater(metrics["recall_at_10_rated"].value, 0.40)
        self.assertGreater(metrics["coverage_at_10"].value, 0.70)
        for name in ("rmse", "precision_at_10_rated", "recall_at_10_rated"):
            self.assertGreaterEqual(metrics[name].n, 650)
            self.assertIsNotNone(metrics[name].interval)

    def test_the_classic_beats_the_baselines(self) -> None:
        metrics = self.classic.metrics
        for name, better in (("rmse", -1), ("precision_at_10_rated", 1), ("ndcg_at_10", 1)):
            metric = metrics[name]
            assert metric.baseline is not None
            self.assertGreater(better * (metric.value - metric.baseline), 0, name)

    def test_the_classic_ranks_far_better_than_popularity(self) -> None:
        ndcg = self.classic.metrics["ndcg_at_10"]
        assert ndcg.baseline is not None
        self.assertGreater(ndcg.value, 1.8 * ndcg.baseline)

    def test_the_classic_predicts_better_with_solved_people_than_with_learned_ones(self) -> None:
        config = configuration("classic", None)
        assert isinstance(config, MatrixFactorizationConfig)
        learned = fit(config, self.split.train).predict(self.split.test.user, self.split.test.item)
        rmse = float(np.sqrt(np.mean(np.square(learned - self.split.test.value))))
        self.assertLessEqual(self.classic.metrics["rmse"].value, rmse)

    def test_the_recommended_predicts_far_better_than_the_classic(self) -> None:
        ours, classic = (one.metrics["rmse"] for one in (self.recommended, self.classic))
        self.assertLess(ours.value, 0.874)
        assert ours.interval is not None and classic.baseline is not None
        self.assertLess(ours.interval[1] - ours.value, classic.value - ours.value)

    def test_it_explains_five_hundred_predictions_and_places_to_the_last_digit(self) -> None:
        rng = np.random.default_rng(2)
        model = self.recommended.model
        for user, item in zip(rng.integers(0, 671, 500), rng.integers(0, 9066, 500), strict=True):
            person = model.solve(history_of(self.data, int(user)).without(int(item)))
            order = model.order(person)
            place = float(order.contributions(int(item)).sum()) + float(model.ordering.tie_breaks[item])
            self.assertAlmostEqual(place, float(order.scores[item]), delta=1e-6)
            parts = person.contributions(int(item))
            predicted = float(person.predicted_ratings([int(item)])[0])
            clipped = parts.stars - parts.raw
            total = parts.base + parts.film + parts.you + float(parts.ratings.sum()) + clipped
            self.assertAlmostEqual(total, predicted, delta=1e-6)

    def test_it_never_finds_the_same_films_like_two_different_ones(self) -> None:
        model = self.recommended.model
        known = np.flatnonzero(model.films.item_counts >= 5)
        asked = np.random.default_rng(3).choice(known, 400, replace=False)
        lists = {tuple(model.similar_items(int(row), 10)[0].tolist()) for row in asked}
        self.assertEqual(len(lists), len(asked))

    def test_it_is_as_sure_as_it_should_be_for_films_of_any_popularity(self) -> None:
        """Calibrated on validation ratings of the training part, judged on the test part."""
        confidence, near, counts = self.confidence_on_the_test_part()
        deciles = np.array_split(np.argsort(confidence, kind="stable"), 10)
        gaps = [abs(confidence[rows].mean() - near[rows].mean()) for rows in deciles]
        self.assertLess(float(np.mean(gaps)), 0.03)
        for low, high in ((0, 1), (1, 5), (5, 20), (20, 100), (100, 10_000)):
            rows = (counts >= low) & (counts < high)
            with self.subTest(f"{low} to {high} ratings"):
                self.assertGreater(rows.sum(), 500)
                self.assertAlmostEqual(float(confidence[rows].mean()), float(near[rows].mean()), delta=0.05)

    def test_it_is_least_sure_of_films_that_nobody_rated(self) -> None:
        confidence, _, counts = self.confidence_on_the_test_part()
        self.assertLess(confidence[counts == 0].mean(), confidence[counts >= 20].mean() - 0.03)

    def confidence_on_the_test_part(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        train, test, twin = self.split.train, self.split.test, self.recommended.measured
        confidence, near, counts = [], [], []
        for user in np.flatnonzero(test.user_counts):
            rows = test.rows_of(user)
            items = test.item[rows].astype(np.int64)
            person = twin.solve(history_of(train, int(user)))
            predicted = person.predicted_ratings(items)
            confidence.append(twin.uncertainty.confidence(predicted, twin.sd(person, items)))
            near.append(np.abs(predicted - test.value[rows]) <= 1)
            counts.append(train.item_counts[items])
        return np.concatenate(confidence), np.concatenate(near), np.concatenate(counts)
