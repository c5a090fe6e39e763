from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.template.loader import render_to_string
from django.test import SimpleTestCase

from mlops.charts import Chart, Series, line_chart, metric_charts, training_chart
from recommender.models import ModelVersion


def history(*validation: float | None) -> list[dict[str, Any]]:
    return [
        {"epoch": i, "train_rmse": 1.0 - i / 100, "validation_rmse": value, "seconds": 0.5 * i}
        for i, value in enumerate(validation, start=1)
    ]


def chart(values: Sequence[float | None], **extra: Any) -> Chart | None:
    given: dict[str, Any] = {
        "key": "test",
        "title": "Test",
        "description": "A test",
        "x": [float(i) for i in range(len(values))],
        "x_labels": [str(i) for i in range(len(values))],
        "series": [Series("one", values)],
        "headings": [],
        "rows": [],
        **extra,
    }
    return line_chart(**given)


class LineChartTestCase(SimpleTestCase):
    def test_it_works(self) -> None:
        drawn = chart([1.0, 3.0, 2.0])
        assert drawn is not None
        path = drawn.lines[0].path
        points = [tuple(map(float, part.split())) for part in path[1:].split("L")]
        self.assertEqual(len(points), 3)
        self.assertEqual([point[0] for point in points], sorted(point[0] for point in points))
        # Down the screen means smaller.
        self.assertGreater(points[0][1], points[2][1])
        self.assertGreater(points[2][1], points[1][1])
        self.assertEqual((drawn.lines[0].last_x, drawn.lines[0].last_y), points[-1])

    def test_it_stays_within_its_frame(self) -> None:
        for values in ([0.0, 1e-9], [5.0, 5.0], [-1e6, 1e6], [0.9, 0.8, 0.7]):
            drawn = chart(values)
            assert drawn is not None
            for tick in drawn.y_ticks:
                self.assertLessEqual(0, tick.at)
                self.assertLessEqual(tick.at, drawn.bottom)
            self.assertTrue(drawn.y_ticks, values)

    def test_it_interrupts_the_line_where_a_value_is_missing(self) -> None:
        drawn = chart([1.0, None, 2.0, math.nan, math.inf, 3.0, 4.0])
        assert drawn is not None
        self.assertEqual(drawn.lines[0].path.count("M"), 3)
        self.assertNotIn("nan", drawn.lines[0].path)

    def test_it_draws_nothing_from_one_point(self) -> None:
        self.assertIsNone(chart([]))
        self.assertIsNone(chart([1.0]))
        self.assertIsNone(chart([None, None]))

    def test_it_keeps_the_target_in_sight(self) -> None:
        drawn = chart([0.9, 0.88], target=1.0)
        assert drawn is not None and drawn.target_y is not None
        self.assertGreater(drawn.target_y, 0)
        self.assertLess(drawn.target_y, drawn.lines[0].last_y)

    def test_it_labels_few_of_many_points(self) -> None:
        drawn = chart([float(i) for i in range(100)])
        assert drawn is not None
        self.assertLessEqual(len(drawn.x_ticks), 8)


class TrainingChartTestCase(SimpleTestCase):
    def test_it_says_in_words_and_numbers_what_it_shows(self) -> None:
        drawn = training_chart(history(1.0, 0.95, 0.93))
        assert drawn is not None
        self.assertEqual(
            drawn.description, "After epoch 3: 0.970 on the ratings it learns from, 0.930 on ratings held back."
        )
        self.assertEqual(drawn.rows[1], ["2", "0.980", "0.950", "1.0"])

    def test_it_works_without_validation(self) -> None:
        drawn = training_chart(history(None, None))
        assert drawn is not None
        self.assertEqual([line.label for line in drawn.lines], ["Ratings it learns from"])
        self.assertIsNone(training_chart([]))

    def test_its_picture_has_a_title_a_description_and_no_style(self) -> None:
        page = render_to_string("mlops/_chart.html", {"chart": training_chart(history(1.0, 0.9))})
        self.assertIn('role="img" aria-labelledby="history-title history-desc"', page)
        self.assertIn('<desc id="history-desc">After epoch 2', page)
        self.assertNotIn("style=", page)


class MetricChartsTestCase(SimpleTestCase):
    def test_it_follows_the_metrics_over_versions(self) -> None:
        versions = [
            ModelVersion(label=f"v{i}", metrics={"rmse": {"value": 0.9 + i / 100}, "coverage_at_10": {"value": 0.1}})
            for i in range(3)
        ]
        charts = metric_charts(versions)
        self.assertEqual([drawn.title for drawn in charts], ["RMSE", "Coverage@10"])
        self.assertEqual(charts[0].rows[2], ["v2", "0.920"])
        self.assertEqual(metric_charts(versions[:1]), [])
