from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from django.test import SimpleTestCase

from cinema.figure_json import from_json, to_json
from cinema.statistics import Decade, GenreTrend, SiteStatistics, Trends


@dataclass(frozen=True)
class Path:
    value: Any


def there_and_back(shape: Any, figures: Any) -> Any:
    return from_json(shape, json.loads(json.dumps(to_json(figures))))


class FigureJsonTestCase(SimpleTestCase):
    def test_figures_come_back_as_they_were(self) -> None:
        at = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
        trends = Trends(date(2026, 1, 1), [GenreTrend("Drama", 0.25, 1 / 3)])
        for trend in (trends, None):
            everything = SiteStatistics(
                as_of=at, n_movies=3, n_ratings=2, n_people=1, mean=None, distribution=[1, None], most_rated=[],
                best_rated=[], months=[], trends=trend, decades=[Decade(1990, 2, 3, 3.5)], is_shown=False,
            )  # fmt: skip
            self.assertEqual(there_and_back(SiteStatistics, everything), everything)
        self.assertEqual(there_and_back(dict[float, int], {0.5: 3, 1.0: 4}), {0.5: 3, 1.0: 4})
        self.assertTrue(math.isnan(there_and_back(float, math.nan)))

    def test_arrays_keep_their_type_and_their_shape_even_without_anything_in_them(self) -> None:
        for array in (np.arange(6).reshape(2, 3), np.empty((0, 10), np.int64)):
            back = there_and_back(np.ndarray[Any, np.dtype[np.int64]], array)
            self.assertEqual((back.dtype, back.shape), (np.int64, array.shape))
            np.testing.assert_array_equal(back, array)

    def test_what_has_another_form_is_refused(self) -> None:
        for shape, data in (
            (int, "1"), (int, True), (list[int], [1, "2"]), (Decade, [1990, 2, 3]), (Decade, "film"), (date, "today"),
            (dict[str, int], [["a"]]), (np.ndarray[Any, np.dtype[np.int64]], [[2], [1, 2, 3]]), (date, 5),
        ):  # fmt: skip
            with self.subTest(shape=shape, data=data), self.assertRaises((TypeError, ValueError)):
                from_json(shape, data)

    def test_what_has_no_form_in_json_is_not_kept(self) -> None:
        for figures in (object(), {1, 2}, b"bytes", Path(object())):
            with self.assertRaises(TypeError):
                to_json(figures)
