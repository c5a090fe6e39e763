from __future__ import annotations

from itertools import pairwise
from unittest import TestCase

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms.controls import directions
from recommender.algorithms.diversity import maximal_marginal_relevance
from recommender.algorithms.film_model import Array, Floats, history_of
from recommender.algorithms.metrics import diversity as mean_pairwise_distance
from recommender.algorithms.metrics import top_k
from recommender.tests.ratings_for_tests import two_tastes
from recommender.tests.stored_versions import trained


def random_pool(seed: int, n: int, *, tied: bool = False) -> tuple[Array, Floats]:
    """Films the best first, and where they point."""
    rng = np.random.default_rng(seed)
    relevance = np.sort(rng.integers(0, 4, n).astype(float) if tied else rng.normal(size=n))[::-1]
    return relevance, directions(rng.normal(size=(n, 3)))


def one_by_one(relevance: Array, unit: Floats, diversity: float, k: int) -> list[int]:
    """The definition, word by word."""
    stretched = (relevance - relevance.min()) / (np.ptp(relevance) or 1.0)
    chosen: list[int] = []
    while len(chosen) < min(k, len(relevance)):
        worth = {
            film: (1 - diversity) * stretched[film]
            - diversity * max((float(unit[film] @ unit[other]) for other in chosen), default=0.0)
            for film in range(len(relevance))
            if film not in chosen
        }
        chosen.append(max(worth, key=lambda film: (worth[film], -film)))
    return chosen


pools = st.builds(random_pool, st.integers(0, 10**6), st.integers(1, 25))
amounts = st.floats(0, 1)


class MaximalMarginalRelevanceTestCase(TestCase):
    @given(pools, amounts, st.integers(0, 30))
    def test_each_place_goes_to_the_film_that_weighs_most_given_those_before_it(
        self, pool: tuple[Array, Floats], diversity: float, k: int
    ) -> None:
        chosen = maximal_marginal_relevance(*pool, diversity, k).tolist()
        self.assertEqual(len(chosen), min(k, len(pool[0])))
        self.assertEqual(len(set(chosen)), len(chosen))
        stretched = (pool[0] - pool[0].min()) / (np.ptp(pool[0]) or 1.0)
        for place, film in enumerate(chosen):
            before = chosen[:place]

            def worth(other: int, before: list[int] = before) -> float:
                nearest = max((float(pool[1][other] @ pool[1][one]) for one in before), default=0.0)
                return float((1 - diversity) * stretched[other] - diversity * nearest)

            best = max(worth(other) for other in range(len(stretched)) if other not in before)
            self.assertAlmostEqual(worth(film), best, delta=1e-6)

    def test_it_is_the_definition(self) -> None:
        for seed in range(20):
            pool = random_pool(seed, 20)
            for diversity in (0.0, 0.3, 0.7, 1.0):
                chosen = maximal_marginal_relevance(*pool, diversity, 12).tolist()
                self.assertEqual(chosen, one_by_one(*pool, diversity, 12))

    @given(st.integers(0, 10**6), st.integers(1, 25))
    def test_without_diversity_nothing_moves_ties_included(self, seed: int, n: int) -> None:
        chosen = maximal_marginal_relevance(*random_pool(seed, n, tied=True), 0.0, n)
        self.assertEqual(chosen.tolist(), list(range(n)))

    @given(pools, amounts)
    def test_the_first_film_is_always_the_best(self, pool: tuple[Array, Floats], diversity: float) -> None:
        self.assertEqual(maximal_marginal_relevance(*pool, diversity, 1).tolist(), [0])

    @given(st.builds(random_pool, st.integers(0, 10**6), st.integers(2, 25)), amounts, amounts)
    def test_the_more_diversity_the_less_alike_the_second_is_to_the_first(
        self, pool: tuple[Array, Floats], one: float, other: float
    ) -> None:
        less, more = sorted((one, other))
        second, later = (maximal_marginal_relevance(*pool, amount, 2)[1] for amount in (less, more))
        first = pool[1][0]
        self.assertLessEqual(float(pool[1][later] @ first), float(pool[1][second] @ first) + 1e-6)
        self.assertLessEqual(pool[0][later], pool[0][second] + 1e-6)

    @given(pools)
    def test_with_all_of_it_each_film_is_the_farthest_from_its_nearest(self, pool: tuple[Array, Floats]) -> None:
        chosen = maximal_marginal_relevance(*pool, 1.0, 6)
        cosines = pool[1] @ pool[1].T
        for place in range(1, len(chosen)):
            nearest = cosines[:, chosen[:place]].max(axis=1)
            nearest[chosen[:place]] = np.inf
            self.assertAlmostEqual(float(nearest[chosen[place]]), float(nearest.min()), delta=1e-6)

    @given(pools, amounts)
    def test_it_is_the_same_every_time(self, pool: tuple[Array, Floats], diversity: float) -> None:
        once, again = (maximal_marginal_relevance(*pool, diversity, 10).tolist() for _ in range(2))
        self.assertEqual(once, again)

    def test_it_takes_films_of_which_nothing_is_known_and_equal_scores(self) -> None:
        chosen = maximal_marginal_relevance(np.ones(4), np.zeros((4, 3), np.float32), 0.5, 4)
        self.assertEqual(chosen.tolist(), [0, 1, 2, 3])
        self.assertEqual(len(maximal_marginal_relevance(np.empty(0), np.zeros((0, 3), np.float32), 0.5, 4)), 0)

    def test_lists_of_a_trained_model_grow_apart_on_average(self) -> None:
        """Over people; a single list may lose a little at a step, which is all that a greedy choice promises."""
        model, data = trained(), two_tastes()
        unit = directions(model.films.characters(slice(None)))
        orders = []
        for user in range(0, data.n_users, 4):
            history = history_of(data, user)
            scores = model.order_scores(history)
            scores[history.item] = -np.inf
            orders.append(scores)
        means = []
        for diversity in (0.0, 0.25, 0.5, 0.75, 1.0):
            distances = []
            for scores in orders:
                pool = top_k(scores, 40)
                chosen = pool[maximal_marginal_relevance(scores[pool], unit[pool], diversity, 10)]
                distances.append(mean_pairwise_distance(unit[chosen].astype(np.float64)) or 0.0)
            means.append(float(np.mean(distances)))
        noise = 0.01
        self.assertTrue(all(later > earlier - noise for earlier, later in pairwise(means)), means)
        self.assertGreater(means[-1], means[0] + 0.2, means)
