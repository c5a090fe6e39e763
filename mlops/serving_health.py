"""What was served over a stretch of time, in as many steps as a chart can show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops.histograms import quantile, total
from mlops.models import ServingMinute


@dataclass(frozen=True, slots=True)
class Stretch:
    name: str
    title: str
    length: timedelta
    step: timedelta
    form: str  # of a moment on the axis


STRETCHES = {
    one.name: one
    for one in (
        Stretch("hour", "Last hour", timedelta(hours=1), timedelta(minutes=1), "%H:%M"),
        Stretch("day", "Last day", timedelta(days=1), timedelta(minutes=30), "%H:%M"),
        Stretch("week", "Last week", timedelta(days=7), timedelta(hours=3), "%-d %b"),
        Stretch("month", "Last month", timedelta(days=30), timedelta(days=1), "%-d %b"),
    )
}


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that was served in one step of time."""

    begin: datetime
    handled: int
    errors: int
    lists: int
    fallbacks: int
    places: int
    popular_places: int
    learnings: int
    latency: list[int]
    learning: list[int]
    by_version: dict[str, int]  # lists

    @property
    def fallback_share(self) -> float | None:
        return self.fallbacks / self.lists if self.lists else None

    @property
    def error_share(self) -> float | None:
        return self.errors / self.handled if self.handled else None

    @property
    def popular_share(self) -> float | None:
        return self.popular_places / self.places if self.places else None

    def latency_ms(self, share: float) -> float | None:
        return quantile(self.latency, share)

    def learning_ms(self, share: float) -> float | None:
        return quantile(self.learning, share)


def _step(begin: datetime, rows: list[ServingMinute]) -> Step:
    by_version: dict[str, int] = {}
    for row in rows:
        by_version[row.version] = by_version.get(row.version, 0) + row.lists
    sums = {name: sum(getattr(row, name) for row in rows) for name in ServingMinute.COUNTS}
    return Step(
        begin=begin,
        latency=total(row.latency for row in rows if row.latency),
        learning=total(row.learning for row in rows if row.learning),
        by_version=by_version,
        **sums,
    )


def steps(stretch: Stretch, now: datetime) -> list[Step]:
    """The stretch up to ``now``, the oldest first; steps in which nothing was served are there too. One query."""
    seconds = stretch.step.total_seconds()
    last = datetime.fromtimestamp(now.timestamp() // seconds * seconds, tz=now.tzinfo)
    n = int(stretch.length / stretch.step)
    begins = [last - stretch.step * (n - 1 - i) for i in range(n)]
    rows: dict[int, list[ServingMinute]] = {}
    for row in ServingMinute.objects.filter(minute__gte=begins[0], minute__lte=now):
        rows.setdefault(int((row.minute - begins[0]) / stretch.step), []).append(row)
    return [_step(begin, rows.get(i, [])) for i, begin in enumerate(begins)]


def altogether(found: list[Step]) -> Step:
    """All steps as one."""
    by_version: dict[str, int] = {}
    for step in found:
        for label, n in step.by_version.items():
            by_version[label] = by_version.get(label, 0) + n
    sums = {name: sum(getattr(step, name) for step in found) for name in ServingMinute.COUNTS}
    return Step(
        begin=found[0].begin,
        latency=total(step.latency for step in found),
        learning=total(step.learning for step in found),
        by_version=by_version,
        **sums,
    )
