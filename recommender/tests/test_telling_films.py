from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.telling_films import telling_films


def films(features: list[list[float]], counts: list[int]) -> FilmModel:
    """One sample, a feature for the level and those given."""
    x = np.hstack([np.ones((len(features), 1)), np.array(features)]).astype(np.float32)
    return FilmModel(
        global_mean=3.5,
        offsets=np.full((len(x), 1), 3.5, np.float32),
        features=x[:, None, :],
        noise=np.array([0.5]),
        film_noise=np.zeros(len(x), np.float32),
        watched=np.zeros((len(x), 0), np.float32),
        watched_link=np.zeros((0, 1, x.shape[1]), np.float32),
        item_counts=np.array(counts),
    )


class TellingFilmsTestCase(SimpleTestCase):
    def test_the_film_that_divides_most_comes_first(self) -> None:
        model = films([[0.1, 0.0], [2.0, 0.0], [0.0, 0.3], [-2.1, 0.0]], [50, 50, 50, 50])
        self.assertEqual(int(telling_films(model, np.ones(4, bool), 1)[0]), 3)

    def test_a_film_that_tells_the_same_again_waits(self) -> None:
        # The second is as divisive as the first, and along the same line; the third tells something new.
        model = films([[2.0, 0.0], [1.9, 0.0], [0.0, 1.5], [0.0, 0.0]], [50, 50, 50, 500])
        self.assertEqual(telling_films(model, np.array([True, True, True, False]), 3).tolist(), [0, 2, 1])

    def test_a_film_that_few_have_seen_waits_too(self) -> None:
        model = films([[2.0, 0.0], [0.0, 1.5], [0.0, -1.4]], [5, 500, 500])
        self.assertEqual(int(telling_films(model, np.ones(3, bool), 1)[0]), 1)

    def test_it_asks_about_no_film_that_nobody_has_seen_or_that_is_not_eligible(self) -> None:
        model = films([[2.0], [1.0], [0.5]], [0, 10, 10])
        self.assertEqual(telling_films(model, np.array([True, False, True]), 5).tolist(), [2])
        self.assertEqual(telling_films(model, np.zeros(3, bool), 5).tolist(), [])
