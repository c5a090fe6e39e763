"""When which version served, as bars on a line of time: a row for each version, the newest on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cinema.plots import Frame, Scale, Tick
from recommender.timeline import Period

WIDTH = 960
ROW_HEIGHT = 30
MAX_ROWS = 15
_LEFT, _RIGHT, _TOP, _BOTTOM = 170, 14, 8, 34
# A period that is over in no time must still be seen.
_MIN_WIDTH = 2.5
# Round steps of time between two ticks.
_STEPS = [
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3),
    timedelta(hours=6), timedelta(days=1), timedelta(days=2), timedelta(days=7), timedelta(days=14),
    timedelta(days=30), timedelta(days=90), timedelta(days=365),
]  # fmt: skip
_TICKS = 7


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    kind: str  # of the change that began it
    title: str  # what is read when it is pointed at


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    y: float  # of the bars' top
    middle: float
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class TimelineChart:
    width: int
    height: int
    left: float
    right: float
    bottom: float
    bar_height: int
    rows: list[Row]
    ticks: list[Tick]
    description: str
    hidden: int  # versions that there is no row for
    marked: float | None  # where the moment lies that was asked for


def timeline_chart(periods: Sequence[Period], now: datetime, asked: datetime | None = None) -> TimelineChart | None:
    """None while nothing has ever been live. ``periods``: by time, ascending."""
    if not periods:
        return None
    # What lasted for nothing, by a clock that ran wrong, has no place on the line.
    periods = [period for period in periods if period.end is None or period.end > period.start]
    begin, end = min(period.start for period in periods), max(now, periods[-1].start)
    if asked is not None and asked < end:
        begin = min(begin, asked)
    end = max(end, begin + timedelta(minutes=1))
    labels = list(dict.fromkeys(period.activation.version.label for period in reversed(periods)))
    shown = labels[:MAX_ROWS]
    frame = Frame(_LEFT, WIDTH - _RIGHT, _TOP, _TOP + len(shown) * ROW_HEIGHT)
    place = frame.across(begin.timestamp(), end.timestamp())
    rows = []
    for number, label in enumerate(shown):
        y = _TOP + number * ROW_HEIGHT
        bars = [
            _bar(period, place(period.start.timestamp()), place((period.end or end).timestamp()))
            for period in periods
            if period.activation.version.label == label
        ]
        rows.append(Row(label, y + 6.0, y + ROW_HEIGHT / 2, bars))
    last = periods[-1].activation
    return TimelineChart(
        width=WIDTH,
        height=_TOP + len(shown) * ROW_HEIGHT + _BOTTOM,
        left=frame.left,
        right=frame.right,
        bottom=frame.bottom,
        bar_height=ROW_HEIGHT - 12,
        rows=rows,
        ticks=_ticks(begin, end, place),
        description=f"{len(periods)} changes between {len(labels)} versions; {last.version.label} is live.",
        hidden=len(labels) - len(shown),
        marked=place(asked.timestamp()) if asked is not None and begin <= asked <= end else None,
    )


def _bar(period: Period, left: float, right: float) -> Bar:
    activation = period.activation
    until = f"until {period.end:%-d %b %Y, %H:%M}" if period.end else "until now"
    title = f"{activation.version.label}, {activation.get_kind_display()}: {period.start:%-d %b %Y, %H:%M} {until}"
    return Bar(left, round(max(_MIN_WIDTH, right - left), 1), activation.kind, title)


def _ticks(begin: datetime, end: datetime, place: Scale) -> list[Tick]:
    step = next((one for one in _STEPS if (end - begin) / one <= _TICKS), _STEPS[-1])
    form = "%H:%M" if step < timedelta(days=1) else "%-d %b" if step < timedelta(days=365) else "%Y"
    seconds = step.total_seconds()
    first = -(-begin.timestamp() // seconds) * seconds
    ticks = []
    while first <= end.timestamp():
        moment = datetime.fromtimestamp(first, tz=begin.tzinfo)
        ticks.append(Tick(place(first), f"{moment:{form}}"))
        first += seconds
    return ticks
