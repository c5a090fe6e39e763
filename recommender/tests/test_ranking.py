from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.ranking import ShrunkRatingRanker


class ShrunkRatingRankerTestCase(SimpleTestCase):
    raw = np.array([5.0, 4.0, 4.0])
    counts = np.array([0, 10, 1000])

    def test_it_trusts_films_with_few_raters_less(self) -> None:
        scores = ShrunkRatingRanker(10.0, 0.0).blend(self.raw, 3.0, self.counts, np.log2(1.0 + self.counts))
        self.assertEqual(scores[0], 3.0)
        self.assertEqual(scores[1], 3.5)
        self.assertGreater(scores[2], scores[1])

    def test_it_prefers_popular_films_as_much_as_it_is_told(self) -> None:
        ranker = ShrunkRatingRanker(0.0, 0.5)
        scores = ranker.blend(self.raw, 3.0, self.counts, np.log2(1.0 + self.counts))
        self.assertAlmostEqual(scores[2] - scores[1], 0.5 * np.log2(1001 / 11))

    def test_it_stays_finite_for_films_without_ratings_and_without_shrinkage(self) -> None:
        scores = ShrunkRatingRanker(0.0, 0.0).blend(self.raw, 3.0, self.counts, np.log2(1.0 + self.counts))
        self.assertTrue(np.isfinite(scores).all())
