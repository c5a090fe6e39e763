from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.interleaving import Interleaved, credits, preference, team_draft

rankings = st.lists(st.integers(0, 15), unique=True, max_size=12).map(lambda films: np.array(films, np.intp))
lengths = st.integers(0, 14)
seeds = st.integers(0, 1000)


class Coins:
    """A generator whose coins are told beforehand."""

    def __init__(self, coins: tuple[int, ...]) -> None:
        self.coins = coins

    def integers(self, low: int, high: int, size: int) -> np.ndarray:
        assert (low, high, size) == (0, 2, len(self.coins))
        return np.array(self.coins)


def drafts(one: np.ndarray, other: np.ndarray, n: int) -> Iterator[Interleaved]:
    """The lists of all coins, each as probable as the others."""
    for coins in product((0, 1), repeat=-(-n // 2)):
        yield team_draft(one, other, n, Coins(coins))  # type: ignore[arg-type]


def one_by_one(one: list[int], other: list[int], n: int, coins: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """The algorithm as published: whose team is smaller drafts, a coin among equals."""
    items: list[int] = []
    teams: list[int] = []
    tossed = iter(coins)
    while len(items) < n:
        left = [[film for film in ranking if film not in items] for ranking in (one, other)]
        if not left[0] or not left[1]:
            break
        sizes = teams.count(0), teams.count(1)
        team = next(tossed) if sizes[0] == sizes[1] else int(sizes[1] < sizes[0])
        items.append(left[team][0])
        teams.append(team)
    for film in [*one, *other]:
        if len(items) < n and film not in items:
            items.append(film)
            teams.append(0 if film in one else 1)
    return items, teams


class TeamDraftTestCase(SimpleTestCase):
    @given(rankings, rankings, lengths, seeds)
    def test_each_film_is_shown_once_and_every_place_filled_while_there_are_films(
        self, one: np.ndarray, other: np.ndarray, n: int, seed: int
    ) -> None:
        listed = team_draft(one, other, n, np.random.default_rng(seed))
        everything = set(one.tolist()) | set(other.tolist())
        self.assertEqual(len(set(listed.items.tolist())), len(listed.items))
        self.assertEqual(len(listed.items), min(n, len(everything)))
        self.assertTrue(set(listed.items.tolist()) <= everything)

    @given(st.permutations(range(9)), st.permutations(range(9)), st.integers(1, 9))
    def test_it_is_the_published_algorithm(self, one: list[int], other: list[int], n: int) -> None:
        for coins in product((0, 1), repeat=-(-n // 2)):
            listed = team_draft(np.array(one), np.array(other), n, Coins(coins))  # type: ignore[arg-type]
            items, teams = one_by_one(one, other, n, coins)
            self.assertEqual((listed.items.tolist(), listed.teams.tolist()), (items, teams))

    def test_the_same_generator_gives_the_same_list(self) -> None:
        one, other = np.arange(10), np.arange(10)[::-1].copy()
        first, again, different = (team_draft(one, other, 8, np.random.default_rng(seed)) for seed in (1, 1, 2))
        self.assertEqual(first.items.tolist(), again.items.tolist())
        self.assertEqual(first.teams.tolist(), again.teams.tolist())
        self.assertNotEqual(first.teams.tolist(), different.teams.tolist())

    def test_the_other_ranking_fills_on_where_one_is_exhausted(self) -> None:
        listed = team_draft(np.array([1]), np.array([2, 3, 4]), 4, np.random.default_rng(0))
        self.assertEqual(sorted(listed.items.tolist()), [1, 2, 3, 4])
        self.assertEqual(listed.items[2:].tolist(), [3, 4])
        self.assertEqual(listed.tells.tolist(), [True, True, False, False])

    def test_nothing_comes_of_nothing(self) -> None:
        nothing = np.empty(0, np.intp)
        self.assertEqual(len(team_draft(nothing, nothing, 5, np.random.default_rng(0)).items), 0)
        self.assertEqual(len(team_draft(np.arange(3), nothing, 0, np.random.default_rng(0)).items), 0)

    @given(rankings, lengths, seeds)
    def test_one_ranking_against_itself_tells_nothing(self, one: np.ndarray, n: int, seed: int) -> None:
        listed = team_draft(one, one, n, np.random.default_rng(seed))
        self.assertEqual(listed.items.tolist(), one[:n].tolist())
        self.assertFalse(listed.tells.any())

    def test_the_shared_beginning_tells_nothing_and_what_differs_does(self) -> None:
        listed = team_draft(np.array([1, 2, 3, 4]), np.array([1, 2, 5, 6]), 4, np.random.default_rng(0))
        self.assertEqual(listed.tells.tolist(), [False, False, True, True])


class PreferenceTestCase(SimpleTestCase):
    @given(rankings, rankings, st.integers(0, 9), st.lists(st.booleans(), min_size=9, max_size=9))
    def test_somebody_who_engages_with_places_whatever_stands_there_prefers_neither(
        self, one: np.ndarray, other: np.ndarray, n: int, habit: list[bool]
    ) -> None:
        total = 0.0
        for listed in drafts(one, other, n):
            engaged = np.array(habit[: len(listed.items)], np.bool_)
            total += preference(*credits(listed.teams, engaged, listed.tells))
        self.assertEqual(total, 0)

    @given(st.permutations(range(9)), st.permutations(range(9)), st.integers(1, 9), st.integers(0, 8))
    def test_what_is_left_out_changes_nothing_but_noise(
        self, one: list[int], other: list[int], n: int, loved: int
    ) -> None:
        sums, squares = [0.0, 0.0], [0.0, 0.0]
        for listed in drafts(np.array(one), np.array(other), n):
            engaged = listed.items == loved
            for number, tells in enumerate((None, listed.tells)):
                outcome = preference(*credits(listed.teams, engaged, tells))
                sums[number] += outcome
                squares[number] += outcome**2
        self.assertEqual(sums[0], sums[1])
        self.assertLessEqual(squares[1], squares[0])

    @given(st.permutations(range(8)))
    def test_the_ranking_that_puts_what_is_loved_first_is_never_less_preferred(self, other: list[int]) -> None:
        one = np.array([0, *[film for film in other if film != 0]])
        outcomes = []
        for listed in drafts(one, np.array(other), 4):
            outcomes.append(preference(*credits(listed.teams, listed.items == 0, listed.tells)))
        self.assertLessEqual(np.mean(outcomes), 0)
        if other.index(0) >= 4:
            self.assertLess(np.mean(outcomes), 0)

    def test_points_go_to_whoever_drafted_what_was_engaged_with(self) -> None:
        teams = np.array([0, 1, 1, 0], np.uint8)
        engaged = np.array([True, True, True, False])
        self.assertEqual(credits(teams, engaged), (1, 2))
        self.assertEqual(credits(teams, engaged, np.array([False, True, False, True])), (0, 1))
        self.assertEqual(preference(1, 2), 1.0)
        self.assertEqual(preference(0, 0), 0.0)

    def test_it_refuses_lists_that_do_not_fit(self) -> None:
        with self.assertRaises(ValueError):
            credits(np.zeros(3, np.uint8), np.zeros(4, np.bool_))
