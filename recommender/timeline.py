"""Which version was live when, as the append-only log of activations tells it.

The log is ordered by generation, not by the clock, which may step back: a change that was written later never began
before one that was written earlier. So a change holds from the latest moment that it or any change before it names
until the next one; of several that hold from the same moment on, the last one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recommender.models import Activation


@dataclass(frozen=True, slots=True)
class Period:
    """One change of the live version, and how long it held. ``end`` is None for what is live now."""

    activation: Activation
    start: datetime
    end: datetime | None

    def lasted(self, now: datetime) -> timedelta:
        return (self.end or max(now, self.start)) - self.start


def live_at(moment: datetime) -> Activation | None:
    """The change that the version serving at ``moment`` goes back to; None before the first."""
    log = Activation.objects.select_related("version", "actor")
    # What came after the first change that lies later has not been either, whatever its clock said.
    first_later = Activation.objects.filter(at__gt=moment).order_by("generation").values("generation").first()
    if first_later is not None:
        log = log.filter(generation__lt=first_later["generation"])
    return log.order_by("-generation").first()


def periods(log: Sequence[Activation]) -> list[Period]:
    """The log as periods without gaps, in the same order. ``log``: by generation, ascending."""
    starts: list[datetime] = []
    for activation in log:
        starts.append(max(activation.at, starts[-1]) if starts else activation.at)
    ends: list[datetime | None] = [*starts[1:], None]
    return [Period(*one) for one in zip(log, starts, ends, strict=False)]
