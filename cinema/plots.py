"""What every drawing is made of: a frame with scales and ticks, columns, bars to both sides, points with names.

Numbers ready to draw; a template only places them, so no JavaScript is needed to see them. Coordinates are in units of
the drawing's view box, x to the right and y down the screen, rounded to a tenth. Nothing here knows what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Scale = Callable[[float], float]

# The part of a column's place that its columns fill.
_FILLED = 0.78


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of a drawing in which values are placed."""

    left: float
    right: float
    top: float
    bottom: float

    def across(self, low: float, high: float) -> Scale:
        """From values, ``low`` at the left edge and ``high`` at the right one. All at the left if there is no span."""

        def place(value: float) -> float:
            return round(self.left + (value - low) / ((high - low) or 1) * (self.right - self.left), 1)

        return place

    def up(self, low: float, high: float) -> Scale:
        """From values, ``low`` at the bottom and ``high`` at the top. All at the bottom if there is no span."""

        def place(value: float) -> float:
            return round(self.bottom - (value - low) / ((high - low) or 1) * (self.bottom - self.top), 1)

        return place


def round_values(low: float, high: float, about: int = 4) -> list[float]:
    """A few round numbers between ``low`` and ``high``, which must differ."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    first = math.ceil(low / step)
    return [i * step for i in range(first, math.floor(high / step) + 1)]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The table below a drawing that says the same."""

    headings: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Column:
    """One upright bar. ``title`` is what is read when it is pointed at."""

    series: int
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class ColumnChart:
    key: str  # its id on the page
    title: str
    description: str
    width: int
    height: int
    frame: Frame
    columns: list[Column]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    legend: list[str]  # names of the series, where there are several
    numbers: Numbers


def column_chart(
    *,
    key: str,
    title: str,
    description: str,
    labels: Sequence[str],
    series: Sequence[Sequence[float | None]],
    column_title: Callable[[int, int], str],
    y_label: Callable[[float], str],
    numbers: Numbers,
    legend: Sequence[str] = (),
    width: int = 640,
    height: int = 240,
) -> ColumnChart | None:
    """Columns from zero, those of all ``series`` side by side at each place.

    ``labels``: one for each place, empty where there should be none. ``series``: values of the same length, None where
    nothing may or can be said. ``column_title(series, place)``: words for one column. None if nothing is above zero.
    """
    known = [value for values in series for value in values if value is not None and math.isfinite(value)]
    high = max(known, default=0.0)
    if high <= 0:
        return None
    frame = Frame(46.0, width - 8.0, 12.0, height - 28.0)
    up = frame.up(0.0, 1.06 * high)
    place = (frame.right - frame.left) / len(labels)
    wide = place * _FILLED / len(series)
    columns = []
    for number, values in enumerate(series):
        for i, value in enumerate(values):
            if value is None or not math.isfinite(value) or value <= 0:
                continue
            x = frame.left + place * (i + (1 - _FILLED) / 2) + wide * number
            y = up(value)
            drawn = max(0.5, round(frame.bottom - y, 1))
            columns.append(
                Column(
                    number, round(x, 1), round(frame.bottom - drawn, 1), round(wide, 2), drawn, column_title(number, i)
                )
            )
    return ColumnChart(
        key=key,
        title=title,
        description=description,
        width=width,
        height=height,
        frame=frame,
        columns=columns,
        x_ticks=[Tick(round(frame.left + place * (i + 0.5), 1), label) for i, label in enumerate(labels) if label],
        y_ticks=[Tick(up(value), y_label(value)) for value in round_values(0.0, 1.06 * high)],
        legend=list(legend),
        numbers=numbers,
    )


@dataclass(frozen=True, slots=True)
class SideBar:
    """A bar to the right of an axis (to the left if negative). ``x`` and ``width`` are percentages of the width."""

    x: float
    width: float
    is_negative: bool


def side_bars(values: Sequence[float], *, least: float = 0.05) -> tuple[float, list[SideBar]]:
    """Where zero lies, in percent, and a bar for each value.

    The longest bar to each side decides the scale; neither side is shorter than ``least``, for an axis at the edge
    would hide which side is which.
    """
    left = max(least, max((-value for value in values), default=0.0))
    right = max(least, max(values, default=0.0))
    span = (left + right) or 1.0
    axis = 100 * left / span
    bars = []
    for value in values:
        width = 100 * abs(value) / span
        bars.append(SideBar(round(axis if value >= 0 else axis - width, 2), round(width, 2), value < 0))
    return round(axis, 2), bars


@dataclass(frozen=True, slots=True)
class PlacedName:
    """Where the name of a point stands. ``anchor`` is SVG's text-anchor."""

    x: float
    y: float
    anchor: str


def place_names(
    points: Sequence[tuple[float, float]], names: Sequence[str], frame: Frame, *, font_size: float, gap: float = 8.0
) -> list[PlacedName | None]:
    """Puts each name beside its point where it covers neither a point nor an earlier name; None where it cannot.

    ``points``: (x, y) of the drawing, the most important first. Letters are taken for 0.62 ems wide: the wider ones of
    the systems' sans serifs are about that.
    """
    taken: list[tuple[float, float, float, float]] = []
    found: list[PlacedName | None] = []
    for i, ((x, y), name) in enumerate(zip(points, names, strict=True)):
        wide = 0.62 * font_size * len(name)
        placed = None
        for anchor in ("start", "end"):
            left = x + gap if anchor == "start" else x - gap - wide
            box = (left, y - 0.6 * font_size, left + wide, y + 0.6 * font_size)
            if box[0] < frame.left or box[2] > frame.right or box[1] < frame.top or box[3] > frame.bottom:
                continue
            covers_point = any(
                box[0] - 4 < a < box[2] + 4 and box[1] - 3 < b < box[3] + 3 for j, (a, b) in enumerate(points) if j != i
            )
            if covers_point or any(_overlap(box, other) for other in taken):
                continue
            taken.append(box)
            placed = PlacedName(round(x + gap if anchor == "start" else x - gap, 1), y, anchor)
            break
        found.append(placed)
    return found


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
