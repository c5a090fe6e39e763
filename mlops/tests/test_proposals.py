"""What to try next, as Optuna advises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import SimpleTestCase

from mlops.proposals import COMPLETE, FAILED, MIN_FOR_IMPORTANCES, PRUNED, Adviser, Tried
from recommender.algorithms.search_space import Choice, Real, SearchSpace, Whole

SPACE = SearchSpace(
    {"x": Real(0.0, 1.0), "n": Whole(1, 50, log=True), "on": Choice((True, False))}, comparable_from=0.3
)


def far_from_a_third(parameters: Any) -> float:
    return abs(parameters["x"] - 1 / 3)


def adviser(space: SearchSpace = SPACE, *, seed: int = 1, prunes: bool = True, smaller: bool = True) -> Adviser:
    return Adviser(space, smaller_is_better=smaller, seed=seed, prunes=prunes)


def tries(one: Adviser, n: int, value: Callable[[Any], float] = far_from_a_third) -> list[Tried]:
    tried: list[Tried] = []
    for _ in range(n):
        proposal = one.propose(tried)
        assert proposal is not None
        tried.append(Tried(proposal.parameters, COMPLETE, value(proposal.parameters)))
    return tried


class ProposalsTestCase(SimpleTestCase):
    def test_it_stays_within_the_space_and_repeats_nothing(self) -> None:
        tried = tries(adviser(), 25)
        self.assertTrue(all(SPACE.contains(one.parameters) for one in tried))
        self.assertEqual(len({str(one.parameters) for one in tried}), 25)

    def assert_it_learns(self, *, smaller: bool) -> None:
        """Over three searches the last ten proposals are nearer to the best than the first ten."""
        sign = 1 if smaller else -1
        searches = [
            tries(adviser(seed=seed, smaller=smaller), 40, lambda parameters: sign * far_from_a_third(parameters))
            for seed in range(3)
        ]
        first, last = (
            sum(abs(one.value or 0) for tried in searches for one in tried[part]) / 30
            for part in (slice(10), slice(-10, None))
        )
        self.assertLess(last, 0.7 * first)

    def test_it_learns_where_the_good_ones_are(self) -> None:
        self.assert_it_learns(smaller=True)

    def test_it_climbs_where_larger_is_better(self) -> None:
        self.assert_it_learns(smaller=False)

    def test_it_depends_on_the_seed_and_on_what_was_tried_alone(self) -> None:
        tried = tries(adviser(), 12)
        again, other = adviser().propose(tried), adviser(seed=2).propose(tried)
        assert again is not None and other is not None
        self.assertEqual(again.parameters, adviser().propose(tried).parameters)  # type: ignore[union-attr]
        self.assertNotEqual(again.parameters, other.parameters)

    def test_it_says_when_all_was_tried(self) -> None:
        small = SearchSpace({"on": Choice((True, False))}, comparable_from=0.3)
        tried = tries(adviser(small), 2, lambda parameters: float(parameters["on"]))
        self.assertEqual({one.parameters["on"] for one in tried}, {True, False})
        self.assertIsNone(adviser(small).propose(tried))

    def test_it_takes_up_what_it_is_given(self) -> None:
        wanted = {"x": 0.125, "n": 7, "on": False}
        self.assertEqual(adviser().take_up(wanted, tries(adviser(), 8)).parameters, wanted)

    def test_it_learns_nothing_false_from_failed_and_pruned_trials(self) -> None:
        tried = [*tries(adviser(), 8), Tried({"x": 0.3, "n": 2, "on": True}, FAILED)]
        tried.append(Tried({"x": 0.9, "n": 2, "on": True}, PRUNED, curve={3: 2.0, 4: 1.9}))
        proposal = adviser().propose(tried)
        assert proposal is not None
        self.assertTrue(SPACE.contains(proposal.parameters))


class PruningTestCase(SimpleTestCase):
    def tried(self, n: int) -> list[Tried]:
        def one(i: int) -> Tried:
            curve = dict.fromkeys(range(1, 11), 1 + i / 100)
            return Tried({"x": i / 20, "n": 1 + i, "on": True}, COMPLETE, 0.9 + i / 100, curve)

        return [one(i) for i in range(n)]

    def hopeless(self, place: int, rmse: float, n: int = 5, *, prunes: bool = True) -> bool:
        one = adviser(prunes=prunes)
        proposal = one.take_up({"x": 0.77, "n": 3, "on": True}, self.tried(n))
        return proposal.hopeless(place, rmse)

    def test_it_stops_what_is_worse_than_half_of_the_others_were(self) -> None:
        self.assertTrue(self.hopeless(5, 1.03))
        self.assertFalse(self.hopeless(5, 1.01))

    def test_it_waits_until_curves_can_be_compared(self) -> None:
        self.assertFalse(self.hopeless(2, 9.0))
        self.assertTrue(self.hopeless(3, 9.0))

    def test_it_waits_until_there_are_others(self) -> None:
        self.assertFalse(self.hopeless(5, 9.0, n=3))

    def test_it_prunes_nothing_where_the_curve_is_of_another_measure(self) -> None:
        self.assertFalse(self.hopeless(5, 9.0, prunes=False))


class ImportancesTestCase(SimpleTestCase):
    def test_it_finds_the_parameter_that_matters(self) -> None:
        found = adviser().importances(tries(adviser(), 30))
        self.assertEqual(next(iter(found)), "x")
        self.assertGreater(found["x"], 0.5)
        self.assertAlmostEqual(sum(found.values()), 1.0)

    def test_it_prefers_nothing_where_all_are_as_good(self) -> None:
        found = adviser().importances(tries(adviser(), 12, lambda parameters: 1.0))
        self.assertEqual({round(share, 6) for share in found.values()}, {round(1 / 3, 6)})

    def test_it_says_nothing_of_too_few(self) -> None:
        tried = tries(adviser(), MIN_FOR_IMPORTANCES)
        self.assertEqual(adviser().importances(tried[:-1]), {})
        self.assertEqual(set(adviser().importances(tried)), set(SPACE.parameters))
