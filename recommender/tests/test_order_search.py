from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms import order_search
from recommender.algorithms.ease import fit_ease
from recommender.algorithms.film_model import FilmModel, NoiseScales, history_of
from recommender.algorithms.implicit_als import fit_implicit_als
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.metrics import K, ndcg_at_k, top_k
from recommender.algorithms.order_search import HALF_LIVES, Judge, OrderSettings, choose_order
from recommender.algorithms.ordering import Ordering
from recommender.algorithms.ranking import Ranker
from recommender.algorithms.splits import last_per_user
from recommender.tests.ratings_for_tests import run_pipeline, two_tastes


class OrderSearchTestCase(SimpleTestCase):
    data: Interactions
    films: FilmModel
    judges: list[Judge]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        split = last_per_user(two_tastes(n_users=120, n_items=90, density=0.3))
        cls.data = split.train
        cls.films = replace(run_pipeline(split.train).model.films, scales=NoiseScales(8.0))
        cls.judges = []
        for user in range(split.train.n_users):
            asked = split.test.rows_of(user)
            liked = split.test.item[asked][split.test.value[asked] >= RELEVANT].astype(np.int64)
            if len(liked):
                cls.judges.append(Judge(cls.films.solve(history_of(split.train, user)), liked))

    def plainly(self, settings: OrderSettings) -> float:
        """NDCG@10 of the lists that a version with these settings gives."""
        weights = fit_ease(self.data, settings.regularization)
        ranker = Ranker(weights, settings.half_life, fit_implicit_als(self.data), settings.factor_weight)
        ordering = Ordering(self.films, ranker, settings.taste_weight)
        total = 0.0
        for judge in self.judges:
            scores = ordering.order(judge.person).scores
            scores[judge.person.history.item] = -np.inf
            total += ndcg_at_k(np.isin(top_k(scores, K), judge.liked), len(judge.liked)) or 0.0
        return total / len(self.judges)

    def test_what_it_promises_is_what_the_lists_give(self) -> None:
        chosen, _ = choose_order(self.films, self.data, self.judges, HALF_LIVES)
        self.assertAlmostEqual(chosen.ndcg, self.plainly(chosen), places=6)
        self.assertGreater(chosen.ndcg, 0.1)

    def test_it_hands_over_the_ranker_that_it_chose(self) -> None:
        for judges in (self.judges, []):
            chosen, ranker = choose_order(self.films, self.data, judges, HALF_LIVES)
            self.assertEqual((ranker.half_life, ranker.factor_weight), (chosen.half_life, chosen.factor_weight))
            self.assertEqual(ranker.factors is not None, chosen.factor_weight > 0)
            weights = fit_ease(self.data, chosen.regularization)
            self.assertEqual(ranker.weights.values.tobytes(), weights.values.tobytes())
            self.assertEqual(ranker.weights.targets.tobytes(), weights.targets.tobytes())

    def test_nothing_next_to_what_it_chose_is_better(self) -> None:
        chosen, _ = choose_order(self.films, self.data, self.judges, HALF_LIVES)
        for factor_weight in order_search.FACTOR_WEIGHTS:
            for taste_weight in order_search.TASTE_WEIGHTS:
                other = replace(chosen, factor_weight=factor_weight, taste_weight=taste_weight)
                self.assertLessEqual(self.plainly(other), chosen.ndcg + 1e-6, other)

    def test_it_chooses_the_regularization_anew_beside_another_half_life(self) -> None:
        def of(ordering: Ordering, tastes: object, regularization: float) -> OrderSettings:
            # λ 150 is best beside a half-life of 5, λ 1000 beside the best of all, 20.
            half_life = ordering.ranker.half_life
            ndcg = {(150.0, 5.0): 0.2, (150.0, 20.0): 0.3, (1000.0, 20.0): 0.4}.get((regularization, half_life), 0.1)
            return OrderSettings(regularization, half_life, 0.0, 0.0, ndcg)

        with mock.patch.object(order_search, "_best_weights", of):
            chosen, _ = choose_order(self.films, self.data, self.judges, HALF_LIVES)
        self.assertEqual((chosen.regularization, chosen.half_life), (1000.0, 20.0))

    def test_it_chooses_among_the_half_lives_that_it_is_given(self) -> None:
        self.assertEqual(choose_order(self.films, self.data, self.judges, (0.0,))[0].half_life, 0.0)

    def test_it_takes_the_middle_where_nobody_can_judge(self) -> None:
        chosen, _ = choose_order(self.films, self.data, [], HALF_LIVES)
        self.assertEqual((chosen.regularization, chosen.half_life, chosen.factor_weight), (150.0, 5.0, 0.0))
