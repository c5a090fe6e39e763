from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.algorithms.group import (
    FAIRNESS,
    MISERY_THRESHOLD,
    balances,
    group_list,
    reach,
)
from recommender.algorithms.metrics import top_k

Array = NDArray[np.float64]


@st.composite
def groups(draw: st.DrawFn) -> tuple[Array, NDArray[np.bool_], int, Array]:
    """Expected stars of up to eight people for up to forty films, which are eligible, how many are wanted, balances."""
    n_people, n_items = draw(st.integers(1, 8)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # A few decimals only, so that ties happen; some beyond both ends of the scale.
    stars = np.round(rng.normal(draw(st.floats(1.0, 5.0)), draw(st.floats(0.0, 2.0)), (n_people, n_items)), 1)
    eligible = rng.random(n_items) < draw(st.floats(0.0, 1.0))
    balance = np.round(rng.normal(0.0, 2.0, n_people), 1)
    return stars, eligible, draw(st.integers(0, 45)), balance


EVERYTHING = np.ones(4, np.bool_)


class GroupListTestCase(SimpleTestCase):
    @given(groups())
    def test_it_holds_each_eligible_film_at_most_once_and_as_many_as_are_wanted(
        self, group: tuple[Array, NDArray[np.bool_], int, Array]
    ) -> None:
        stars, eligible, n, balance = group
        rows = group_list(stars, eligible, n, balance=balance).rows.tolist()
        self.assertEqual(len(rows), min(n, int(eligible.sum())))
        self.assertEqual(len(set(rows)), len(rows))
        self.assertTrue(all(eligible[row] for row in rows))

    @given(groups(), st.randoms(use_true_random=False))
    def test_it_is_the_same_in_whatever_order_people_come(
        self, group: tuple[Array, NDArray[np.bool_], int, Array], random: object
    ) -> None:
        stars, eligible, n, balance = group
        order = list(range(len(stars)))
        random.shuffle(order)  # type: ignore[attr-defined]
        one = group_list(stars, eligible, n, balance=balance)
        other = group_list(stars[order], eligible, n, balance=balance[order])
        self.assertEqual(one.rows.tolist(), other.rows.tolist())
        self.assertEqual(one.threshold, other.threshold)

    @given(groups())
    def test_nobody_falls_below_the_threshold_that_it_tells(
        self, group: tuple[Array, NDArray[np.bool_], int, Array]
    ) -> None:
        stars, eligible, n, balance = group
        answer = group_list(stars, eligible, n, balance=balance)
        if len(answer.rows):
            self.assertGreaterEqual(np.clip(stars[:, answer.rows], 0.5, 5.0).min(), answer.threshold)
        self.assertEqual(answer.is_relaxed, answer.threshold < MISERY_THRESHOLD)
        # It is lowered no further than it must be.
        above = eligible & (stars.min(axis=0) >= MISERY_THRESHOLD)
        self.assertEqual(answer.is_relaxed, int(above.sum()) < len(answer.rows))

    @given(groups())
    def test_somebody_alone_gets_their_own_order(self, group: tuple[Array, NDArray[np.bool_], int, Array]) -> None:
        stars, eligible, n, balance = group
        own = top_k(np.where(eligible, stars[0], -np.inf), n)
        rows = group_list(stars[:1], eligible, n, balance=balance[:1]).rows
        np.testing.assert_array_equal(stars[0, rows], stars[0, own])

    def test_the_best_mean_goes_first(self) -> None:
        stars = np.array([[4.0, 3.0, 4.5, 3.5], [4.0, 3.5, 4.5, 3.0]])
        self.assertEqual(group_list(stars, EVERYTHING, 2).rows.tolist(), [2, 0])

    def test_a_film_that_somebody_would_suffer_through_is_ruled_out_however_much_the_others_love_it(self) -> None:
        stars = np.array([[5.0, 3.2, 3.1, 3.0], [5.0, 3.2, 3.1, 3.0], [2.9, 3.2, 3.1, 3.0]])
        self.assertEqual(group_list(stars, EVERYTHING, 3).rows.tolist(), [1, 2, 3])

    def test_it_lowers_the_threshold_step_by_step_where_too_few_films_remain(self) -> None:
        stars = np.array([[4.0, 4.0, 4.0, 4.0], [3.4, 2.6, 2.0, 1.0]])
        self.assertEqual(group_list(stars, EVERYTHING, 1).threshold, 3.0)
        self.assertEqual(group_list(stars, EVERYTHING, 2).threshold, 2.5)
        self.assertEqual(group_list(stars, EVERYTHING, 3).threshold, 2.0)
        self.assertEqual(group_list(stars, EVERYTHING, 4).threshold, 1.0)

    def test_everybody_gets_their_turn(self) -> None:
        """Ana loves the first five films, Ben the other five; without turns Ana, who loves hers more, gets all."""
        ana, ben = [5.0] * 5 + [3.2] * 5, [3.4] * 5 + [4.8] * 5
        stars, every = np.array([ana, ben]), np.ones(10, np.bool_)
        without = group_list(stars, every, 4, fairness=0.0).rows
        self.assertTrue((without < 5).all(), without)
        fair = group_list(stars, every, 4, fairness=FAIRNESS).rows
        self.assertEqual(sorted((fair < 5).tolist()), [False, False, True, True], fair)

    def test_it_remembers_whose_turn_it_is(self) -> None:
        stars = np.array([[5.0, 3.5], [3.5, 5.0]])
        for balance, first in ((np.array([0.0, -1.0]), 1), (np.array([-1.0, 0.0]), 0)):
            self.assertEqual(group_list(stars, np.ones(2, np.bool_), 1, balance=balance).rows.tolist(), [first])

    def test_what_lies_beyond_the_scale_only_breaks_ties(self) -> None:
        """Seven stars for one do not outweigh the other's four against three and a half."""
        stars = np.array([[7.0, 5.0, 6.0, 5.0], [3.5, 4.0, 3.5, 4.0]])
        self.assertEqual(group_list(stars, EVERYTHING, 4).rows.tolist()[0], 1)
        self.assertEqual(group_list(stars[:1], EVERYTHING, 4).rows.tolist(), [0, 2, 1, 3])

    def test_it_makes_no_list_for_nobody(self) -> None:
        with self.assertRaises(ValueError):
            group_list(np.empty((0, 4)), EVERYTHING, 2)


class BalancesTestCase(SimpleTestCase):
    def test_they_sum_what_everybody_missed(self) -> None:
        stars = np.array([[4.0, 3.0], [5.0, 4.0]])
        everybody = np.ones((2, 2), np.bool_)
        np.testing.assert_allclose(balances(stars, everybody, np.array([5.0, 4.5])), [-3.0, 0.0])

    def test_coming_late_is_neither_a_loss_nor_a_gain(self) -> None:
        stars = np.array([[4.0], [5.0], [1.0]])
        present = np.array([[True], [True], [False]])
        np.testing.assert_allclose(balances(stars, present, np.array([5.0, 5.0, 5.0])), [-1.0, 0.0, -0.5])

    def test_a_film_that_nobody_here_saw_counts_for_nobody(self) -> None:
        np.testing.assert_array_equal(balances(np.array([[4.0]]), np.array([[False]]), np.array([5.0])), [0.0])

    def test_reach_is_what_a_list_of_ones_own_would_give(self) -> None:
        stars = np.array([[5.0, 4.0, 1.0, 4.5], [1.0, 2.0, 3.0, 4.0]])
        eligible = np.array([True, True, True, False])
        np.testing.assert_allclose(reach(stars, eligible, 2), [4.5, 2.5])
        np.testing.assert_array_equal(reach(stars, np.zeros(4, np.bool_), 2), [0.0, 0.0])
