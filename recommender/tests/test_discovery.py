from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.discovery import COVERAGE_TARGET, Discovery, interleave, learn_discovery
from recommender.algorithms.metrics import top_k

N_PEOPLE, N_FILMS = 120, 150


def crowd(seed: int = 0) -> np.ndarray:
    """Scores of people who all love the same ten films, and each of whom has a small leaning of their own."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1, (N_PEOPLE, N_FILMS))
    scores[:, :15] += 20
    scores[:, 15:30] += 3  # the runners-up, whom every slot would take without prices
    scores[rng.random(scores.shape) < 0.05] = -np.inf
    return scores


def shown(discovery: Discovery, scores: np.ndarray, slots: int | None = None) -> set[int]:
    return {int(film) for row in scores for film in discovery.list_of(row, slots=slots)[0]}


class LearnDiscoveryTestCase(SimpleTestCase):
    everything = np.ones(N_FILMS, bool)

    def test_it_shows_far_more_films_than_lists_without_slots(self) -> None:
        scores = crowd()
        without = {int(film) for row in scores for film in top_k(row)}
        discovery = learn_discovery(scores, self.everything, slots=1)
        self.assertGreater(len(shown(discovery, scores)), 5 * len(without))

    def test_it_is_the_prices_that_spread_the_films(self) -> None:
        scores = crowd()
        discovery = learn_discovery(scores, self.everything, slots=1)
        free = Discovery(1, discovery.offered, discovery.mean, discovery.sd, np.zeros_like(discovery.price))
        self.assertGreater(len(shown(discovery, scores)), len(shown(free, scores)))

    def test_it_spreads_films_among_people_it_was_not_learned_on(self) -> None:
        discovery = learn_discovery(crowd(seed=0), self.everything, slots=1)
        others = crowd(seed=1)
        without = {int(film) for row in others for film in top_k(row)}
        self.assertGreater(len(shown(discovery, others)), 3 * len(without))

    def test_it_takes_as_many_slots_as_the_target_needs(self) -> None:
        scores = crowd()
        auto = learn_discovery(scores, self.everything)
        self.assertGreaterEqual(len(shown(auto, scores)), COVERAGE_TARGET * N_FILMS)
        fewer = learn_discovery(scores, self.everything, slots=auto.slots - 1)
        self.assertLess(len(shown(fewer, scores)), COVERAGE_TARGET * N_FILMS)

    def test_it_takes_none_where_lists_show_enough_already(self) -> None:
        scores = np.random.default_rng(0).normal(size=(N_PEOPLE, N_FILMS))
        self.assertEqual(learn_discovery(scores, self.everything).slots, 0)

    def test_it_offers_recommendable_films_only(self) -> None:
        recommendable = self.everything.copy()
        recommendable[100:] = False
        discovery = learn_discovery(crowd(), recommendable, slots=2)
        self.assertEqual(int(discovery.offered[100:].sum()), 0)

    def test_it_copes_with_nobody_and_nothing(self) -> None:
        self.assertEqual(learn_discovery(np.empty((0, 5)), np.ones(5, bool)).slots, 0)
        self.assertEqual(learn_discovery(crowd(), np.zeros(N_FILMS, bool)).slots, 0)


class ListOfTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.scores = crowd()
        self.discovery = learn_discovery(self.scores, np.ones(N_FILMS, bool), slots=2)

    def test_it_gives_the_last_of_each_ten_places_away(self) -> None:
        _, marks = self.discovery.list_of(self.scores[0], n=25)
        self.assertEqual(np.flatnonzero(marks).tolist(), [8, 9, 18, 19])

    def test_it_gives_none_away_in_a_short_list(self) -> None:
        self.assertFalse(self.discovery.list_of(self.scores[0], n=9)[1].any())

    def test_it_does_as_it_is_told(self) -> None:
        for slots in range(4):
            self.assertEqual(int(self.discovery.list_of(self.scores[0], slots=slots)[1].sum()), slots)

    def test_it_never_shows_what_is_ruled_out_or_shows_twice(self) -> None:
        for row in self.scores:
            films, _ = self.discovery.list_of(row, n=30)
            self.assertEqual(len(set(films.tolist())), 30)
            self.assertTrue((row[films] > -np.inf).all())

    def test_it_is_the_same_in_a_larger_catalogue(self) -> None:
        films = np.arange(0, 2 * N_FILMS, 2)
        wide = np.full(2 * N_FILMS, 0.0)
        wide[films] = self.scores[0]
        spread, _ = self.discovery.spread(films, 2 * N_FILMS).list_of(wide)
        self.assertEqual(spread.tolist(), films[self.discovery.list_of(self.scores[0])[0]].tolist())


class InterleaveTestCase(SimpleTestCase):
    @given(st.permutations(range(40)), st.integers(0, 30), st.integers(0, 9), st.integers(1, 35))
    def test_it_fills_every_place_once_while_there_are_films(
        self, films: list[int], n_ranked: int, n_finds: int, n: int
    ) -> None:
        ranked, finds = np.array(films[:n_ranked], np.intp), np.array(films[30 : 30 + n_finds], np.intp)
        listed, marks = interleave(ranked, finds, n)
        self.assertEqual(len(listed), min(n, n_ranked + n_finds))
        self.assertEqual(len(set(listed.tolist())), len(listed))
        self.assertTrue(set(listed[marks].tolist()) <= set(finds.tolist()))
        in_order = [film for film in ranked.tolist() if film in set(listed.tolist())]
        self.assertEqual(listed[~marks].tolist(), in_order)
