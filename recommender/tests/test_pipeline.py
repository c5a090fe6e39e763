from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.pipeline import Pipeline, TooFewRatings
from recommender.tests.ratings_for_tests import QUICK, run_pipeline, two_genres, two_tastes


class PipelineTestCase(SimpleTestCase):
    def test_it_moves_forward_from_zero_to_one(self) -> None:
        data = two_tastes()
        pipeline = Pipeline(QUICK, data, movie_ids=np.arange(data.n_items), genres=two_genres(data.n_items))
        steps = list(pipeline)
        progress = [step.progress for step in steps]
        self.assertEqual(progress, sorted(progress))
        self.assertEqual(progress[-1], 1.0)
        self.assertEqual(
            list(dict.fromkeys(step.phase for step in steps)),
            ["validating", "tuning", "training", "measuring", "refitting"],
        )
        self.assertEqual(sum(step.validation_rmse is not None for step in steps), QUICK.n_epochs)

    def test_it_beats_the_baselines_where_there_is_something_to_learn(self) -> None:
        metrics = run_pipeline(two_tastes(n_items=200)).metrics
        for name, better in (("rmse", -1), ("mae", -1), ("precision_at_10_rated", 1), ("ndcg_at_10", 1)):
            with self.subTest(name):
                metric = metrics[name]
                assert metric.baseline is not None
                self.assertGreater(better * (metric.value - metric.baseline), 0)

    def test_it_sets_rated_items_figures_between_random_and_perfect_order(self) -> None:
        metrics = run_pipeline(two_tastes()).metrics
        for name in ("precision_at_10_rated", "recall_at_10_rated"):
            metric = metrics[name]
            self.assertLessEqual(metric.extra["random_order"], metric.extra["perfect_order"])
            self.assertLessEqual(metric.value, metric.extra["perfect_order"] + 1e-12)

    def test_it_gives_every_figure_with_an_interval_but_coverage(self) -> None:
        for name, metric in run_pipeline(two_tastes()).metrics.items():
            with self.subTest(name):
                if name.startswith("coverage"):
                    self.assertIsNone(metric.interval)
                else:
                    assert metric.interval is not None
                    self.assertLessEqual(metric.interval[0], metric.value)
                    self.assertGreaterEqual(metric.interval[1], metric.value)

    def test_it_serves_a_model_that_has_seen_everything(self) -> None:
        data = two_tastes()
        np.testing.assert_array_equal(run_pipeline(data).model.films.item_counts, data.item_counts)

    def test_it_measures_the_same_without_making_anything_to_serve(self) -> None:
        data = two_tastes()
        options = {"movie_ids": np.arange(1, data.n_items + 1) * 10, "genres": two_genres(data.n_items)}
        pipeline = Pipeline(QUICK, data, **options, refit=False)  # type: ignore[arg-type]
        self.assertNotIn("refitting", {step.phase for step in pipeline})
        assert pipeline.outcome is not None
        self.assertEqual(pipeline.outcome.metrics, run_pipeline(data).metrics)

    def test_it_is_deterministic(self) -> None:
        one, two = run_pipeline(two_tastes()), run_pipeline(two_tastes())
        self.assertEqual(one.metrics, two.metrics)
        for name, array in one.model.arrays().items():
            self.assertEqual(array.tobytes(), two.model.arrays()[name].tobytes(), name)

    def test_it_refuses_a_handful_of_ratings(self) -> None:
        data = two_tastes(n_users=4, n_items=5)
        with self.assertRaises(TooFewRatings):
            Pipeline(QUICK, data, movie_ids=np.arange(5), genres=two_genres(5))
