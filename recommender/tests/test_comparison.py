from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.comparison import Pair, overlap, paired_differences, shared_seed_variance
from recommender.algorithms.person_figures import PersonFigures


def figures(values: list[float | None], measure: str = "ndcg_at_10") -> PersonFigures:
    found = PersonFigures(len(values))
    for row, value in enumerate(values):
        found.put(row, value, measure, "model")
    return found


def errors(of_people: list[list[float]]) -> PersonFigures:
    found = PersonFigures(len(of_people))
    for row, one in enumerate(of_people):
        found.put_errors(row, np.array(one), "model")
    return found


def compare(before: PersonFigures, after: PersonFigures, measure: str = "ndcg_at_10", **options):
    (found,) = paired_differences([Pair.of(before, after, measure, "model", **options)], seed=0)
    assert found is not None
    return found


class PairedDifferencesTestCase(SimpleTestCase):
    def test_a_model_against_itself_differs_by_nothing(self) -> None:
        same = figures([0.1, 0.5, 0.9])
        found = compare(same, same)
        self.assertEqual((found.value, found.interval, found.verdict), (0.0, (0.0, 0.0), "open"))
        self.assertEqual((found.better, found.worse), (0.0, 0.0))

    def test_what_makes_a_person_hard_for_both_cancels_out(self) -> None:
        rng = np.random.default_rng(0)
        hard = rng.random(300)
        found = compare(figures(list(hard)), figures(list(hard + 0.01)))
        self.assertAlmostEqual(found.value, 0.01)
        assert found.interval is not None
        self.assertLess(found.interval[1] - found.interval[0], 1e-9)
        self.assertEqual((found.verdict, found.better), ("better", 1.0))

    def test_the_interval_is_about_as_wide_as_the_formula_says(self) -> None:
        rng = np.random.default_rng(1)
        change = rng.normal(0.0, 1.0, 400)
        found = compare(figures([0.0] * 400), figures(list(change)))
        assert found.interval is not None
        expected = 2 * 1.96 * change.std(ddof=1) / 20
        self.assertAlmostEqual((found.interval[1] - found.interval[0]) / expected, 1.0, delta=0.1)

    def test_rmse_is_the_root_of_all_errors_together(self) -> None:
        found = compare(errors([[1.0, 1.0], [3.0]]), errors([[0.0, 0.0], [3.0]]), "rmse", smaller_is_better=True)
        self.assertAlmostEqual(found.before, np.sqrt(11 / 3))
        self.assertAlmostEqual(found.after, np.sqrt(9 / 3))
        self.assertEqual((found.better, found.worse), (0.5, 0.0))

    def test_only_people_for_whom_it_is_defined_count(self) -> None:
        found = compare(figures([0.2, None, 0.4]), figures([0.3, None, 0.5]))
        self.assertEqual(found.n, 2)
        self.assertAlmostEqual(found.value, 0.1)
        self.assertEqual(
            paired_differences([Pair.of(figures([None]), figures([None]), "ndcg_at_10", "model")], seed=0), [None]
        )

    def test_one_person_has_no_interval_and_proves_nothing(self) -> None:
        found = compare(figures([0.2]), figures([0.9]))
        self.assertIsNone(found.interval)
        self.assertEqual((found.verdict, found.worst), ("open", float("inf")))

    def test_a_group_is_compared_alone(self) -> None:
        before, after = figures([0.0, 0.0, 0.0]), figures([1.0, 0.0, 0.0])
        found = compare(before, after, people=np.array([True, False, False]))
        self.assertEqual((found.n, found.value), (1, 1.0))

    def test_what_a_seed_changes_for_everybody_widens_it(self) -> None:
        before, after = figures([0.1, 0.2, 0.3, 0.4]), figures([0.12, 0.22, 0.32, 0.42])
        self.assertEqual(compare(before, after).verdict, "better")
        found = compare(before, after, seed_variance=0.02**2)
        self.assertEqual(found.verdict, "open")
        assert found.interval is not None
        self.assertAlmostEqual(found.interval[1] - found.interval[0], 2 * 1.96 * 0.02, delta=0.004)

    def test_losses_are_positive_in_the_bad_direction_of_either_measure(self) -> None:
        rng = np.random.default_rng(2)
        noise = rng.normal(0, 0.01, 200)
        worse = compare(figures([0.5] * 200), figures(list(0.4 + noise)))
        self.assertTrue(0.09 < worse.best < worse.worst < 0.11)
        worse = compare(errors([[1.0]] * 200), errors([[1.2 + e] for e in noise]), "rmse", smaller_is_better=True)
        self.assertTrue(0.19 < worse.best < worse.worst < 0.21)
        self.assertEqual(worse.verdict, "worse")

    @given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30))
    def test_turning_it_round_turns_the_sign(self, values: list[tuple[float, float]]) -> None:
        one, other = figures([a for a, _ in values]), figures([b for _, b in values])
        there, back = compare(one, other), compare(other, one)
        self.assertAlmostEqual(there.value, -back.value)
        self.assertEqual((there.better, there.worse), (back.worse, back.better))


class OverlapTestCase(SimpleTestCase):
    def test_it_is_the_share_of_places_that_stay(self) -> None:
        before = np.array([[1, 2, 3, 4], [1, 2, -1, -1], [-1, -1, -1, -1]])
        after = np.array([[4, 3, 9, 8], [1, 2, 3, 4], [-1, -1, -1, -1]])
        np.testing.assert_array_equal(overlap(before, after), [0.5, 0.5, np.nan])


class SharedSeedVarianceTestCase(SimpleTestCase):
    def trainings(self, shared: float, alone: float, *, n: int = 200, people: int = 400) -> list[PersonFigures]:
        rng = np.random.default_rng(3)
        base = rng.random(people)
        return [
            figures(
                list(
                    base + rng.normal(0, shared) + rng.normal(0, alone, people)
                    if shared
                    else base + rng.normal(0, alone, people)
                )
            )
            for _ in range(n)
        ]

    def test_it_finds_what_hits_everybody_at_once(self) -> None:
        found = shared_seed_variance(self.trainings(0.02, 0.1), "ndcg_at_10", "model")
        self.assertAlmostEqual(np.sqrt(found), 0.02, delta=0.003)

    def test_it_leaves_out_what_hits_people_one_by_one(self) -> None:
        found = shared_seed_variance(self.trainings(0.0, 0.1), "ndcg_at_10", "model")
        self.assertLess(found, 0.1**2 / 400 / 3)

    def test_it_takes_the_root_into_account(self) -> None:
        rng = np.random.default_rng(4)
        trainings = [errors([[1.0 + shift]] * 50) for shift in rng.normal(0, 0.01, 300)]
        found = shared_seed_variance(trainings, "rmse", "model")
        # Everybody moves together here: what one could take for single changes is a fiftieth.
        self.assertAlmostEqual(np.sqrt(found), 0.01, delta=0.002)
