from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.algorithms.ease import fit_ease
from recommender.algorithms.film_model import EMPTY_HISTORY, History
from recommender.algorithms.ordering import Ordering
from recommender.algorithms.ranking import Ranker
from recommender.tests.ratings_for_tests import two_tastes
from recommender.tests.test_film_model import N_ITEMS, films, history, ratings

DATA = two_tastes(n_items=N_ITEMS)
RANKER = Ranker(fit_ease(DATA, 50.0), half_life=5.0)
FAN = history([(0, 10, False), (1, 9, True), (2, 10, False), (20, 2, False)])


def ordering(taste_weight: float) -> Ordering:
    return Ordering(films(), RANKER, taste_weight)


class OrderingTestCase(SimpleTestCase):
    def test_it_is_the_rankers_order_without_a_word_of_the_rating_model(self) -> None:
        order = ordering(0.0).order(films().solve(FAN))
        self.assertEqual(np.argsort(-order.scores).tolist(), np.argsort(-RANKER.votes(FAN).scores).tolist())
        self.assertFalse(order.rating_contributions(5).any())

    def test_it_comes_nearer_to_the_persons_taste_the_more_weight_that_has(self) -> None:
        person = films().solve(FAN)
        taste = person.raw_scores() - films().mean_offsets
        nearness = [np.corrcoef(ordering(weight).order(person).scores, taste)[0, 1] for weight in (0.0, 0.5, 2.0, 50.0)]
        self.assertEqual(nearness, sorted(nearness))
        self.assertGreater(nearness[-1], 0.99)

    def test_it_means_the_same_weight_however_loud_the_ranker_is(self) -> None:
        """Somebody with many ratings has ranker scores many times as large."""
        loud = Ranker(replace(RANKER.weights, values=1000 * RANKER.weights.values), RANKER.half_life)
        person = films().solve(FAN)
        np.testing.assert_allclose(
            Ordering(films(), loud, 0.4).order(person).scores, ordering(0.4).order(person).scores, atol=1e-5
        )

    def test_it_orders_by_popularity_where_nothing_is_known(self) -> None:
        scores = ordering(0.4).order(films().solve(EMPTY_HISTORY)).scores
        self.assertEqual(int(scores.argmax()), int(films().item_counts.argmax()))

    def without_film_7(self, n_ratings: int) -> Ordering:
        """The ranker has not learned of film 7, which has so many ratings."""
        few = np.flatnonzero(DATA.item == 7)[2:]
        ranker = Ranker(fit_ease(DATA.take(np.setdiff1d(np.arange(len(DATA)), few)), 50.0), 0.0)
        counts = films().item_counts.copy()
        counts[7] = n_ratings
        return Ordering(replace(films(), item_counts=counts), ranker, 0.4)

    def test_it_leaves_films_to_popularity_that_hardly_anybody_rated(self) -> None:
        one = self.without_film_7(n_ratings=4)
        order = one.order(one.films.solve(FAN))
        self.assertAlmostEqual(float(order.scores[7]), 1e-6 * np.log2(5.0), places=12)
        self.assertFalse(order.contributions(7).any())

    def test_it_leaves_films_past_the_rankers_bound_to_the_rating_model(self) -> None:
        one = self.without_film_7(n_ratings=50)
        order = one.order(one.films.solve(FAN))
        self.assertIn(7, one.ranked_films)
        self.assertFalse(order.ranker_contributions(7).any())
        self.assertAlmostEqual(
            float(order.rating_contributions(7).sum() + one.tie_breaks[7]), float(order.scores[7]), places=9
        )

    @settings(max_examples=40, deadline=None)
    @given(ratings, st.floats(0, 2))
    def test_it_is_the_sum_of_what_each_film_adds(self, rows: list[tuple[int, int, bool]], weight: float) -> None:
        one = ordering(weight)
        order = one.order(films().solve(history(rows)))
        for item in (0, 17, 29):
            total = float(order.contributions(item).sum()) + float(one.tie_breaks[item])
            self.assertAlmostEqual(total, float(order.scores[item]), delta=1e-6)

    @settings(max_examples=30, deadline=None)
    @given(ratings)
    def test_it_orders_without_a_film_as_if_it_had_never_been_rated(self, rows: list[tuple[int, int, bool]]) -> None:
        # Ages count ratings given since: the history is in the order of age already.
        full = history(rows)
        for place, item in enumerate(full.item):
            fresh = history(rows[:place] + rows[place + 1 :])
            without: History = full.without(int(item))
            one, other = (ordering(0.4).order(films().solve(given)).scores for given in (without, fresh))
            np.testing.assert_allclose(one, other, atol=1e-9)
