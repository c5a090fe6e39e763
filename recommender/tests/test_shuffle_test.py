from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.shuffle_test import Case, percentile, shuffle_test


class PercentileTestCase(SimpleTestCase):
    def test_it_is_the_share_of_other_films_below(self) -> None:
        scores = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
        self.assertEqual([percentile(scores.copy(), row) for row in range(5)], [0.0, 0.25, 0.5, 0.75, 1.0])

    def test_ties_count_half_and_unwanted_films_not_at_all(self) -> None:
        self.assertEqual(percentile(np.array([1.0, 1.0, 1.0]), 0), 0.5)
        self.assertEqual(percentile(np.array([2.0, 1.0, -np.inf, 3.0]), 0), 0.5)
        self.assertEqual(percentile(np.array([1.0]), 0), 0.5)

    def test_chance_gives_a_half(self) -> None:
        rng = np.random.default_rng(0)
        places = [percentile(rng.random(200), int(rng.integers(200))) for _ in range(500)]
        self.assertAlmostEqual(float(np.mean(places)), 0.5, delta=0.03)


class ShuffleTestTestCase(SimpleTestCase):
    def cases(self, model: float, popularity: float, *, people: int = 40) -> list[Case]:
        rng = np.random.default_rng(1)

        def near(value: float) -> float:
            return float(np.clip(value + rng.normal(0, 0.1), 0, 1))

        return [Case(person, near(model), near(popularity)) for person in range(people) for _ in range(3)]

    def test_lists_that_know_people_beat_both(self) -> None:
        found = shuffle_test(self.cases(0.9, 0.8))
        self.assertEqual((found.beats_chance, found.beats_popularity), (True, True))
        self.assertEqual((found.n, found.people), (120, 40))

    def test_lists_by_chance_beat_nothing(self) -> None:
        found = shuffle_test(self.cases(0.5, 0.8))
        self.assertEqual((found.beats_chance, found.beats_popularity), (None, False))

    def test_worse_than_chance_is_said(self) -> None:
        self.assertIs(shuffle_test(self.cases(0.3, 0.8)).beats_chance, False)

    def test_one_person_proves_nothing(self) -> None:
        found = shuffle_test(self.cases(0.99, 0.5, people=1))
        self.assertEqual((found.model_interval, found.beats_chance, found.beats_popularity), (None, None, None))

    def test_people_are_drawn_not_ratings(self) -> None:
        few = [Case(person, 0.4 + 0.4 * person, 0.5) for person in range(2) for _ in range(200)]
        found = shuffle_test(few)
        assert found.model_interval is not None
        self.assertLess(found.model_interval[0], 0.45)
        self.assertIsNone(found.beats_chance)
