from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.algorithms.ease import fit_ease
from recommender.algorithms.film_model import EMPTY_HISTORY, History
from recommender.algorithms.ranking import EaseRanker
from recommender.tests.ratings_for_tests import two_tastes

DATA = two_tastes()
WEIGHTS = fit_ease(DATA, 50.0)


def history(items: list[int], stars: list[float], ages: list[int] | None = None) -> History:
    n = len(items)
    return History(np.array(items), np.array(stars), np.zeros(n, bool), np.array(ages or range(n)))


class EaseRankerTestCase(SimpleTestCase):
    def test_it_puts_films_of_the_same_taste_first(self) -> None:
        scores = EaseRanker(WEIGHTS, 0.0).scores(history([0, 1, 2], [5, 5, 4.5]))
        self.assertGreater(scores[3:30].mean(), 5 * abs(scores[30:].mean()))
        best = np.argsort(-scores)[:13]
        self.assertTrue((best < 30).all(), best)

    def test_it_listens_to_the_latest_rating_most(self) -> None:
        ranker = EaseRanker(WEIGHTS, 3.0)
        now = ranker.scores(history([0, 40], [5, 5], [0, 30]))
        long_ago = ranker.scores(history([0, 40], [5, 5], [30, 0]))
        self.assertGreater(now[1:30].mean() - now[41:].mean(), long_ago[1:30].mean() - long_ago[41:].mean())

    def test_it_halves_the_voice_of_a_rating_with_its_half_life(self) -> None:
        strengths = EaseRanker(WEIGHTS, 4.0).strengths(history([0, 1, 2], [4, 4, 4], [0, 4, 10_000]))
        np.testing.assert_allclose(strengths, [1.0, 0.55, 0.1])
        all_alike = EaseRanker(WEIGHTS, 0.0).strengths(history([0, 1], [4, 4], [0, 50]))
        np.testing.assert_allclose(all_alike, [1.0, 1.0])

    def test_it_says_nothing_where_nothing_is_known(self) -> None:
        self.assertFalse(EaseRanker(WEIGHTS, 5.0).scores(EMPTY_HISTORY).any())

    def test_it_knows_which_films_it_knows(self) -> None:
        few = np.flatnonzero(DATA.item == 7)[2:]
        ranker = EaseRanker(fit_ease(DATA.take(np.setdiff1d(np.arange(len(DATA)), few)), 50.0), 0.0)
        self.assertEqual(ranker.known_films.tolist(), [film for film in range(60) if film != 7])
        self.assertFalse(ranker.known[7])

    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.integers(0, 59), st.integers(1, 10)), max_size=15, unique_by=lambda row: row[0]))
    def test_it_is_the_sum_of_what_each_film_adds(self, rows: list[tuple[int, int]]) -> None:
        rated = history([row[0] for row in rows], [row[1] / 2 for row in rows])
        ranker = EaseRanker(WEIGHTS, 5.0)
        scores = ranker.scores(rated)
        for item in (0, 31, 59):
            self.assertAlmostEqual(float(ranker.contributions(rated, item).sum()), float(scores[item]), places=9)
