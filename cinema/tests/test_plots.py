from __future__ import annotations

from itertools import pairwise

from django.test import SimpleTestCase

from cinema.plots import ColumnChart, Frame, Numbers, column_chart, place_names, round_values, side_bars


def columns(*series: list[float | None]) -> ColumnChart | None:
    return column_chart(
        key="test",
        title="Test",
        description="A test",
        labels=[str(i) if i % 2 == 0 else "" for i in range(len(series[0]))],
        series=series,
        column_title=lambda number, place: f"{number} at {place}",
        y_label=lambda value: f"{value:g}",
        numbers=Numbers([], []),
    )


class ScalesTestCase(SimpleTestCase):
    def test_a_frame_places_low_values_at_the_left_and_at_the_bottom(self) -> None:
        frame = Frame(left=10.0, right=110.0, top=5.0, bottom=55.0)
        self.assertEqual([frame.across(2.0, 4.0)(value) for value in (2.0, 3.0, 4.0)], [10.0, 60.0, 110.0])
        self.assertEqual([frame.up(2.0, 4.0)(value) for value in (2.0, 3.0, 4.0)], [55.0, 30.0, 5.0])

    def test_a_frame_takes_one_value_for_all(self) -> None:
        frame = Frame(left=10.0, right=110.0, top=5.0, bottom=55.0)
        self.assertEqual((frame.across(3.0, 3.0)(3.0), frame.up(3.0, 3.0)(3.0)), (10.0, 55.0))

    def test_ticks_are_round_and_few(self) -> None:
        self.assertEqual(round_values(0.0, 100.0), [0.0, 25.0, 50.0, 75.0, 100.0])
        self.assertEqual(round_values(0.83, 1.17), [0.9, 1.0, 1.1])
        for high in (0.003, 1.0, 7.0, 12_345.0, 3e7):
            self.assertTrue(3 <= len(round_values(0.0, high)) <= 6, high)


class ColumnChartTestCase(SimpleTestCase):
    def test_its_columns_stand_on_the_ground_and_are_as_high_as_their_values(self) -> None:
        drawn = columns([1.0, 2.0, 4.0])
        assert drawn is not None
        for column in drawn.columns:
            self.assertAlmostEqual(column.y + column.height, drawn.frame.bottom, delta=0.11)
            self.assertGreaterEqual(column.y, drawn.frame.top)
        low, middle, high = (column.height for column in drawn.columns)
        self.assertAlmostEqual(middle, 2 * low, delta=0.2)
        self.assertAlmostEqual(high, 4 * low, delta=0.4)

    def test_the_columns_of_several_series_stand_side_by_side(self) -> None:
        drawn = columns([1.0, 2.0], [3.0, 1.0])
        assert drawn is not None
        by_x = sorted(drawn.columns, key=lambda column: column.x)
        self.assertEqual([column.title for column in by_x], ["0 at 0", "1 at 0", "0 at 1", "1 at 1"])
        for a, b in pairwise(by_x):
            self.assertLessEqual(a.x + a.width, b.x + 0.1)
        self.assertLessEqual(by_x[-1].x + by_x[-1].width, drawn.frame.right)

    def test_it_draws_no_column_where_nothing_is_known(self) -> None:
        drawn = columns([1.0, None, 0.0, float("nan"), 2.0])
        assert drawn is not None
        self.assertEqual([column.title for column in drawn.columns], ["0 at 0", "0 at 4"])
        self.assertEqual([tick.label for tick in drawn.x_ticks], ["0", "2", "4"])

    def test_something_small_can_still_be_seen(self) -> None:
        drawn = columns([1e-6, 1e6])
        assert drawn is not None
        self.assertEqual(drawn.columns[0].height, 0.5)

    def test_it_is_missing_where_all_is_nothing(self) -> None:
        self.assertIsNone(columns([0.0, 0.0]))
        self.assertIsNone(columns([None]))
        self.assertIsNone(columns([]))


class SideBarsTestCase(SimpleTestCase):
    def test_they_reach_to_both_sides_of_the_axis(self) -> None:
        axis, (plus, minus, none) = side_bars([3.0, -1.0, 0.0])
        self.assertEqual(axis, 25.0)
        self.assertEqual((plus.x, plus.width, plus.is_negative), (25.0, 75.0, False))
        self.assertEqual((minus.x, minus.width, minus.is_negative), (0.0, 25.0, True))
        self.assertEqual((none.x, none.width), (25.0, 0.0))

    def test_the_axis_is_never_at_the_edge(self) -> None:
        for values in ([1.0, 2.0], [-1.0, -2.0], [0.0], []):
            axis, _ = side_bars(values)
            self.assertTrue(0 < axis < 100, values)

    def test_an_axis_may_be_wanted_at_the_edge(self) -> None:
        axis, (half, whole) = side_bars([1.0, 2.0], least=0.0)
        self.assertEqual((axis, half.width, whole.width), (0.0, 50.0, 100.0))
        self.assertEqual(side_bars([], least=0.0), (0.0, []))


class PlaceNamesTestCase(SimpleTestCase):
    frame = Frame(0.0, 200.0, 0.0, 100.0)

    def test_a_name_stands_at_the_right_of_its_point_or_else_at_the_left(self) -> None:
        middle, right = place_names([(50.0, 50.0), (190.0, 20.0)], ["Alien", "Heat"], self.frame, font_size=10)
        assert middle is not None and right is not None
        self.assertEqual((middle.x, middle.anchor), (58.0, "start"))
        self.assertEqual((right.x, right.anchor), (182.0, "end"))

    def test_a_name_that_would_cover_an_earlier_one_or_leave_the_frame_is_left_out(self) -> None:
        names = ["A long name to read", "Another long name"]
        first, second = place_names([(50.0, 50.0), (50.0, 54.0)], names, self.frame, font_size=10)
        self.assertIsNotNone(first)
        self.assertIsNone(second)
        (outside,) = place_names([(100.0, 50.0)], ["x" * 60], self.frame, font_size=10)
        self.assertIsNone(outside)

    def test_a_name_covers_no_other_point(self) -> None:
        first, _ = place_names([(20.0, 50.0), (45.0, 50.0)], ["Long name", "B"], self.frame, font_size=10)
        self.assertIsNone(first)
