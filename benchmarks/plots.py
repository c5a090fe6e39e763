"""Bars and growth lines as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from recommender.benchmarks.plot_file import plot_file

_WIDTH, _MARGIN, _LABELS, _BARS_END = 760, 16, 270, 660
_HEAD, _ROW, _GAP = 34, 24, 18


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: float
    shown: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Bars:
    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Curve:
    label: str
    points: Sequence[tuple[float, float]]  # x and y, both above 0
    is_ours: bool = True


@dataclass(frozen=True, slots=True)
class Growth:
    """Both axes logarithmic with equal decades, so that what grows in proportion rises at 45 degrees."""

    title: str
    unit: str
    curves: Sequence[Curve]


def bars(panels: Sequence[Bars], *, title: str, description: str) -> str:
    """The whole file, panels one below the other; one without bars is left out."""
    parts: list[str] = []
    top = _MARGIN
    for panel in panels:
        if not panel.bars:
            continue
        parts.append(f'<text class="head" x="{_MARGIN}" y="{top + 16}">{escape(panel.title)}</text>')
        longest = max(bar.value for bar in panel.bars) or 1.0
        for number, bar in enumerate(panel.bars):
            y = top + _HEAD + _ROW * number
            kind = " ours" if bar.is_ours else ""
            width = round(max(1.0, bar.value / longest * (_BARS_END - _LABELS)), 1)
            parts += [
                f'<text class="label{kind}" x="{_LABELS - 10}" y="{y + 12}" text-anchor="end">'
                f"{escape(bar.label)}</text>",
                f'<rect class="bar{kind}" x="{_LABELS}" y="{y}" width="{width}" height="16" rx="2"/>',
                f'<text class="value{kind}" x="{_LABELS + width + 8}" y="{y + 12}">{escape(bar.shown)}</text>',
            ]
        top += _HEAD + _ROW * len(panel.bars) + _GAP
    return plot_file(parts, _WIDTH, top, title=title, description=description)


def growth(panels: Sequence[Growth], *, title: str, description: str) -> str:
    """The whole file, two panels a line; one without points is left out."""
    panels = [panel for panel in panels if any(curve.points for curve in panel.curves)]
    size, left, head, foot = 250, 70, 34, 46
    width = 2 * (left + size + 50)
    parts: list[str] = []
    top = _MARGIN
    for first in range(0, len(panels), 2):
        for column, panel in enumerate(panels[first : first + 2]):
            parts += _growth_panel(panel, left + column * (left + size + 50), top + head, size)
        most = max(len(panel.curves) for panel in panels[first : first + 2])
        top += head + size + foot + 16 * most
    return plot_file(parts, width, top, title=title, description=description)


def _growth_panel(panel: Growth, left: int, top: int, size: int) -> list[str]:
    points = [point for curve in panel.curves for point in curve.points]
    low_x, high_x = _decades([x for x, _ in points])
    low_y, high_y = _decades([y for _, y in points])
    decades = max(high_x - low_x, high_y - low_y, 1)
    scale = size / decades
    bottom = top + size

    def place(x: float, y: float) -> tuple[float, float]:
        return round(left + (math.log10(x) - low_x) * scale, 1), round(bottom - (math.log10(y) - low_y) * scale, 1)

    parts = [f'<text class="head" x="{left}" y="{top - 14}">{escape(panel.title)}, {escape(panel.unit)}</text>']
    for step in range(decades + 1):
        x, y = left + step * scale, bottom - step * scale
        parts += [
            f'<path class="line" d="M{x:.1f} {top}V{bottom}M{left} {y:.1f}H{left + size}"/>',
            f'<text class="quiet" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{_power(low_x + step)}</text>',
            f'<text class="quiet" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_power(low_y + step)}</text>',
        ]
    for number, curve in enumerate(panel.curves):
        kind = " ours" if curve.is_ours else ""
        placed = [place(*point) for point in curve.points]
        if len(placed) > 1:
            parts.append(f'<path class="curve{kind}" d="M{"L".join(f"{x} {y}" for x, y in placed)}"/>')
        parts += [f'<circle class="dot{kind}" cx="{x}" cy="{y}" r="4"/>' for x, y in placed]
        y = bottom + 34 + 16 * number
        parts += [
            f'<circle class="dot{kind}" cx="{left + 4}" cy="{y - 4}" r="4"/>',
            f'<text class="label" x="{left + 14}" y="{y}">{escape(curve.label)}</text>',
        ]
    return parts


def _decades(values: Sequence[float]) -> tuple[int, int]:
    return math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)


def _power(exponent: int) -> str:
    value: float = 10.0**exponent
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"
