from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.algorithms.film_model import EMPTY_HISTORY, History
from recommender.algorithms.neural import N_STEPS, MalformedNeuralRanker, NeuralRanker, steps

N_ITEMS, N_FACTORS, N_INPUTS, WIDTHS = 40, 6, 4, (8, 4, 2)
NEVER_RATED = 39


def made(half_life: float = 5.0, *, seed: int = 4, n_items: int = N_ITEMS) -> NeuralRanker:
    """Of random numbers, with a film that nobody rated."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    encoder, gmf = drawn(n_items, N_FACTORS + N_INPUTS), drawn(n_items, N_FACTORS)
    encoder[-1], gmf[-1] = 0.0, 0.0
    return NeuralRanker(
        encoder=encoder,
        person_bias=drawn(N_FACTORS + N_INPUTS),
        voices=np.linspace(-0.4, 1.4, N_STEPS, dtype=np.float32),
        gmf=gmf,
        item_bias=drawn(n_items),
        person_layer=drawn(N_INPUTS, WIDTHS[0]),
        item_layer=drawn(n_items, WIDTHS[0]),
        hidden=((drawn(8, 4), drawn(4)), (drawn(4, 2), drawn(2))),
        output=drawn(WIDTHS[-1]),
        half_life=half_life,
    )


RANKER = made()


def history(items: list[int], stars: list[float], age: list[int] | None = None) -> History:
    n = len(items)
    return History(
        np.array(items, np.int64), np.array(stars), np.ones(n, np.bool_), np.array(age or range(n), np.int64)
    )


@st.composite
def histories(draw: st.DrawFn) -> History:
    items = draw(st.lists(st.integers(0, N_ITEMS - 1), max_size=15, unique=True))
    stars = draw(st.lists(st.integers(1, 10), min_size=len(items), max_size=len(items)))
    return history(items, [star / 2 for star in stars], draw(st.permutations(range(len(items)))))


class ScoresTestCase(SimpleTestCase):
    def test_they_are_what_the_formula_says(self) -> None:
        """Written plainly, a film at a time."""
        rated = history([3, 17, 8], [5.0, 0.5, 3.0], [2, 0, 1])
        total, size = np.zeros(N_FACTORS + N_INPUTS), 0.0
        for item, stars, age in zip(rated.item, rated.value, rated.age, strict=True):
            weight = float(RANKER.voices[round(2 * stars) - 1]) * (0.1 + 0.9 * 0.5 ** (age / 5.0))
            total += weight * RANKER.encoder[item]
            size += abs(weight)
        person = total / (size + 1e-3) ** 0.5 + RANKER.person_bias
        for item in range(N_ITEMS):
            layer = np.maximum(person[N_FACTORS:] @ RANKER.person_layer + RANKER.item_layer[item], 0)
            for weights, biases in RANKER.hidden:
                layer = np.maximum(layer @ weights + biases, 0)
            expected = person[:N_FACTORS] @ RANKER.gmf[item] + layer @ RANKER.output + RANKER.item_bias[item]
            self.assertAlmostEqual(float(RANKER.scores(rated)[item]), float(expected), places=5)

    def test_nothing_rated_gives_finite_scores(self) -> None:
        scores = RANKER.scores(EMPTY_HISTORY)
        self.assertEqual((scores.shape, scores.dtype), ((N_ITEMS,), np.dtype(np.float64)))
        self.assertTrue(np.isfinite(scores).all())
        np.testing.assert_allclose(RANKER.encode(EMPTY_HISTORY), RANKER.person_bias, rtol=1e-6)

    def test_a_film_that_nobody_rated_says_nothing(self) -> None:
        with_it = history([3, NEVER_RATED, 8], [5.0, 5.0, 3.0], [0, 2, 1])
        without = history([3, 8], [5.0, 3.0], [0, 1])
        np.testing.assert_array_equal(RANKER.scores(with_it), RANKER.scores(without))
        self.assertTrue(np.isfinite(RANKER.scores(with_it)[NEVER_RATED]))

    @settings(max_examples=50)
    @given(histories())
    def test_they_do_not_depend_on_the_order_of_the_arrays(self, rated: History) -> None:
        order = np.random.default_rng(len(rated)).permutation(len(rated))
        turned = History(rated.item[order], rated.value[order], rated.trained[order], rated.age[order])
        scores = RANKER.scores(rated)
        self.assertTrue(np.isfinite(scores).all())
        np.testing.assert_allclose(RANKER.scores(turned), scores, atol=1e-5)

    def test_the_latest_rated_speaks_loudest(self) -> None:
        new, old = history([3, 8], [5.0, 5.0], [0, 9]), history([3, 8], [5.0, 5.0], [9, 0])
        self.assertFalse(np.allclose(RANKER.scores(new), RANKER.scores(old)))
        alike = made(half_life=0.0)
        np.testing.assert_allclose(alike.scores(new), alike.scores(old), atol=1e-6)

    def test_every_star_has_its_step(self) -> None:
        self.assertEqual(steps(np.arange(1, 11) / 2).tolist(), list(range(10)))


class RescoringTestCase(SimpleTestCase):
    @settings(max_examples=60)
    @given(histories(), st.integers(0, N_ITEMS - 1), st.sampled_from([0.0, 1.0, 5.0]))
    def test_it_is_what_a_loop_over_the_history_says(self, rated: History, item: int, half_life: float) -> None:
        ranker = made(half_life)
        expected = [ranker.scores(rated.without(int(film)))[item] for film in rated.item]
        rescored = ranker.rescored_without(rated, item)
        self.assertEqual(rescored.shape, (len(rated),))
        np.testing.assert_allclose(rescored, expected, atol=1e-5)

    def test_it_knows_gaps_between_ages(self) -> None:
        rated = history([3, 17, 8, 21], [5.0, 0.5, 3.0, 4.0], [9, 2, 30, 3])
        expected = [RANKER.scores(rated.without(int(film)))[5] for film in rated.item]
        np.testing.assert_allclose(RANKER.rescored_without(rated, 5), expected, atol=1e-5)


class StorageTestCase(SimpleTestCase):
    def test_what_is_read_back_scores_the_same_bits(self) -> None:
        arrays = {name: array.copy() for name, array in RANKER.arrays().items()}
        self.assertEqual({array.dtype for array in arrays.values()}, {np.dtype(np.float32)})
        again = NeuralRanker.from_arrays(arrays, RANKER.settings())
        rated = history([3, 17, 8], [5.0, 0.5, 3.0])
        np.testing.assert_array_equal(again.scores(rated), RANKER.scores(rated))
        for name, array in again.arrays().items():
            np.testing.assert_array_equal(array, arrays[name])

    def test_a_tower_of_one_layer_is_stored_too(self) -> None:
        low = replace(RANKER, hidden=(), output=np.ones(WIDTHS[0], np.float32))
        again = NeuralRanker.from_arrays(dict(low.arrays()), low.settings())
        np.testing.assert_array_equal(again.scores(EMPTY_HISTORY), low.scores(EMPTY_HISTORY))

    def test_what_no_training_writes_is_refused(self) -> None:
        good, right = RANKER.arrays(), RANKER.settings()
        for name in good:
            with self.subTest(name):
                for wrong in (good[name][:-1], good[name].astype(np.float64), np.full_like(good[name], np.nan)):
                    with self.assertRaises(MalformedNeuralRanker):
                        NeuralRanker.from_arrays({**good, name: wrong}, right)
                with self.assertRaises(MalformedNeuralRanker):
                    NeuralRanker.from_arrays({key: array for key, array in good.items() if key != name}, right)
        for half_life in (None, True, -1.0, float("nan"), float("inf"), "5"):
            with self.subTest(half_life), self.assertRaises(MalformedNeuralRanker):
                NeuralRanker.from_arrays(good, {"neural_half_life": half_life})
        with self.assertRaises(MalformedNeuralRanker):
            NeuralRanker.from_arrays({**good, "neural_other": good["neural_voices"]}, right)
