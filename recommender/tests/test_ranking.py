from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.algorithms.ease import fit_ease
from recommender.algorithms.film_model import EMPTY_HISTORY, History
from recommender.algorithms.implicit_als import fit_implicit_als
from recommender.algorithms.implicit_factors import ImplicitFactors
from recommender.algorithms.ranking import Ranker
from recommender.tests.ratings_for_tests import two_tastes

DATA = two_tastes()
WEIGHTS = fit_ease(DATA, 50.0)
FACTORS = fit_implicit_als(DATA, n_threads=1)


def history(items: list[int], stars: list[float], ages: list[int] | None = None) -> History:
    n = len(items)
    return History(np.array(items, np.int64), np.array(stars), np.zeros(n, bool), np.array(ages or range(n)))


class RankerTestCase(SimpleTestCase):
    def test_it_puts_films_of_the_same_taste_first(self) -> None:
        scores = Ranker(WEIGHTS, 0.0).votes(history([0, 1, 2], [5, 5, 4.5])).scores
        self.assertGreater(scores[3:30].mean(), 5 * abs(scores[30:].mean()))
        best = np.argsort(-scores)[:13]
        self.assertTrue((best < 30).all(), best)

    def test_it_listens_to_the_latest_rating_most(self) -> None:
        ranker = Ranker(WEIGHTS, 3.0)
        now = ranker.votes(history([0, 40], [5, 5], [0, 30])).scores
        long_ago = ranker.votes(history([0, 40], [5, 5], [30, 0])).scores
        self.assertGreater(now[1:30].mean() - now[41:].mean(), long_ago[1:30].mean() - long_ago[41:].mean())

    def test_it_halves_the_voice_of_a_rating_with_its_half_life(self) -> None:
        strengths = Ranker(WEIGHTS, 4.0).strengths(history([0, 1, 2], [4, 4, 4], [0, 4, 10_000]))
        np.testing.assert_allclose(strengths, [1.0, 0.55, 0.1])
        all_alike = Ranker(WEIGHTS, 0.0).strengths(history([0, 1], [4, 4], [0, 50]))
        np.testing.assert_allclose(all_alike, [1.0, 1.0])

    def test_it_says_nothing_where_nothing_is_known(self) -> None:
        for ranker in (Ranker(WEIGHTS, 5.0), Ranker(WEIGHTS, 5.0, FACTORS, 1.0)):
            self.assertFalse(ranker.votes(EMPTY_HISTORY).scores.any())

    def test_it_knows_which_films_it_knows(self) -> None:
        few = np.flatnonzero(DATA.item == 7)[2:]
        ranker = Ranker(fit_ease(DATA.take(np.setdiff1d(np.arange(len(DATA)), few)), 50.0), 0.0)
        self.assertEqual(ranker.known_films.tolist(), [film for film in range(60) if film != 7])
        self.assertFalse(ranker.known[7])

    def test_its_factors_reach_films_that_ease_has_no_room_for(self) -> None:
        few = np.flatnonzero(DATA.item == 7)[2:]
        weights = fit_ease(DATA.take(np.setdiff1d(np.arange(len(DATA)), few)), 50.0)
        vectors = np.repeat(np.eye(2, dtype=np.float32), 30, axis=0)
        ranker = Ranker(weights, 0.0, ImplicitFactors(vectors, 1.0, 5.0), 0.5)
        self.assertTrue(ranker.known[7])
        scores = ranker.votes(history([0, 1, 2], [5, 5, 4.5])).scores
        self.assertGreater(scores[7], scores[30:].max())

    def test_its_voices_are_equally_loud_before_they_are_weighed(self) -> None:
        votes = Ranker(WEIGHTS, 0.0, FACTORS, 0.5).votes(history([0, 1, 2], [5, 5, 4.5]))
        np.testing.assert_allclose([votes.of_ease.std(), votes.of_factors.std()], [1.0, 1.0])
        np.testing.assert_allclose(votes.scores, votes.of_ease + 0.5 * votes.of_factors)

    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.integers(0, 59), st.integers(1, 10)), max_size=15, unique_by=lambda row: row[0]))
    def test_it_is_the_sum_of_what_each_film_adds(self, rows: list[tuple[int, int]]) -> None:
        rated = history([row[0] for row in rows], [row[1] / 2 for row in rows])
        for ranker in (Ranker(WEIGHTS, 5.0), Ranker(WEIGHTS, 5.0, FACTORS, 0.6)):
            votes = ranker.votes(rated)
            for item in (0, 31, 59):
                self.assertAlmostEqual(float(votes.contributions(item).sum()), float(votes.scores[item]), places=8)
