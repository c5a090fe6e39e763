from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.test import SimpleTestCase

from recommender.models import ModelVersion
from recommender.reliability_plot import ReliabilityPlot, reliability_plot


def decile(claimed: float, observed: float, interval: list[float] | None, n: int = 100) -> dict[str, Any]:
    return {"claimed": claimed, "observed": observed, "interval": interval, "n": n, "people": 40}


def plot(deciles: list[dict[str, Any]], **others: Any) -> ReliabilityPlot:
    found = {
        "within": 1.0,
        "claimed": 0.76,
        "observed": 0.769,
        "interval": [0.7, 0.8],
        "n": 20_005,
        "people": 672,
        "gap": 0.0153,
        "deciles": deciles,
        "passport": {"seed": 0, "code_version": "1+a"},
        **others,
    }
    drawn = reliability_plot(ModelVersion(diagnostics={"reliability": found}))
    assert drawn is not None
    return drawn


class ReliabilityPlotTestCase(SimpleTestCase):
    def test_it_puts_what_comes_true_on_the_diagonal(self) -> None:
        drawn = plot([decile(0.6, 0.6, [0.5, 0.7]), decile(0.75, 0.75, [0.7, 0.8]), decile(0.9, 0.8, [0.7, 0.85])])
        x1, y1, x2, y2 = drawn.diagonal
        on_diagonal = [y1 + (point.x - x1) / (x2 - x1) * (y2 - y1) for point in drawn.points]
        self.assertAlmostEqual(drawn.points[0].y, on_diagonal[0], delta=0.2)
        self.assertAlmostEqual(drawn.points[1].y, on_diagonal[1], delta=0.2)
        # Down the screen means less came true than was claimed.
        self.assertGreater(drawn.points[2].y, on_diagonal[2] + 10)

    def test_it_stays_within_its_frame(self) -> None:
        for deciles in (
            [decile(0.62, 0.3, [0.0, 0.6]), decile(0.99, 1.0, [1.0, 1.0])],
            [decile(0.95, 0.97, [0.96, 0.98])],
            [decile(0.001, 0.0, None), decile(1.0, 1.0, None)],
        ):
            drawn = plot(deciles)
            for point in drawn.points:
                for x in (point.x, point.bar_x, point.bar_x + point.bar_width):
                    self.assertTrue(drawn.left - 7 <= x <= drawn.right + 7)
                for y in (point.y, point.low, point.high):
                    self.assertTrue(y is None or drawn.top - 0.1 <= y <= drawn.bottom + 0.1)
                self.assertTrue(drawn.bottom < point.bar_y <= drawn.strip_bottom < drawn.height)
            self.assertGreaterEqual(len(drawn.x_ticks), 3)

    def test_its_strip_shows_how_many_predictions_made_each_claim(self) -> None:
        drawn = plot([decile(0.6, 0.6, None, n=300), decile(0.8, 0.8, None, n=100)])
        high, low = (point.bar_height for point in drawn.points)
        self.assertAlmostEqual(high, 3 * low, delta=0.2)
        close = plot([decile(0.70, 0.7, None), decile(0.705, 0.7, None)]).points
        self.assertLessEqual(close[0].bar_x + close[0].bar_width, close[1].bar_x)

    def test_it_says_in_words_and_numbers_what_it_shows(self) -> None:
        drawn = plot([decile(0.621, 0.683, [0.616, 0.742], n=2001), decile(0.9, 0.9, None)])
        self.assertEqual(
            drawn.description,
            "Of 20,005 predictions, 76.0 % were claimed to lie within 1 star of the rating, and 76.9 % did. "
            "From tenth to tenth of the claims the two differ by 1.5 points on average.",
        )
        self.assertEqual(drawn.rows[0], ["62.1 %", "68.3 %", "61.6 % to 74.2 %", "2,001", "40"])
        self.assertEqual(drawn.rows[1][2], "–")
        self.assertEqual(drawn.passport, [("Seed", "0"), ("Code", "1+a")])

    def test_its_picture_has_a_title_a_description_and_no_style(self) -> None:
        page = render_to_string("recommender/_reliability.html", {"plot": plot([decile(0.6, 0.6, [0.5, 0.7])])})
        self.assertIn('role="img" aria-labelledby="reliability-title reliability-desc"', page)
        self.assertIn('<desc id="reliability-desc">Of 20,005 predictions', page)
        self.assertEqual(page.count("<circle"), 2)  # the point and the legend
        self.assertNotIn("style=", page)

    def test_it_is_missing_for_a_version_without_the_figures(self) -> None:
        self.assertIsNone(reliability_plot(ModelVersion()))
        self.assertIsNone(reliability_plot(ModelVersion(diagnostics={"reliability": None})))
        self.assertIsNone(reliability_plot(ModelVersion(diagnostics={"reliability": {"deciles": []}})))
