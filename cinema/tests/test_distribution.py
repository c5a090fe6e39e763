from __future__ import annotations

from itertools import pairwise

from django.test import SimpleTestCase

from cinema.distribution import HEIGHT, WIDTH, distribution
from cinema.models import RATING_VALUES, Movie
from recommender.tests.stored_versions import CatalogueTestCase, make_crowd, rate


class DistributionTestCase(SimpleTestCase):
    def test_the_highest_column_fills_the_height(self) -> None:
        columns = distribution([0, 0, 1, 0, 2, 4, 0, 8, 4, 1], None)
        self.assertEqual([column.value for column in columns], list(RATING_VALUES))
        self.assertEqual((columns[7].y, columns[7].height), (0.0, HEIGHT))
        self.assertEqual(columns[4].height, HEIGHT / 4)
        self.assertEqual((columns[0].height, columns[0].y), (0.0, HEIGHT))
        self.assertEqual(columns[7].share, 0.4)

    def test_a_single_rating_among_thousands_is_seen(self) -> None:
        self.assertEqual(distribution([1, 0, 0, 0, 0, 0, 0, 0, 0, 9000], None)[0].height, 1.5)

    def test_columns_stay_within_the_drawing(self) -> None:
        columns = distribution([1] * 10, None)
        self.assertLessEqual(columns[-1].x + columns[-1].width, WIDTH)
        self.assertTrue(all(a.x + a.width < b.x for a, b in pairwise(columns)))

    def test_it_marks_ones_own_rating(self) -> None:
        self.assertEqual([column.value for column in distribution([1] * 10, 3.5) if column.is_yours], [3.5])


class DistributionOnTheFilmPageTestCase(CatalogueTestCase):
    def test_it_adds_up_to_what_the_average_says(self) -> None:
        make_crowd()
        summary = Movie.objects.get(pk=60).rating_summary()
        self.assertEqual(sum(summary["distribution"]), summary["count"])
        mean = sum(v * n for v, n in zip(RATING_VALUES, summary["distribution"], strict=True)) / summary["count"]
        self.assertAlmostEqual(summary["average"], mean)
        self.assertContains(self.client.get("/movies/60"), 'class="distribution"')

    def test_fewer_than_five_peoples_ratings_are_not_shown(self) -> None:
        rate(self.alice, {5: 4.0})
        rate(self.bob, {5: 3.0})
        self.assertEqual(Movie.objects.get(pk=60).rating_summary(), {"count": 2, "average": None, "distribution": None})
        self.assertNotContains(self.client.get("/movies/60"), 'class="distribution"')
