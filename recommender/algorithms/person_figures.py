"""Figures person by person, so that a mean can be taken over everybody and over any group of people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.metrics import Estimate, mean_with_interval

Floats = NDArray[np.float64]
People = NDArray[np.bool_]

# Measures that are sums over test ratings, not one figure a person: their terms, and whether to take a root.
_SUMS = {"rmse": ("squared_error", True), "mae": ("absolute_error", False)}
_CASES = "test_ratings"


class PersonFigures:
    """A column of ``n_people`` figures for every (measure, order, films); NaN where it is not defined for somebody.

    ``order`` names what made the predictions or the list: the model or a baseline. ``films`` names the group of films
    that a figure is restricted to, empty for all.
    """

    def __init__(self, n_people: int) -> None:
        self.n_people = n_people
        self._columns: dict[tuple[str, str, str], Floats] = {}

    def put(self, row: int, value: float | None, measure: str, order: str, films: str = "") -> None:
        """Person ``row``'s figure; None leaves it undefined."""
        if value is None:
            return
        key = (measure, order, films)
        if key not in self._columns:
            self._columns[key] = np.full(self.n_people, np.nan)
        self._columns[key][row] = value

    def put_errors(self, row: int, errors: Floats, order: str, films: str = "") -> None:
        """What RMSE and MAE are made of. ``errors``: (n,) predicted − actual of person ``row``'s test ratings."""
        if len(errors):
            self.put(row, float(np.square(errors).sum()), "squared_error", order, films)
            self.put(row, float(np.abs(errors).sum()), "absolute_error", order, films)
            self.put(row, float(len(errors)), _CASES, order, films)

    def terms(self, measure: str, order: str, *, films: str = "") -> tuple[Floats, Floats, bool]:
        """What the measure is the ratio of, person by person: (numerators, denominators, whether a root is taken), NaN
        where it is not defined for somebody."""
        nothing = np.full(self.n_people, np.nan)
        if measure in _SUMS:
            terms, root = _SUMS[measure]
            cases = self._columns.get((_CASES, order, films), nothing)
            return self._columns.get((terms, order, films), nothing), cases, root
        figures = self._columns.get((measure, order, films), nothing)
        return figures, np.where(np.isnan(figures), np.nan, 1.0), False

    def _defined(self, measure: str, order: str, films: str, people: People | None) -> Floats:
        column = self._columns.get((measure, order, films))
        if column is None:
            return np.empty(0)
        chosen = column if people is None else column[people]
        return chosen[~np.isnan(chosen)]

    def estimate(
        self,
        measure: str,
        order: str,
        *,
        seed: int,
        films: str = "",
        people: People | None = None,
        resamples: int = 1000,
    ) -> Estimate:
        """The measure over the given people (mask of (n_people,); everybody by default) with its 95 % interval."""
        if measure in _SUMS:
            terms, root = _SUMS[measure]
            sums = self._defined(terms, order, films, people)
            cases = self._defined(_CASES, order, films, people)
            return mean_with_interval(sums, cases, seed=seed, root=root, resamples=resamples)
        return mean_with_interval(self._defined(measure, order, films, people), seed=seed, resamples=resamples)

    def value(self, measure: str, order: str, *, films: str = "", people: People | None = None) -> float | None:
        """The same without an interval; None where it is defined for nobody."""
        estimate = self.estimate(measure, order, seed=0, films=films, people=people, resamples=1)
        return estimate.value if estimate.n else None

    def n_test_ratings(self, order: str, *, films: str = "", people: People | None = None) -> int:
        return int(self._defined(_CASES, order, films, people).sum())
