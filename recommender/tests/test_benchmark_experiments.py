from __future__ import annotations

import contextlib
import io
import json
import tempfile
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.confidence_sequences import mixing_for_effect
from recommender.algorithms.engagement_effects import Effect
from recommender.benchmarks import experiments
from recommender.benchmarks.experiment_trials import (
    Schedule,
    ab_looks,
    first_stop,
    interleaving_looks,
    naked_stop,
    new_policy_value,
    people_at_wrong_stops,
    snips_of_a_log,
    visits,
    warned_after,
)
from recommender.benchmarks.simulated_people import Crowd, crowd


@cache
def few() -> Crowd:
    return crowd(1, 150, 6)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class CrowdTestCase(SimpleTestCase):
    def test_the_second_ranking_is_better_by_five_in_a_hundred(self) -> None:
        self.assertAlmostEqual(few().relative_difference, 0.05, places=3)
        self.assertGreater(few().mean_preference, 0)

    def test_neither_of_two_that_are_equally_good_is_preferred(self) -> None:
        spread = few().preferred_none.mean(axis=1).std() / np.sqrt(150)
        self.assertLess(abs(few().preferred_none.mean()), 4 * spread)
        self.assertGreater(few().preferred_none.std(), 0.1)

    def test_it_follows_from_its_seed(self) -> None:
        self.assertEqual(crowd(3, 20, 2).rates, crowd(3, 20, 2).rates)
        self.assertNotEqual(crowd(3, 20, 2).rates, crowd(4, 20, 2).rates)

    def test_no_form_of_preference_needs_fewer_lists_by_much(self) -> None:
        forms = few().lists_by_form
        self.assertEqual(forms["difference, films that tell"], 1)
        self.assertGreater(min(forms.values()), 0.9)
        self.assertGreater(forms["difference, all films"], 1.2)


class TrialsTestCase(SimpleTestCase):
    schedule = Schedule(100, 3000)

    def test_one_looks_until_the_end_and_ever_later(self) -> None:
        looks = self.schedule.looks
        self.assertEqual((looks[0], looks[-1]), (100, 3000))
        self.assertEqual(looks, sorted(set(looks)))

    def test_nobody_comes_before_they_join_and_all_come_by_their_rate(self) -> None:
        seen = visits(few(), self.schedule, rng())
        self.assertLessEqual(seen.visitor[:50].max(), 10)
        self.assertGreater(seen.visitor.max(), 550)
        early = np.bincount(seen.visitor, minlength=600)[:100]
        self.assertGreater(np.corrcoef(early, few().rate[seen.person[:100]])[0, 1], 0.8)

    def test_the_last_look_is_of_all_lists(self) -> None:
        seen = visits(few(), self.schedule, rng())
        for looks in (ab_looks, interleaving_looks):
            effects = list(looks(few(), seen, self.schedule, rng(), differ=True))
            self.assertEqual([effect.n_lists for effect in effects], self.schedule.looks)
            self.assertEqual(effects[-1].n_people, len(np.unique(seen.visitor)))

    def test_on_average_experiments_find_the_truth(self) -> None:
        found: dict[str, list[float]] = {"ab": [], "preferred": [], "none": []}
        only = Schedule(3000, 3000)
        for seed in range(60):
            draw = rng(seed)
            seen = visits(few(), only, draw)
            found["ab"] += [each.estimate for each in ab_looks(few(), seen, only, draw, differ=True)]
            found["preferred"] += [each.estimate for each in interleaving_looks(few(), seen, only, draw, differ=True)]
            found["none"] += [each.estimate for each in interleaving_looks(few(), seen, only, draw, differ=False)]
        truths = {"ab": few().rates[1] - few().rates[0], "preferred": few().mean_preference, "none": 0.0}
        for name, truth in truths.items():
            error = np.std(found[name]) / np.sqrt(60)
            self.assertLess(abs(np.mean(found[name]) - truth), 3.5 * error, name)

    def test_an_experiment_stops_at_the_first_look_that_is_clear(self) -> None:
        unclear, clear = Effect(0.1, 1.0, 90, 100, 80.0), Effect(-0.5, 1e-3, 180, 200, 160.0)
        later = Effect(-0.5, 1e-4, 200, 300, 180.0)
        stop = first_stop([unclear, clear, later], mixing_for_effect(0.1))
        assert stop is not None
        self.assertEqual((stop.n_lists, stop.n_people, stop.estimate), (200, 180, -0.5))
        self.assertIsNone(first_stop([unclear], mixing_for_effect(0.1)))

    def test_few_people_never_stop_one_but_are_counted_where_the_minimum_is_searched(self) -> None:
        few_people = [Effect(0.5, 1e-4, 9, 100, 7.5)]
        self.assertIsNone(first_stop(few_people, mixing_for_effect(0.1)))
        self.assertFalse(naked_stop(few_people))
        self.assertEqual(people_at_wrong_stops(few_people, mixing_for_effect(0.1)), 7.5)
        self.assertEqual(people_at_wrong_stops([], mixing_for_effect(0.1)), -1)

    def test_a_log_of_the_first_ranking_tells_what_the_second_is_worth(self) -> None:
        values = [snips_of_a_log(few(), 4000, 0.5, rng(seed)) for seed in range(400)]
        estimates = [value.value for value in values if value is not None]
        error = np.std(estimates) / np.sqrt(400)
        self.assertLess(abs(np.mean(estimates) - new_policy_value(few(), 0.5)), 3.5 * error)
        self.assertTrue(all(abs(value.mean_weight - 1) < 0.25 for value in values if value is not None))

    def test_a_bug_in_the_assignment_is_found_and_halves_are_not_taken_for_one(self) -> None:
        self.assertGreater(sum(warned_after(0.45, 3000, 10, rng(seed)) is not None for seed in range(10)), 7)
        self.assertLess(sum(warned_after(0.5, 3000, 10, rng(seed)) is not None for seed in range(10)), 2)


class ExperimentsTestCase(SimpleTestCase):
    def test_it_prints_its_tables_and_writes_the_same_figures(self) -> None:
        written = []
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(experiments, "crowd", lambda seed: few()):
            for name in ("first", "again"):
                path = Path(folder) / name
                with contextlib.redirect_stdout(io.StringIO()) as printed:
                    self.assertEqual(experiments.main(["--experiments", "3", "--json", str(path)]), 0)
                written.append(json.loads(path.read_text()))
                self.assertIn("| effect: lists until decided, median |", printed.getvalue())
        self.assertEqual(*written)
        self.assertEqual(written[0]["experiments"], 3)
        for part in ("without_effect", "with_effect", "few_people", "snips", "sample_ratio"):
            self.assertTrue(written[0][part])

    def test_it_wants_an_experiment(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(experiments.main(["--experiments", "0"]), 1)
        self.assertIn("At least one", said.getvalue())
