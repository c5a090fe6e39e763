"""The drawings of the pages that look back: ratings by value and by month, bars to both sides, the taste map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

import numpy as np
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cinema.models import MIN_PEOPLE, RATING_VALUES
from cinema.plots import ColumnChart, Frame, Numbers, PlacedName, SideBar, column_chart, place_names, side_bars
from cinema.statistics import MonthOfRatings

Item = TypeVar("Item")

# So wide that a label is legible when the drawing is squeezed onto a phone.
WIDTH = 560
# At most so many years are named below a chart of months.
MAX_YEARS_NAMED = 7
# Sizes of letters in the map's units, on a wide page and on a phone; the style sheet sets the same.
WIDE_LETTERS, NARROW_LETTERS = 12.0, 20.0
# How far the films of the map stay from its edges.
_INSIDE = 22.0


def value_labels() -> list[str]:
    return [f"{value:g}" for value in RATING_VALUES]


def share(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def compact(n: float) -> str:
    """12500 as 12.5k."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if n >= unit:
            return f"{n / unit:g}{letter}"
    return f"{n:g}"


def counted(n: int) -> str:
    return ngettext("%(n)s rating", "%(n)s ratings", n) % {"n": f"{n:,}"}


def too_few() -> str:
    return _("fewer than %(n)d people") % {"n": MIN_PEOPLE}


def distribution_chart(counts: Sequence[int | None]) -> ColumnChart | None:
    """How often each value was given; None for one that too few people gave, nothing where too few rate at all."""
    if not counts:
        return None
    known = sum(n for n in counts if n is not None)
    labels = value_labels()
    most = max(range(len(counts)), key=lambda i: counts[i] or 0)
    return column_chart(
        key="distribution",
        title=_("Ratings by value"),
        description=_("From half a star to five. Given most often: %(value)s stars, %(share)s of all.")
        % {"value": labels[most], "share": share((counts[most] or 0) / max(1, known))},
        labels=labels,
        series=[counts],
        column_title=lambda _series, i: f"{labels[i]} ★: {counted(counts[i] or 0)}",
        y_label=compact,
        numbers=Numbers(
            [_("Stars"), _("Ratings"), _("Share")],
            [
                [label, too_few() if n is None else f"{n:,}", share(None if n is None else n / max(1, known), 1)]
                for label, n in zip(labels, counts, strict=True)
            ],
        ),
        width=WIDTH,
    )


def own_beside_crowd(own: Sequence[int], crowd: Sequence[int | None]) -> ColumnChart | None:
    """Shares of each value; ``crowd`` is empty where nothing may be said of it."""
    labels = value_labels()
    mine = [n / max(1, sum(own)) for n in own]
    everybody = sum(n for n in crowd if n is not None)
    theirs = [None if n is None else n / max(1, everybody) for n in crowd]
    series: list[Sequence[float | None]] = [mine, theirs] if theirs else [mine]
    legend = [_("You"), _("Everybody")]
    most = max(range(len(own)), key=lambda i: own[i])
    return column_chart(
        key="values",
        title=_("Your ratings beside everybody’s"),
        description=_("You gave %(value)s stars most often: to %(share)s of your films.")
        % {"value": labels[most], "share": share(mine[most])},
        labels=labels,
        series=series,
        column_title=lambda number, i: f"{legend[number]}, {labels[i]} ★: {share(series[number][i], 1)}",
        y_label=share,
        numbers=Numbers(
            [_("Stars"), _("Your films"), _("Your share"), *([_("Everybody’s share")] if theirs else [])],
            [
                [label, f"{n:,}", share(mine[i], 1), *([share(theirs[i], 1)] if theirs else [])]
                for i, (label, n) in enumerate(zip(labels, own, strict=True))
            ],
        ),
        legend=legend[: len(series)],
        width=WIDTH,
    )


def months_chart(months: Sequence[MonthOfRatings]) -> ColumnChart | None:
    """Ratings by month, the years named below."""
    if not months:
        return None
    every = -(-len({month.first.year for month in months}) // MAX_YEARS_NAMED)
    first_year = months[0].first.year

    def label(month: MonthOfRatings, i: int) -> str:
        begins = month.first.month == 1 or i == 0
        return str(month.first.year) if begins and (month.first.year - first_year) % every == 0 else ""

    named = [date_format(month.first, "F Y") for month in months]
    return column_chart(
        key="months",
        title=_("Ratings by month"),
        description=_("From %(first)s to %(last)s. Months in which fewer than %(n)d people rated are left out.")
        % {"first": named[0], "last": named[-1], "n": MIN_PEOPLE},
        labels=[label(month, i) for i, month in enumerate(months)],
        series=[[month.n for month in months]],
        column_title=lambda _series, i: f"{named[i]}: {counted(months[i].n or 0)}",
        y_label=compact,
        numbers=Numbers(
            [_("Month"), _("Ratings")],
            [
                [name, too_few() if month.n is None else f"{month.n:,}"]
                for name, month in zip(reversed(named), reversed(months), strict=True)
            ],
        ),
        width=WIDTH,
    )


def year_chart(year: int, by_month: Sequence[int]) -> ColumnChart | None:
    """Twelve columns."""
    firsts = [date(year, month, 1) for month in range(1, 13)]
    names = [date_format(first, "F") for first in firsts]
    most = max(range(12), key=lambda i: by_month[i])
    return column_chart(
        key="year",
        title=_("Films by month"),
        description=_("Most of them in %(month)s: %(n)d.") % {"month": names[most], "n": by_month[most]},
        labels=[date_format(first, "M") for first in firsts],
        series=[by_month],
        column_title=lambda _series, i: f"{names[i]}: {by_month[i]}",
        y_label=lambda n: f"{n:g}" if n == int(n) else "",
        numbers=Numbers([_("Month"), _("Films")], [[name, str(n)] for name, n in zip(names, by_month, strict=True)]),
        width=WIDTH,
        height=210,
    )


@dataclass(frozen=True, slots=True)
class Sided(Generic[Item]):
    """Rows of a table with a bar each, to both sides of one axis."""

    axis: float
    rows: list[tuple[Item, SideBar | None]]


def sided(items: Sequence[Item], value: Callable[[Item], float | None], *, least: float = 0.05) -> Sided[Item]:
    """No bar where there is no value."""
    values = [value(item) for item in items]
    axis, bars = side_bars([0.0 if one is None else one for one in values], least=least)
    return Sided(
        axis, [(item, None if one is None else bar) for item, one, bar in zip(items, values, bars, strict=True)]
    )


@dataclass(frozen=True, slots=True)
class MapFilm:
    """A film of the taste map. ``rating``: the person's own, where they loved it."""

    movie_id: int
    title: str
    at: tuple[float, float]
    rating: float | None


@dataclass(frozen=True, slots=True)
class MapPoint:
    film: MapFilm
    x: float
    y: float
    name: PlacedName | None  # always shown
    narrow_name: PlacedName | None  # shown on a phone instead
    pointed_at: PlacedName  # shown when it is pointed at


@dataclass(frozen=True, slots=True)
class Arrow:
    x1: float
    y1: float
    x2: float
    y2: float
    head: str  # points of a polygon


@dataclass(frozen=True, slots=True)
class MapPlot:
    width: int
    height: int
    frame: Frame
    zero_x: float
    zero_y: float
    points: list[MapPoint]
    arrow: Arrow | None

    @property
    def middle(self) -> float:
        return (self.frame.left + self.frame.right) / 2

    @property
    def inner_width(self) -> float:
        return self.frame.right - self.frame.left

    @property
    def inner_height(self) -> float:
        return self.frame.bottom - self.frame.top


def map_plot(films: Sequence[MapFilm], toward: Sequence[float] | None) -> MapPlot:
    """``films``: the most important first. ``toward``: the unit vector of the person's direction.

    One unit is as long across as upwards, so that directions are what they look like.
    """
    width, height = WIDTH, 500
    frame = Frame(10.0, width - 10.0, 26.0, height - 26.0)
    at = np.array([(0.0, 0.0), *(film.at for film in films)])  # the middle of the known films is on the map as well
    low, high = at.min(axis=0), at.max(axis=0)
    room = np.array([frame.right - frame.left - 2 * _INSIDE, frame.bottom - frame.top - 2 * _INSIDE])
    unit = float((room / np.maximum(high - low, 1e-9)).min())
    middle = (low + high) / 2

    def place(across: float, upwards: float) -> tuple[float, float]:
        x = (frame.left + frame.right) / 2 + unit * (across - middle[0])
        return round(float(x), 1), round(float((frame.top + frame.bottom) / 2 - unit * (upwards - middle[1])), 1)

    zero_x, zero_y = place(0.0, 0.0)
    places = [place(*film.at) for film in films]
    titles = [film.title if len(film.title) <= 24 else f"{film.title[:23].rstrip()}…" for film in films]
    wide = place_names(places, titles, frame, font_size=WIDE_LETTERS, gap=11.0)
    narrow = place_names(places, titles, frame, font_size=NARROW_LETTERS, gap=12.0)
    points = []
    for film, (x, y), name, narrow_name in zip(films, places, wide, narrow, strict=True):
        side = "start" if x < zero_x else "end"
        pointed_at = PlacedName(x + (11.0 if side == "start" else -11.0), y, side)
        points.append(MapPoint(film, x, y, name, narrow_name, pointed_at))
    return MapPlot(
        width=width,
        height=height,
        frame=frame,
        zero_x=zero_x,
        zero_y=zero_y,
        points=points,
        arrow=None if toward is None else _arrow(frame, zero_x, zero_y, toward[0], -toward[1]),
    )


def _arrow(frame: Frame, x: float, y: float, across: float, down: float) -> Arrow:
    # As long as there is room for, up to a third of the map.
    room_across = (frame.right - x if across > 0 else x - frame.left) / max(1e-9, abs(across))
    room_down = (frame.bottom - y if down > 0 else y - frame.top) / max(1e-9, abs(down))
    length = max(24.0, min(160.0, room_across - 6, room_down - 6))
    end_x, end_y = x + length * across, y + length * down
    base_x, base_y = x + (length - 16) * across, y + (length - 16) * down
    corners = [
        (end_x, end_y),
        (base_x - 7 * down, base_y + 7 * across),
        (base_x + 7 * down, base_y - 7 * across),
    ]
    head = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
    return Arrow(round(x, 1), round(y, 1), round(base_x, 1), round(base_y, 1), head)
