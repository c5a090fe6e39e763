"""What an experiment has found, as sentences, lines and drawings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cinema.plots import Frame
from mlops.charts import Chart, Series, line_chart
from mlops.contest_lines import WIDTH, Whisker
from mlops.experiment_reading import Contrast, Group, Reading
from mlops.models import PolicyValue
from mlops.tables import Column, Table
from recommender.models import Experiment

# An interval of the first lists is so wide that all that follows would be a line.
TIMES_THE_LAST = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison with A."""

    title: str
    change: str
    interval: str
    verdict: str  # better, worse or open
    people: int
    lists: int
    whisker: Whisker | None


def unit(experiment: Experiment) -> str:
    """What a difference of 0.01 is called."""
    if experiment.kind == Experiment.Kind.INTERLEAVED:
        return "points in 100 lists"
    return "more of 100 lists engaged with"


def finding(experiment: Experiment, found: Reading) -> str:
    """In one sentence."""
    if not found.n_lists:
        return "No list has been counted yet."
    if found.ratio is not None and found.ratio.warns:
        return "People are not divided as intended: nothing of this can be believed until that is understood."
    if found.winner == "A":
        return "A is better than what was tried."
    if found.winner is not None:
        best = next(one for one in found.contrasts if one.name == found.winner)
        return f"{found.winner} is better than A: {_hundred(best.effect.estimate)} {unit(experiment)}."
    worse = [one.name for one in found.contrasts if one.decision == "worse"]
    if worse:
        return f"{' and '.join(worse)} {'is' if len(worse) == 1 else 'are'} worse than A; nothing is better yet."
    if not any(one.effect.has_enough_people for one in found.contrasts):
        return "Too few people have come to say anything: at least twenty in each arm, coming about equally often."
    needed = min((one.more_lists for one in found.contrasts if one.more_lists), default=None)
    if needed is None:
        return "There is no difference so far."
    return f"Not decided. If it stays as it is, about {_rounded(needed):,} more lists are needed."


def _rounded(n: int) -> int:
    """To two digits: more would be a promise."""
    scale = 10 ** max(0, len(str(n)) - 2)
    return -(-n // scale) * scale


def _hundred(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def lines(found: Reading) -> list[Line]:
    widest = max((_reach(one.interval, one.effect.estimate) for one in found.contrasts), default=0.0)
    return [_line(one, widest) for one in found.contrasts]


def _reach(within: tuple[float, float] | None, estimate: float) -> float:
    return max(abs(estimate), *(abs(end) for end in within)) if within else abs(estimate)


def _line(one: Contrast, widest: float) -> Line:
    return Line(
        title=f"{one.name} against A",
        change=_hundred(one.effect.estimate),
        interval=_interval(one.interval),
        verdict=one.decision,
        people=one.effect.n_people,
        lists=one.effect.n_lists,
        whisker=_whisker(one.effect.estimate, one.interval, widest),
    )


def group_lines(groups: list[Group]) -> list[Line]:
    """What is known of each kind of people; those of which nothing is are told so."""
    widest = max((_reach(one.interval, 0.0) for one in groups if one.interval), default=0.0)
    return [
        Line(
            title=f"{one.contrast} against A, {one.title}",
            change=_hundred(one.estimate) if one.interval else "–",
            interval=_interval(one.interval) if one.interval else "too few people",
            verdict="open" if one.interval is None or one.interval[0] <= 0 <= one.interval[1] else _way(one.estimate),
            people=one.people,
            lists=one.lists,
            whisker=_whisker(one.estimate, one.interval, widest),
        )
        for one in groups
    ]


def _way(estimate: float) -> str:
    return "better" if estimate > 0 else "worse"


def _interval(within: tuple[float, float] | None) -> str:
    return "–" if within is None else f"{_hundred(within[0])} to {_hundred(within[1])}"


def _whisker(estimate: float, within: tuple[float, float] | None, widest: float) -> Whisker | None:
    if within is None or not widest:
        return None
    place = Frame(4.0, WIDTH - 4.0, 0.0, 16.0).across(-widest, widest)
    return Whisker(place(estimate), place(within[0]), place(within[1]))


def chart(experiment: Experiment, one: Contrast) -> Chart | None:
    """The estimate and its interval, list by list."""
    if not one.points:
        return None
    last = one.points[-1]
    widest = TIMES_THE_LAST * (last.high - last.low)
    points = [point for point in one.points if point.high - point.low <= widest]
    described = f"After {last.lists:,} lists {_hundred(last.estimate)}, surely between {_hundred(last.low)} and "
    return line_chart(
        key=f"over-lists-{one.name}",
        title=f"{one.name} against A, {unit(experiment)}",
        description=f"{described}{_hundred(last.high)}. The interval holds at whatever moment one looks.",
        x=[float(point.lists) for point in points],
        x_labels=[f"{point.lists:,}" for point in points],
        series=[
            Series("Estimate", [100 * point.estimate for point in points]),
            Series("Lower end", [100 * point.low for point in points]),
            Series("Upper end", [100 * point.high for point in points]),
        ],
        headings=[],
        rows=[],
        target=0.0,
        width=720,
        height=240,
    )


def table(found: Reading) -> Table:
    """Every figure, for a file."""
    columns = [
        Column("arm", "Arm"), Column("lists", "After lists", number=True), Column("estimate", "Estimate", number=True),
        Column("low", "Lower end", number=True), Column("high", "Upper end", number=True),
    ]  # fmt: skip
    rows = [
        [one.name, point.lists, round(point.estimate, 6), round(point.low, 6), round(point.high, 6)]
        for one in found.contrasts
        for point in one.points
    ]
    return Table("experiment", "What was found, list by list", columns, rows)


@dataclass(frozen=True, slots=True)
class ValueLine:
    """What one version would have been worth on lists of another."""

    label: str
    value: str
    interval: str
    effective: str
    n_lists: int
    refusal: str


def values(found: Sequence[PolicyValue]) -> list[ValueLine]:
    lines = []
    for one in found:
        result = one.result
        if result is None:
            lines.append(ValueLine(one.version.label, "–", "–", "–", one.n_lists, one.refusal))
            continue
        low, high = (max(0.0, result["interval"][0]), min(1.0, result["interval"][1]))
        effective = f"{result['effective_sample_size']:.0f} of {one.n_lists:,}"
        lines.append(
            ValueLine(
                one.version.label,
                f"{100 * result['value']:.1f}",
                f"{100 * low:.1f} to {100 * high:.1f}",
                effective,
                one.n_lists,
                "",
            )
        )
    return lines
