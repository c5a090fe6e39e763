"""Line charts as numbers ready to draw: the template only places them. No JavaScript is needed to see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cinema.plots import Frame, Scale, Tick, round_values
from recommender.models import ModelVersion
from recommender.scoreboard import MEASURES, TARGETS, shown

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 28


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    path: str
    last_x: float
    last_y: float


@dataclass(frozen=True, slots=True)
class Chart:
    key: str  # its id on the page
    title: str
    description: str
    width: int
    height: int
    left: float
    right: float
    bottom: float
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    target_y: float | None
    headings: list[str]  # of the table with the same numbers
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Series:
    label: str
    values: Sequence[float | None]


def line_chart(
    *,
    key: str,
    title: str,
    description: str,
    x: Sequence[float],
    x_labels: Sequence[str],
    series: Sequence[Series],
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    target: float | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Chart | None:
    """None where fewer than two points could be joined. A missing or infinite value interrupts its line."""
    known = [value for one in series for value in one.values if value is not None and math.isfinite(value)]
    if len(x) < 2 or len(known) < 2:
        return None
    low, high = min(known), max(known)
    if target is not None:
        low, high = min(low, target), max(high, target)
    margin = 0.08 * (high - low) or max(0.01, abs(high) * 0.05)
    low, high = low - margin, high + margin
    frame = Frame(float(_LEFT), float(width - _RIGHT), float(_TOP), float(height - _BOTTOM))
    across, up = frame.across(min(x), max(x)), frame.up(low, high)
    lines = []
    for one in series:
        points = [(a, b) for a, b in zip(x, one.values, strict=True) if b is not None and math.isfinite(b)]
        if points:
            path = _path(x, one.values, across, up)
            lines.append(Line(one.label, path, across(points[-1][0]), up(points[-1][1])))
    every = max(1, math.ceil(len(x) / 8))
    return Chart(
        key=key,
        title=title,
        description=description,
        width=width,
        height=height,
        left=frame.left,
        right=frame.right,
        bottom=frame.bottom,
        lines=lines,
        x_ticks=[
            Tick(across(a), label) for i, (a, label) in enumerate(zip(x, x_labels, strict=True)) if i % every == 0
        ],
        y_ticks=[Tick(up(value), f"{value:.{_digits(high - low)}f}") for value in round_values(low, high)],
        target_y=None if target is None else up(target),
        headings=list(headings),
        rows=[list(row) for row in rows],
    )


def _path(x: Sequence[float], values: Sequence[float | None], across: Scale, up: Scale) -> str:
    parts, pen_up = [], True
    for a, b in zip(x, values, strict=True):
        if b is None or not math.isfinite(b):
            pen_up = True
            continue
        parts.append(f"{'M' if pen_up else 'L'}{across(a)} {up(b)}")
        pen_up = False
    return "".join(parts)


def _digits(span: float) -> int:
    return 0 if span >= 20 else 1 if span >= 2 else 2 if span >= 0.15 else 3


def training_chart(history: list[dict[str, Any]]) -> Chart | None:
    """RMSE by epoch on the ratings learned from and on those held back."""
    epochs = [float(entry["epoch"]) for entry in history]
    train = [entry.get("train_rmse") for entry in history]
    validation = [entry.get("validation_rmse") for entry in history]
    described = "RMSE by epoch."
    if history:
        last = history[-1]
        described = f"After epoch {last['epoch']}: {_three(last.get('train_rmse'))} on the ratings it learns from"
        described += f", {_three(last.get('validation_rmse'))} on ratings held back."
    return line_chart(
        key="history",
        title="Error by epoch",
        description=described,
        x=epochs,
        x_labels=[str(entry["epoch"]) for entry in history],
        series=[Series("Held-back ratings", validation), Series("Ratings it learns from", train)],
        headings=["Epoch", "Learned from", "Held back", "Seconds"],
        rows=[
            [
                str(e["epoch"]),
                _three(e.get("train_rmse")),
                _three(e.get("validation_rmse")),
                f"{e.get('seconds', 0):.1f}",
            ]
            for e in history
        ],
    )


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def metric_charts(versions: Sequence[ModelVersion]) -> list[Chart]:
    """The metrics that have targets, one small chart each, over ``versions``, oldest first."""
    charts = []
    for name in TARGETS:
        measure = MEASURES[name]
        values = [version.metric(name) for version in versions]
        first = next((value for value in values if value is not None), None)
        last = values[-1] if values else None
        chart = line_chart(
            key=f"spark-{name}",
            title=measure.title,
            description=f"{shown(first, measure.unit)} at first, {shown(last, measure.unit)} now, of {len(versions)}.",
            x=[float(i) for i in range(len(values))],
            x_labels=["" for _ in values],
            series=[Series(measure.title, values)],
            headings=["Version", measure.title],
            rows=[[v.label, shown(value, measure.unit)] for v, value in zip(versions, values, strict=True)],
            target=measure.target,
            width=300,
            height=120,
        )
        if chart is not None:
            charts.append(chart)
    return charts
