from __future__ import annotations

from django.test import SimpleTestCase

from recommender.models import ModelVersion
from recommender.scoreboard import MEASURES, TARGETS, figure, figures, is_met


class ScoreboardTestCase(SimpleTestCase):
    def test_it_knows_every_metric_of_the_contract(self) -> None:
        names = {"rmse", "mae", "precision_at_10_rated", "recall_at_10_rated", "precision_at_10", "recall_at_10"}
        names |= {"ndcg_at_10", "hit_rate_at_10", "coverage_at_10", "coverage_at_10_all", "novelty", "diversity"}
        self.assertEqual(set(MEASURES), names)

    def test_a_target_just_reached_is_not_passed(self) -> None:
        self.assertEqual([is_met("rmse", value) for value in (0.999, 1.0, 1.001)], [True, False, False])
        self.assertEqual([is_met("recall_at_10_rated", value) for value in (0.399, 0.4, 0.401)], [False, False, True])
        self.assertIsNone(is_met("rmse", None))
        self.assertIsNone(is_met("mae", 0.7))

    def test_it_tells_interval_baseline_orders_ceiling_and_people(self) -> None:
        metric = {
            "value": 0.052,
            "interval": [0.04, 0.06],
            "n": 1671,
            "baseline": 0.037,
            "ceiling": 0.9,
            "passport": {"baseline": "popularity", "seed": 0, "split": "last fifth", "nothing": None},
        }
        shown = figure(ModelVersion(metrics={"coverage_at_10": metric}), "coverage_at_10")
        self.assertEqual(shown.value, "5.2 %")
        self.assertEqual(
            shown.facts,
            [
                ("95 % interval", "4.0 % to 6.0 %"),
                ("Popularity", "3.7 %"),
                ("Reachable at most", "90.0 %"),
                ("People", "1,671"),
            ],
        )
        self.assertEqual(shown.passport, [("Split", "last fifth"), ("Baseline", "popularity"), ("Seed", "0")])

    def test_it_shows_a_missing_target_as_missing(self) -> None:
        shown = figures(ModelVersion(metrics={}), [*TARGETS, "mae"])
        self.assertEqual([one.name for one in shown], TARGETS)
        self.assertEqual({(one.value, one.met) for one in shown}, {("–", None)})
