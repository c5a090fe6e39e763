from __future__ import annotations

from random import Random

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.algorithms.film_model import EMPTY_HISTORY, FilmModel, History

N_ITEMS = 30


def films(seed: int = 0) -> FilmModel:
    rng = np.random.default_rng(seed)
    return FilmModel(
        global_mean=3.5,
        item_bias=rng.normal(0, 0.4, N_ITEMS).astype(np.float32),
        item_factors=rng.normal(0, 0.5, (N_ITEMS, 6)).astype(np.float32),
        item_counts=rng.integers(0, 100, N_ITEMS),
        person_regularization=4.0,
        noise_ratio=2.0,
    )


ratings = st.lists(
    st.tuples(st.integers(0, N_ITEMS - 1), st.integers(1, 10), st.booleans()), max_size=20, unique_by=lambda row: row[0]
)


def history(rows: list[tuple[int, int, bool]]) -> History:
    return History(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] / 2 for row in rows]),
        np.array([row[2] for row in rows], bool),
        np.arange(len(rows)),
    )


class SolveTestCase(SimpleTestCase):
    def test_it_minimizes_the_weighted_ridge_loss(self) -> None:
        model = films()
        person = model.solve(history([(1, 9, True), (5, 2, False), (8, 10, True)]))
        items, values, weights = np.array([1, 5, 8]), np.array([4.5, 1.0, 5.0]), np.array([0.5, 1.0, 0.5])

        def loss(w: np.ndarray) -> float:
            error = values - model.offsets[items] - model.features[items] @ w
            return float(weights @ error**2 + model.person_regularization * w @ w)

        best = loss(person.state)
        rng = np.random.default_rng(0)
        for _ in range(50):
            self.assertGreater(loss(person.state + rng.normal(0, 0.01, 7)), best)

    def test_it_leaves_somebody_unknown_at_zero(self) -> None:
        person = films().solve(EMPTY_HISTORY)
        np.testing.assert_array_equal(person.state, 0)
        np.testing.assert_allclose(person.raw_scores(), films().offsets)

    @settings(max_examples=50)
    @given(ratings, st.randoms())
    def test_it_does_not_depend_on_the_order_of_ratings(
        self, rows: list[tuple[int, int, bool]], random: Random
    ) -> None:
        shuffled = list(rows)
        random.shuffle(shuffled)
        one, other = films().solve(history(rows)), films().solve(history(shuffled))
        np.testing.assert_allclose(one.raw_scores(), other.raw_scores(), atol=1e-9)

    @settings(max_examples=50)
    @given(ratings)
    def test_it_stays_finite_and_within_the_scale(self, rows: list[tuple[int, int, bool]]) -> None:
        predicted = films().solve(history(rows)).predicted_ratings()
        self.assertTrue(np.isfinite(predicted).all())
        self.assertTrue(((predicted >= 0.5) & (predicted <= 5)).all())

    def test_it_learns_less_from_a_rating_that_it_was_trained_on(self) -> None:
        model = films()
        new = model.solve(history([(3, 10, False)])).raw_scores([3])[0]
        trained = model.solve(history([(3, 10, True)])).raw_scores([3])[0]
        self.assertLess(abs(trained - model.offsets[3]), abs(new - model.offsets[3]))

    def test_it_is_surer_of_films_like_those_rated(self) -> None:
        model = films()
        before = model.solve(EMPTY_HISTORY).person_variance(np.arange(N_ITEMS))
        after = model.solve(history([(3, 8, False), (4, 2, False)])).person_variance(np.arange(N_ITEMS))
        self.assertTrue((after <= before + 1e-12).all())
        self.assertLess(after[3], before[3])


class ContributionsTestCase(SimpleTestCase):
    @settings(max_examples=50)
    @given(ratings, st.integers(0, N_ITEMS - 1))
    def test_it_sums_to_the_score(self, rows: list[tuple[int, int, bool]], item: int) -> None:
        person = films().solve(history(rows))
        parts = person.contributions(item)
        self.assertAlmostEqual(parts.raw, float(person.raw_scores([item])[0]), places=9)
        self.assertAlmostEqual(parts.stars, float(person.predicted_ratings([item])[0]), places=9)

    def test_it_gives_an_average_film_nothing_but_the_persons_level(self) -> None:
        model = films()
        person = model.solve(history([(1, 9, True), (5, 2, False)]))
        mean = model.item_counts @ np.array([person.contributions(i).ratings.sum() for i in range(N_ITEMS)])
        self.assertAlmostEqual(mean, 0, places=9)

    def test_it_forgets_a_film_that_is_taken_out(self) -> None:
        full = history([(1, 9, True), (5, 2, False)])
        self.assertEqual(full.without(5).item.tolist(), [1])
        self.assertIs(full.without(7), full)
