from __future__ import annotations

import math
from datetime import date

from django.test import SimpleTestCase

from cinema.profile_charts import (
    MapFilm,
    compact,
    distribution_chart,
    map_plot,
    months_chart,
    own_beside_crowd,
    sided,
    year_chart,
)
from cinema.statistics import MonthOfRatings


def films(*places: tuple[float, float]) -> list[MapFilm]:
    return [MapFilm(i, f"Film {i}", at, None) for i, at in enumerate(places)]


class DistributionChartTestCase(SimpleTestCase):
    def test_it_says_in_words_and_numbers_what_it_shows(self) -> None:
        drawn = distribution_chart([10, 0, 0, 0, 0, 0, 0, 30, 0, None])
        assert drawn is not None
        self.assertEqual(drawn.description, "From half a star to five. Given most often: 4 stars, 75 % of all.")
        self.assertEqual(drawn.numbers.rows[0], ["0.5", "10", "25.0 %"])
        self.assertEqual(drawn.numbers.rows[9], ["5", "fewer than 5 people", "–"])
        self.assertEqual(len(drawn.columns), 2)

    def test_it_is_missing_where_nothing_may_be_said(self) -> None:
        self.assertIsNone(distribution_chart([]))
        self.assertIsNone(distribution_chart([None] * 10))


class OwnBesideCrowdTestCase(SimpleTestCase):
    def test_it_compares_shares_not_counts(self) -> None:
        drawn = own_beside_crowd([0] * 9 + [2], [500] + [0] * 8 + [500])
        assert drawn is not None
        self.assertEqual(
            [column.title for column in drawn.columns],
            ["You, 5 ★: 100.0 %", "Everybody, 0.5 ★: 50.0 %", "Everybody, 5 ★: 50.0 %"],
        )
        self.assertEqual(drawn.numbers.rows[9], ["5", "2", "100.0 %", "50.0 %"])

    def test_it_leaves_the_crowd_out_where_there_is_none(self) -> None:
        drawn = own_beside_crowd([0] * 9 + [2], [])
        assert drawn is not None
        self.assertEqual(drawn.legend, ["You"])
        self.assertEqual(len(drawn.numbers.headings), 3)


class MonthsTestCase(SimpleTestCase):
    def test_it_names_few_years_of_many(self) -> None:
        months = [MonthOfRatings(date(1996 + i // 12, 1 + i % 12, 1), i) for i in range(250)]
        drawn = months_chart(months)
        assert drawn is not None
        self.assertTrue(4 <= len(drawn.x_ticks) <= 7)
        self.assertEqual(drawn.numbers.rows[0], ["October 2016", "249"])
        self.assertIsNone(months_chart([]))

    def test_a_year_has_twelve_months(self) -> None:
        drawn = year_chart(2016, [0] * 11 + [3])
        assert drawn is not None
        self.assertEqual([tick.label for tick in drawn.x_ticks][::11], ["Jan", "Dec"])
        self.assertEqual(drawn.description, "Most of them in December: 3.")


class SidedTestCase(SimpleTestCase):
    def test_what_has_no_value_has_no_bar(self) -> None:
        drawn = sided([1.0, None, -1.0], lambda value: value)
        self.assertEqual([bar is None for _, bar in drawn.rows], [False, True, False])
        self.assertEqual(drawn.axis, 50.0)


class CompactTestCase(SimpleTestCase):
    def test_thousands_and_millions_have_a_letter(self) -> None:
        self.assertEqual([compact(n) for n in (0, 999, 1_000, 12_500, 2_500_000)], ["0", "999", "1k", "12.5k", "2.5M"])


class MapPlotTestCase(SimpleTestCase):
    def test_a_unit_is_as_long_across_as_upwards(self) -> None:
        plot = map_plot(films((1.0, 0.0), (0.0, 1.0), (-3.0, -0.5)), None)
        right, up, _ = plot.points
        self.assertAlmostEqual(right.x - plot.zero_x, plot.zero_y - up.y, delta=0.2)
        self.assertGreater(right.x, plot.zero_x)

    def test_every_film_and_the_arrow_lie_within(self) -> None:
        for places in ([(0.0, 0.0)], [(5.0, 9.0)], [(-4.0, 0.1), (1.0, 0.2)], [(0.0, -7.0), (0.0, 0.1)]):
            for angle in range(0, 360, 15):
                toward = (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
                plot = map_plot(films(*places), toward)
                assert plot.arrow is not None
                tip = tuple(map(float, plot.arrow.head.split()[0].split(",")))
                for x, y in [tip, *((point.x, point.y) for point in plot.points)]:
                    self.assertTrue(plot.frame.left - 3 <= x <= plot.frame.right + 3, (places, angle, x))
                    self.assertTrue(plot.frame.top - 3 <= y <= plot.frame.bottom + 3, (places, angle, y))

    def test_the_arrow_points_where_the_direction_does(self) -> None:
        arrow = map_plot(films((1.0, 1.0), (-1.0, -1.0)), (0.6, 0.8)).arrow
        assert arrow is not None
        self.assertGreater(arrow.x2, arrow.x1)
        self.assertLess(arrow.y2, arrow.y1)  # up the screen
        self.assertAlmostEqual((arrow.y1 - arrow.y2) / (arrow.x2 - arrow.x1), 0.8 / 0.6, delta=0.02)
