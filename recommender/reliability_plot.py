"""Claimed confidence against what came true, as numbers ready to draw: the template only places them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cinema.plots import Frame, Tick
from recommender.models import ModelVersion
from recommender.scoreboard import passport_words

WIDTH, HEIGHT = 520, 474
_FRAME = Frame(left=52.0, right=506.0, top=26.0, bottom=366.0)
# Below the plot and its labels, a strip of bars: how many predictions made each claim.
_STRIP_TOP, _STRIP_BOTTOM = 402.0, 438.0
_WIDEST_BAR = 12.0


@dataclass(frozen=True, slots=True)
class Point:
    """One tenth of the claims. ``low`` and ``high``: ends of its interval bar, None without one."""

    x: float
    y: float
    low: float | None
    high: float | None
    bar_x: float
    bar_y: float
    bar_width: float
    bar_height: float


@dataclass(frozen=True, slots=True)
class ReliabilityPlot:
    key: str
    title: str
    description: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    strip_bottom: float
    diagonal: tuple[float, float, float, float]  # x1, y1, x2, y2
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    points: list[Point]
    headings: list[str]  # of the table with the same numbers
    rows: list[list[str]]
    passport: list[tuple[str, str]]


def reliability_plot(version: ModelVersion) -> ReliabilityPlot | None:
    """None for a version without reliability figures."""
    found = version.diagnostics.get("reliability") or {}
    deciles: list[dict[str, Any]] = found.get("deciles") or []
    if not deciles:
        return None
    lowest = min(min(one["claimed"], *(one["interval"] or [one["observed"]])) for one in deciles)
    # Both axes alike, so that the diagonal is where claims come true; from a round tenth below the lowest figure.
    low = min(0.8, math.floor(10 * lowest) / 10)
    across, up = _FRAME.across(low, 1.0), _FRAME.up(low, 1.0)

    claims = [across(one["claimed"]) for one in deciles]
    nearest = min((b - a for a, b in pairwise(claims)), default=_WIDEST_BAR)
    width = max(1.0, min(_WIDEST_BAR, round(0.8 * nearest, 1)))
    most = max(one["n"] for one in deciles)
    points = []
    for one, x in zip(deciles, claims, strict=True):
        interval = one["interval"]
        height = round(one["n"] / most * (_STRIP_BOTTOM - _STRIP_TOP), 1)
        points.append(
            Point(
                x=x,
                y=up(one["observed"]),
                low=up(interval[0]) if interval else None,
                high=up(interval[1]) if interval else None,
                bar_x=round(x - width / 2, 1),
                bar_y=round(_STRIP_BOTTOM - height, 1),
                bar_width=width,
                bar_height=height,
            )
        )
    step = 0.1 if low >= 0.4 else 0.2
    shares = [1 - i * step for i in range(math.floor((1 - low) / step + 1e-9) + 1)]
    return ReliabilityPlot(
        key="reliability",
        title="Claimed confidence and what came true",
        description=_description(found),
        width=WIDTH,
        height=HEIGHT,
        left=_FRAME.left,
        right=_FRAME.right,
        top=_FRAME.top,
        bottom=_FRAME.bottom,
        strip_bottom=_STRIP_BOTTOM,
        diagonal=(_FRAME.left, _FRAME.bottom, _FRAME.right, _FRAME.top),
        x_ticks=[Tick(across(share), _percent(share)) for share in shares],
        y_ticks=[Tick(up(share), _percent(share)) for share in shares],
        points=points,
        headings=["Claimed", "Came true", "95 % interval", "Predictions", "People"],
        rows=[
            [
                _percent(one["claimed"], 1),
                _percent(one["observed"], 1),
                f"{_percent(one['interval'][0], 1)} to {_percent(one['interval'][1], 1)}" if one["interval"] else "–",
                f"{one['n']:,}",
                f"{one['people']:,}",
            ]
            for one in deciles
        ],
        passport=passport_words(found.get("passport") or {}),
    )


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _description(found: dict[str, Any]) -> str:
    return (
        f"Of {found['n']:,} predictions, {_percent(found['claimed'], 1)} were claimed to lie within "
        f"{found['within']:g} star of the rating, and {_percent(found['observed'], 1)} did. From tenth to tenth of the "
        f"claims the two differ by {100 * found['gap']:.1f} points on average."
    )
