"""A stored comparison as lines to be read: texts, verdicts in words, and small drawings of the intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cinema.plots import Frame
from mlops.tables import Column, Table
from recommender.breakdown_table import TITLES
from recommender.contest import GENRE, NEITHER, OF_GROUPS, SMALLER_IS_BETTER
from recommender.scoreboard import MEASURES, Unit, shown

# Of a drawing; CSS stretches it.
WIDTH = 160.0
_EVERYBODY = [
    "ndcg_at_10", "recall_at_10", "precision_at_10", "hit_rate_at_10", "rmse", "mae", "precision_at_10_rated",
    "recall_at_10_rated", "novelty", "diversity",
]  # fmt: skip
VERDICTS = {"better": "better", "worse": "worse", "open": "no clear difference"}


@dataclass(frozen=True, slots=True)
class Whisker:
    """Places on a line of WIDTH, whose middle is no difference."""

    at: float
    low: float
    high: float

    @property
    def mark(self) -> float:
        """Where the mark of the value begins, which is four wide."""
        return round(self.at - 2, 1)


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    meaning: str
    before: str
    after: str
    change: str
    interval: str
    verdict: str  # better, worse or open
    people: str  # for whom it is which way
    n: int
    whisker: Whisker | None


@dataclass(frozen=True, slots=True)
class Section:
    """One measure, by groups."""

    title: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Challenger:
    """One version against the first."""

    label: str
    summary: str
    everybody: list[Line]
    sections: list[Section]
    gains: list[tuple[str, list[Line]]]  # measure by measure, the groups that an interval says it of
    losses: list[tuple[str, list[Line]]]
    n_lines: int
    overlap: float
    coverage_before: str
    coverage_after: str


def challengers(result: dict[str, Any]) -> list[Challenger]:
    """All versions of the comparison but the first, which they are compared with."""
    return [_challenger(result, label) for label in result["labels"][1:]]


def _challenger(result: dict[str, Any], label: str) -> Challenger:
    first = result["labels"][0]
    rows = [row for row in result["rows"] if label in row["differences"]]
    whole = {row["measure"]: row for row in rows if not row["group"]}
    everybody = [_line(whole[name], label, _relative(whole[name], label)) for name in _EVERYBODY if name in whole]
    sections = []
    for measure in OF_GROUPS:
        of_measure = [row for row in rows if row["measure"] == measure and row["group"]]
        widest = max((_reach(row["differences"][label]) for row in of_measure), default=0.0)
        lines = [_line(row, label, widest) for row in of_measure]
        sections.append(Section(MEASURES[measure].title, lines))
    return Challenger(
        label=label,
        summary=_summary(whole, label),
        everybody=everybody,
        sections=[section for section in sections if section.lines],
        gains=_with_verdict(sections, "better"),
        losses=_with_verdict(sections, "worse"),
        n_lines=sum(len(section.lines) for section in sections),
        overlap=result["overlap"][label],
        coverage_before=shown(result["coverage"][first], "share"),
        coverage_after=shown(result["coverage"][label], "share"),
    )


def _with_verdict(sections: list[Section], verdict: str) -> list[tuple[str, list[Line]]]:
    found = [(section.title, [line for line in section.lines if line.verdict == verdict]) for section in sections]
    return [(title, lines) for title, lines in found if lines]


def _summary(whole: dict[str, Any], label: str) -> str:
    parts = []
    for name in ("ndcg_at_10", "rmse"):
        if name in whole:
            found = whole[name]["differences"][label]
            parts.append(f"{MEASURES[name].title} {_signed(found['value'], 'plain')} {_interval(found, 'plain')}")
    if "rmse" in whole:
        found = whole["rmse"]["differences"][label]
        parts.append(f"its stars are closer for {_percent(found['better'])} of people")
    if "ndcg_at_10" in whole:
        found = whole["ndcg_at_10"]["differences"][label]
        same = 1 - found["better"] - found["worse"]
        parts.append(
            f"its lists are better for {_percent(found['better'])}, worse for {_percent(found['worse'])}, "
            f"as good for {_percent(same)}"
        )
    return "; ".join(parts) + "." if parts else ""


def _line(row: dict[str, Any], label: str, widest: float) -> Line:
    measure = MEASURES[row["measure"]]
    found = row["differences"][label]
    name = row["group"]
    title = TITLES.get(name, name.removeprefix(GENRE)) if name else measure.title
    return Line(
        title=title,
        meaning=row["definition"] if name else measure.meaning,
        before=shown(found["before"], measure.unit),
        after=shown(found["after"], measure.unit),
        change=_signed(found["value"], measure.unit),
        interval=_interval(found, measure.unit),
        verdict=found["verdict"],
        people="" if row["measure"] in NEITHER else f"{_percent(found['better'])} / {_percent(found['worse'])}",
        n=found["n"],
        whisker=_whisker(found, widest, turned=row["measure"] in SMALLER_IS_BETTER),
    )


def _reach(found: dict[str, Any]) -> float:
    return max(abs(end) for end in (*(found["interval"] or ()), found["value"]))


def _relative(row: dict[str, Any], label: str) -> float:
    """For measures of different units side by side: a drawing is as wide as a fifth of the value, or as it must be."""
    found = row["differences"][label]
    return max(0.2 * abs(found["before"]), _reach(found))


def _whisker(found: dict[str, Any], widest: float, *, turned: bool) -> Whisker | None:
    """To the right is better, also where smaller figures are."""
    if not found["interval"] or not widest:
        return None
    place = Frame(4.0, WIDTH - 4.0, 0.0, 16.0).across(-widest, widest)
    sign = -1 if turned else 1
    low, high = sorted(place(sign * end) for end in found["interval"])
    return Whisker(place(sign * found["value"]), low, high)


def _signed(value: float, unit: Unit) -> str:
    return ("+" if value >= 0 else "−") + shown(abs(value), unit)


def _interval(found: dict[str, Any], unit: Unit) -> str:
    if not found["interval"]:
        return "–"
    low, high = found["interval"]
    return f"[{_signed(low, unit)}, {_signed(high, unit)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def as_table(result: dict[str, Any]) -> Table:
    """Every figure of the comparison, to take along."""
    names = ("version", "against", "measure", "group", "people", "before", "after", "difference", "low", "high",
             "better_for", "worse_for", "verdict")  # fmt: skip
    rows = [
        [
            label, result["labels"][0], row["measure"], row["group"] or "everybody", found["n"], found["before"],
            found["after"], found["value"], *(found["interval"] or (None, None)), found["better"], found["worse"],
            found["verdict"],
        ]
        for label in result["labels"][1:]
        for row in result["rows"]
        if (found := row["differences"].get(label))
    ]  # fmt: skip
    return Table("comparison", "Comparison", [Column(name, name.replace("_", " ")) for name in names], rows)
