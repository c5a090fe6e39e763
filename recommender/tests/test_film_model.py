from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.algorithms.film_model import EMPTY_HISTORY, FilmModel, History, NoiseScales

N_ITEMS, N_FEATURES, N_WATCHED = 30, 7, 4


def films(seed: int = 0, *, n_samples: int = 3) -> FilmModel:
    rng = np.random.default_rng(seed)
    return FilmModel(
        global_mean=3.5,
        offsets=rng.normal(3.5, 0.4, (N_ITEMS, n_samples)).astype(np.float32),
        features=rng.normal(0, 0.5, (N_ITEMS, n_samples, N_FEATURES)).astype(np.float32),
        noise=rng.uniform(0.5, 1.0, n_samples),
        film_noise=rng.uniform(0, 0.1, N_ITEMS).astype(np.float32),
        watched=rng.normal(0, 0.3, (N_ITEMS, N_WATCHED)).astype(np.float32),
        watched_link=rng.normal(0, 0.3, (N_WATCHED, n_samples, N_FEATURES)).astype(np.float32),
        item_counts=rng.integers(0, 100, N_ITEMS),
        scales=NoiseScales(fresh=1.2, trained=2.0),
    )


def films_without_watched_part() -> FilmModel:
    """One sample, in which only stars speak."""
    return replace(films(n_samples=1), watched_link=np.zeros((N_WATCHED, 1, N_FEATURES), np.float32))


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
    def test_it_finds_the_most_probable_person_in_each_sample(self) -> None:
        model = films()
        items, values, trained = np.array([1, 5, 8]), np.array([4.5, 1.0, 5.0]), np.array([True, False, True])
        person = model.solve(History(items, values, trained, np.arange(3)))
        habit = np.einsum("r,rsk->sk", model.watched[items].sum(axis=0) / np.sqrt(3), model.watched_link)
        scale = 1.2 * np.where(trained, 2.0, 1.0)
        rng = np.random.default_rng(0)
        for sample in range(model.n_samples):
            noise = model.noise[sample] * scale + model.film_noise[items]

            def loss(w: np.ndarray, sample: int = sample, noise: np.ndarray = noise) -> float:
                error = values - model.offsets[items, sample] - model.features[items, sample] @ w
                away = w - habit[sample]
                return float(np.sum(error**2 / noise) + away @ away)

            best = loss(person.state[sample])
            for _ in range(50):
                self.assertGreater(loss(person.state[sample] + rng.normal(0, 0.01, N_FEATURES)), best)

    def test_it_averages_the_samples(self) -> None:
        model = films()
        person = model.solve(history([(1, 9, True), (5, 2, False)]))
        by_sample = model.offsets + np.einsum("nsk,sk->ns", model.features, person.state)
        np.testing.assert_allclose(person.raw_scores(), by_sample.mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(person.disagreement(np.arange(N_ITEMS)), by_sample.var(axis=1), atol=1e-6)
        np.testing.assert_array_equal(films(n_samples=1).solve(EMPTY_HISTORY).disagreement(np.arange(3)), 0)

    def test_it_leaves_somebody_unknown_at_zero(self) -> None:
        person = films().solve(EMPTY_HISTORY)
        np.testing.assert_array_equal(person.state, 0)
        np.testing.assert_allclose(person.raw_scores(), films().mean_offsets)

    def test_it_hears_what_was_watched_apart_from_how_it_was_rated(self) -> None:
        model = films()
        high, low = (model.solve(history([(3, stars, False)])) for stars in (10, 2))
        for item in (7, 9):
            one, other = high.contributions(item), low.contributions(item)
            np.testing.assert_array_equal(one.watched, other.watched)
            self.assertNotAlmostEqual(float(one.rated[0]), float(other.rated[0]), places=3)

    def test_it_predicts_each_rating_without_itself_for_the_surprise(self) -> None:
        """The leverage formula against solving again."""
        model = films_without_watched_part()
        given = history([(1, 9, True), (5, 2, False), (8, 10, True), (11, 3, False)])
        without = [model.solve(given.without(int(item))).raw_scores([int(item)])[0] for item in given.item]
        self.assertAlmostEqual(
            model.solve(given).squared_surprise, float(np.square(given.value - without).sum()), places=9
        )
        self.assertEqual(model.solve(EMPTY_HISTORY).squared_surprise, 0.0)

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
        model = films_without_watched_part()
        new = model.solve(history([(3, 10, False)])).raw_scores([3])[0]
        trained = model.solve(history([(3, 10, True)])).raw_scores([3])[0]
        self.assertLess(abs(trained - model.mean_offsets[3]), abs(new - model.mean_offsets[3]))

    @settings(max_examples=50)
    @given(ratings, st.integers(1, 10))
    def test_it_takes_an_edit_for_a_deletion_and_an_addition(
        self, rows: list[tuple[int, int, bool]], stars: int
    ) -> None:
        if not rows:
            return
        (item, _, trained), *others = rows
        edited = films().solve(history([(item, stars, trained), *others]))
        added_again = films().solve(history([*others, (item, stars, trained)]))
        np.testing.assert_allclose(edited.raw_scores(), added_again.raw_scores(), atol=1e-9)

    @settings(max_examples=50)
    @given(ratings)
    def test_it_forgets_a_rating_as_if_it_had_never_been(self, rows: list[tuple[int, int, bool]]) -> None:
        full = history(rows)
        for item in full.item:
            fresh = history([row for row in rows if row[0] != item])
            np.testing.assert_allclose(
                films().solve(full.without(int(item))).raw_scores(), films().solve(fresh).raw_scores(), atol=1e-9
            )

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
