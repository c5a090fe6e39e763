"""The report's figures as dots with their ranges, one panel for each data set and measure, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape  # it writes XML and reads none  # nosec B406

from recommender.benchmarks.plot_file import plot_file

_PANEL_WIDTH, _COLUMNS = 500, 2
_LABELS, _DOTS_END, _VALUES = 222, 424, 432  # from the left of a panel: end of labels, end of dots, start of values
_HEAD, _ROW, _FOOT, _MARGIN = 44, 22, 30, 16


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: float
    low: float
    high: float
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    bars: Sequence[Bar]  # best first


def draw(panels: Sequence[Panel], *, title: str, description: str) -> str:
    """The whole file. A panel without bars is left out."""
    panels = [panel for panel in panels if panel.bars]
    parts, top = [], _MARGIN
    for first in range(0, len(panels), _COLUMNS):
        line = panels[first : first + _COLUMNS]
        for column, panel in enumerate(line):
            parts += _panel(panel, _MARGIN + column * _PANEL_WIDTH, top)
        top += _HEAD + _ROW * max(len(panel.bars) for panel in line) + _FOOT
    width, height = 2 * _MARGIN + _COLUMNS * _PANEL_WIDTH, top
    return plot_file(parts, width, height, title=title, description=description)


def _panel(panel: Panel, left: float, top: float) -> list[str]:
    low, high = min(bar.low for bar in panel.bars), max(bar.high for bar in panel.bars)
    room = (high - low or 1.0) * 0.04
    low, high = low - room, high + room

    def across(value: float) -> float:
        return round(left + _LABELS + (value - low) / (high - low) * (_DOTS_END - _LABELS), 1)

    bottom = top + _HEAD + _ROW * len(panel.bars)
    parts = [f'<text class="head" x="{left}" y="{top + 18}">{escape(panel.title)}</text>']
    for tick in _ticks(low, high):
        x = across(tick)
        parts.append(f'<path class="line" d="M{x} {top + _HEAD - 10}V{bottom}"/>')
        parts.append(f'<text class="quiet" x="{x}" y="{bottom + 15}" text-anchor="middle">{tick:.2f}</text>')
    for number, bar in enumerate(panel.bars):
        y = top + _HEAD + _ROW * number
        kind = " ours" if bar.is_ours else ""
        parts += [
            f'<text class="label{kind}" x="{left + _LABELS - 10}" y="{y + 4}" text-anchor="end">'
            f"{escape(bar.label)}</text>",
            f'<path class="range{kind}" d="M{across(bar.low)} {y}H{across(bar.high)}"/>',
            f'<circle class="dot{kind}" cx="{across(bar.value)}" cy="{y}" r="4.5"/>',
            f'<text class="value{kind}" x="{left + _VALUES}" y="{y + 4}">{bar.value:.4f}</text>',
        ]
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Two to five round values within the axis."""
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if (high - low) / step <= 5 or step == 1.0)
    first = -(-low // step)
    return [round((first + i) * step, 2) for i in range(6) if (first + i) * step <= high]
