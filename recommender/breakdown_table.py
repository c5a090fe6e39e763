"""For whom and for which films a version's figures hold, as rows of a table with small bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recommender.models import ModelVersion
from recommender.scoreboard import MEASURES, Unit, beside, shown

SHOWN = [
    "rmse",
    "ndcg_at_10",
    "precision_at_10",
    "recall_at_10",
    "precision_at_10_rated",
    "recall_at_10_rated",
]
TITLES = {
    "newcomers": "Newcomers",
    "casual": "Casual raters",
    "heavy": "Heavy raters",
    "popular": "Popular films",
    "long_tail": "Long-tail films",
}
# A bar's drawing; CSS stretches it.
BAR_WIDTH = 120.0


@dataclass(frozen=True, slots=True)
class GroupNote:
    """Who belongs to a group."""

    title: str
    definition: str
    size: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Lengths from the left of BAR_WIDTH; ``low`` and ``high`` of the interval are None without one."""

    value: float
    low: float | None
    high: float | None
    baseline: float | None


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    is_whole: bool
    value: str
    interval: str
    people: str
    others: list[tuple[str, str]]  # what simpler orders reach on the same data
    bar: Bar


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    title: str
    meaning: str
    rows: list[Row]


def group_notes(version: ModelVersion) -> list[GroupNote]:
    """The groups of ``version``'s breakdowns that have any test rating."""
    groups: dict[str, dict[str, Any]] = version.diagnostics.get("groups") or {}
    return [
        GroupNote(
            title=TITLES.get(name, name.replace("_", " ").capitalize()),
            definition=group["definition"],
            size=f"{group['members']:,} {group['of']}, {group['test_ratings']:,} test ratings",
        )
        for name, group in groups.items()
        if group["test_ratings"]
    ]


def breakdown_sections(version: ModelVersion) -> list[Section]:
    """One for each measure that has a breakdown: everybody first, then the groups."""
    sections = []
    for name in SHOWN:
        metric = version.metrics.get(name) or {}
        parts: dict[str, dict[str, Any]] = metric.get("breakdown") or {}
        if not parts:
            continue
        longest = max(_longest(figure) for figure in [metric, *parts.values()]) or 1.0
        word = str((metric.get("passport") or {}).get("baseline") or "baseline")
        unit = MEASURES[name].unit
        rows = [_row("Everybody", metric, unit, word, longest, is_whole=True)]
        for group, figure in parts.items():
            rows.append(_row(TITLES.get(group, group), figure, unit, word, longest))
        sections.append(Section(name, MEASURES[name].title, MEASURES[name].meaning, rows))
    return sections


def _longest(figure: dict[str, Any]) -> float:
    return float(max(figure["value"], figure.get("baseline") or 0.0, *(figure.get("interval") or [0.0])))


def _row(
    title: str, figure: dict[str, Any], unit: Unit, baseline: str, longest: float, *, is_whole: bool = False
) -> Row:
    def length(value: float | None) -> float | None:
        return None if value is None else round(BAR_WIDTH * value / longest, 1)

    low, high = figure.get("interval") or (None, None)
    return Row(
        title=title,
        is_whole=is_whole,
        value=shown(figure["value"], unit),
        interval="–" if low is None else f"{shown(low, unit)} to {shown(high, unit)}",
        people=f"{figure['n']:,}",
        others=beside(figure, unit, baseline),
        bar=Bar(length(figure["value"]) or 0.0, length(low), length(high), length(figure.get("baseline"))),
    )
