from __future__ import annotations

from dataclasses import replace

from django.test import SimpleTestCase

from mlops.gate import Latency, checks, score_latency
from mlops.models import GatePolicy
from recommender.algorithms.comparison import Difference
from recommender.contest import Contest, Row
from recommender.tests.ratings_for_tests import small_model, two_tastes

POLICY = GatePolicy(ndcg_margin=0.01, rmse_margin=0.01, newcomer_margin=0.03, coverage_margin=0.1)
SWIFT = Latency(2.0, 2.0)


def difference(before: float, low: float, high: float, *, smaller_is_better: bool, n: int = 500) -> Difference:
    value = (low + high) / 2
    return Difference(before, before + value, value, (low, high), n, 0.4, 0.3, smaller_is_better)


def a_contest(*, ndcg=(-0.004, 0.004), rmse=(-0.003, 0.003), newcomers=(-0.03, 0.03), coverage: float = 0.8) -> Contest:
    found = {
        ("ndcg_at_10", ""): difference(0.13, *ndcg, smaller_is_better=False),
        ("rmse", ""): difference(0.85, *rmse, smaller_is_better=True),
    }
    if newcomers is not None:
        found["rmse", "newcomers"] = difference(0.9, *newcomers, smaller_is_better=True, n=70)
    rows = [Row(measure, group, "", "", one.n, {}, {"new": one}) for (measure, group), one in found.items()]
    return Contest(["live", "new"], 500, 9000, 0, rows, {"live": 0.8, "new": coverage}, {"new": 0.7}, True)


class ChecksTestCase(SimpleTestCase):
    def failed(self, found: Contest, latency: Latency = SWIFT) -> list[str]:
        return [check.name for check in checks(POLICY, found, latency) if not check.passed]

    def text(self, found: Contest, name: str, latency: Latency = SWIFT) -> str:
        return next(check.text for check in checks(POLICY, found, latency) if check.name == name)

    def test_a_version_as_good_as_the_live_one_passes(self) -> None:
        self.assertEqual(self.failed(a_contest()), [])

    def test_a_better_one_passes_however_wide_its_interval(self) -> None:
        self.assertEqual(self.failed(a_contest(ndcg=(0.0, 0.2), rmse=(-0.3, -0.01))), [])

    def test_a_worse_order_is_refused(self) -> None:
        found = a_contest(ndcg=(-0.05, -0.02))
        self.assertEqual(self.failed(found), ["ndcg"])
        self.assertIn("worse than the margin of 0.01 allows", self.text(found, "ndcg"))

    def test_worse_stars_are_refused(self) -> None:
        self.assertEqual(self.failed(a_contest(rmse=(0.05, 0.09))), ["rmse"])

    def test_what_cannot_be_shown_not_to_be_worse_is_refused(self) -> None:
        found = a_contest(ndcg=(-0.02, 0.02))
        self.assertEqual(self.failed(found), ["ndcg"])
        self.assertIn("may be worse by 0.0200", self.text(found, "ndcg"))

    def test_without_an_interval_nothing_is_shown(self) -> None:
        found = a_contest()
        row = found.rows[0]
        bare = replace(row, differences={"new": replace(row.differences["new"], interval=None)})
        self.assertEqual(self.failed(replace(found, rows=[bare, *found.rows[1:]])), ["ndcg"])

    def test_newcomers_are_guarded_against_shown_harm_only(self) -> None:
        self.assertEqual(self.failed(a_contest(newcomers=(-0.2, 0.3))), [])
        self.assertEqual(self.failed(a_contest(newcomers=(0.04, 0.1))), ["newcomers"])
        self.assertIn("too few", self.text(a_contest(newcomers=None), "newcomers"))

    def test_lists_may_not_narrow(self) -> None:
        self.assertEqual(self.failed(a_contest(coverage=0.71)), [])
        self.assertEqual(self.failed(a_contest(coverage=0.69)), ["coverage"])

    def test_a_slower_model_is_refused_where_people_would_feel_it(self) -> None:
        self.assertEqual(self.failed(a_contest(), Latency(2.0, 9.0)), [])
        self.assertEqual(self.failed(a_contest(), Latency(20.0, 39.0)), [])
        self.assertEqual(self.failed(a_contest(), Latency(20.0, 41.0)), ["latency"])


class ScoreLatencyTestCase(SimpleTestCase):
    def test_a_model_is_as_fast_as_itself(self) -> None:
        model = small_model()
        found = score_latency(model, model, two_tastes(), model.movie_ids)
        self.assertGreater(found.live_ms, 0)
        self.assertLess(max(found.live_ms, found.candidate_ms) / min(found.live_ms, found.candidate_ms), 3)
