from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from unittest import mock

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender.algorithms import shortlist
from recommender.algorithms.discovery import Discovery
from recommender.algorithms.ease import ItemWeights
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import EMPTY_HISTORY, History
from recommender.algorithms.implicit_factors import ImplicitFactors
from recommender.algorithms.metrics import top_k
from recommender.algorithms.ranking import Ranker
from recommender.algorithms.shortlist import Barred, WideOrdering
from recommender.tests.hand_built_models import hand_built_model

N, N_FACTORS = 1200, 4


@lru_cache(maxsize=8)
def model(*, factors: bool, n_samples: int = 1, seed: int = 0) -> TrainedModel:
    """EASE knows a tenth of the films and the rating model has a word of half; many films are equals."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 10, N)
    known = rng.choice(np.flatnonzero(counts >= 5), N // 10, replace=False)
    weights = np.zeros((N, N))
    weights[np.ix_(known, known)] = np.round(rng.normal(size=(len(known), len(known))), 1)
    np.fill_diagonal(weights, 0.0)
    weights[np.flatnonzero(counts < 5)[:3], known[:3]] = 2.0  # a film of which nothing is said speaks of others
    ranked = counts >= 5
    built = hand_built_model(
        stars=np.round(rng.normal(3.5, 0.5, N), 1),
        factors=np.round(rng.normal(size=(N, N_FACTORS)) * ranked[:, None], 1),
        counts=counts,
        weights=weights,
        discovery=Discovery(
            2,
            (ranked & (rng.random(N) < 0.9)).astype(np.uint8),
            mean=np.where(ranked, rng.normal(size=N), 0).astype(np.float32),
            sd=np.where(ranked & (rng.random(N) < 0.9), 0.1 + rng.random(N), 0).astype(np.float32),
            price=rng.normal(size=N).astype(np.float32),
        ),
        knots=([0.0, 1.0], [0.0, 1.0]),
        person_regularization=1.0,
    )
    films = built.films
    if n_samples > 1:
        several = np.repeat(films.features, n_samples, axis=1)
        films = replace(
            films,
            features=(several + 0.1 * rng.normal(size=several.shape)).astype(np.float32),
            offsets=np.repeat(films.offsets, n_samples, axis=1),
            noise=np.repeat(films.noise, n_samples),
            watched_link=np.zeros((0, n_samples, films.features.shape[2]), np.float32),
        )
    vectors = np.where(rng.random((N, 1)) < 0.3, rng.normal(size=(N, 3)), 0.0).astype(np.float32)
    ranker = Ranker(built.ranker.weights, 3.0, ImplicitFactors(vectors, 1.0, 2.0) if factors else None, 0.7 * factors)
    return replace(built, films=films, ranker=ranker, taste_weight=0.4)


@st.composite
def histories(draw: st.DrawFn) -> History:
    items = draw(st.lists(st.integers(0, N - 1), min_size=1, max_size=30, unique=True))
    stars = draw(st.lists(st.integers(1, 10), min_size=len(items), max_size=len(items)))
    n = len(items)
    return History(np.array(items), np.array(stars) / 2, np.zeros(n, np.bool_), np.arange(n))


class ShortlistTestCase(SimpleTestCase):
    def check(self, one: TrainedModel, history: History, fits: np.ndarray | None = None, k: int = 20) -> None:
        """The same films, by score and by value, with the same figures as if every film was scored."""
        person = one.solve(history)
        field = one.wide.shortlist(person, Barred(history.item, fits), k)
        order = one.order(person)
        scores = order.scores.copy()
        scores[history.item] = -np.inf
        if fits is not None:
            scores[~fits] = -np.inf
        values = one.discovery.values(scores)
        self.assertTrue((np.diff(field.rows) > 0).all())
        for few, all_of_them in ((field.scores, scores), (field.values, values)):
            best, expected = top_k(few, k), top_k(all_of_them, k)
            self.assertEqual(len(best), len(expected))
            # To the last place but for equals, which rounding may turn round where they are computed in other ways.
            np.testing.assert_allclose(all_of_them[field.rows[best]], all_of_them[expected], rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(few[best], all_of_them[field.rows[best]], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(field.ranker_scores, order.ranker_scores[field.rows], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(field.rating_scores, order.rating_scores[field.rows], rtol=1e-6, atol=1e-6)

    @given(histories(), st.booleans(), st.integers(1, 60))
    def test_it_holds_the_best_of_all_films(self, history: History, factors: bool, k: int) -> None:
        self.check(model(factors=factors), history, k=k)

    @given(histories(), st.sampled_from([0.0, 0.01, 0.1, 0.7, 1.0]), st.integers(0, 9))
    def test_it_holds_the_best_of_those_that_fit(self, history: History, share: float, seed: int) -> None:
        self.check(model(factors=True), history, np.random.default_rng(seed).random(N) < share)

    @given(histories())
    def test_it_holds_them_where_vectors_are_too_wide_for_moments(self, history: History) -> None:
        with mock.patch.object(shortlist, "_MAX_WIDTH", 3):
            one = replace(model(factors=True))  # nothing is worked out yet
            self.check(one, history)

    @given(histories())
    def test_it_holds_them_with_several_samples_of_each_film(self, history: History) -> None:
        self.check(model(factors=True, n_samples=3), history)

    @given(histories())
    def test_it_holds_them_where_the_ranker_alone_orders(self, history: History) -> None:
        self.check(replace(model(factors=False), taste_weight=0.0), history)

    def test_it_holds_them_where_all_films_are_equals(self) -> None:
        flat = model(factors=False)
        flat = replace(flat, films=replace(flat.films, features=np.ones_like(flat.films.features)))
        silent = ItemWeights(np.zeros(N + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))
        flat = replace(flat, ranker=Ranker(silent, 0.0))
        self.check(flat, History(np.array([3]), np.array([4.0]), np.zeros(1, np.bool_), np.zeros(1, np.int64)))

    def test_it_holds_everything_where_more_is_asked_for_than_there_is(self) -> None:
        one = model(factors=True)
        field = one.wide.shortlist(one.solve(EMPTY_HISTORY), Barred(np.array([0, 5])), N)
        self.assertEqual(field.rows.tolist(), [row for row in range(N) if row not in (0, 5)])

    def test_it_scores_few_films_exactly(self) -> None:
        one = model(factors=False)
        history = History(np.arange(20), np.full(20, 4.5), np.zeros(20, np.bool_), np.arange(20))
        person = one.solve(history)
        one.wide.prepare()
        with mock.patch.object(shortlist, "_GROUP", 8):
            field = one.wide.shortlist(person, Barred(history.item), 10)
        self.assertLess(len(field.rows), 60)

    def test_it_remembers_what_a_filter_leaves_and_forgets_the_oldest(self) -> None:
        one, person = replace(model(factors=True)), model(factors=True).solve(EMPTY_HISTORY)
        masks = [np.random.default_rng(seed).random(N) < 0.5 for seed in range(5)]
        block = shortlist._BLOCK  # all films are in one
        with (
            mock.patch.object(shortlist, "_MAX_FILTERS_BYTES", 3 * 4 * block),
            mock.patch.object(WideOrdering, "_filtered", autospec=True, side_effect=WideOrdering._filtered) as made,
        ):
            for mask in (*masks, *masks[2:], masks[0]):
                field = one.wide.shortlist(person, Barred(EMPTY_HISTORY.item, mask), 10)
                self.assertTrue(mask[field.rows].all())
        self.assertEqual(made.call_count, len(masks) + 1, "each once, and the first again")

    def test_nothing_that_is_barred_is_in_it(self) -> None:
        one, fits = model(factors=True), np.arange(N) % 3 == 0
        history = History(np.arange(0, 60), np.full(60, 4.5), np.zeros(60, np.bool_), np.arange(60))
        field = one.wide.shortlist(one.solve(history), Barred(history.item, fits), N)
        self.assertEqual(field.rows.tolist(), list(range(60, N, 3)))
