"""Which version was live when, as the append-only log of activations tells it.

Of all changes that had been written by a moment, as their own clock says, the last one counts, and last is who has the
highest generation. A clock that ran ahead or was set back turns nothing round: what was written later never yields to
what was written before it, and an entry from a wrong future holds only until the next one.
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
    return log.filter(at__lte=moment).order_by("-generation").first()


def periods(log: Sequence[Activation]) -> list[Period]:
    """The log as periods without gaps, in the same order. ``log``: by generation, ascending, up to the newest.

    A change that every later moment belongs to a later one of lasted for nothing.
    """
    found: list[Period] = []
    end: datetime | None = None
    for activation in reversed(log):
        held_until = None if end is None else max(end, activation.at)
        found.append(Period(activation, activation.at, held_until))
        end = activation.at if end is None else min(end, activation.at)
    return found[::-1]
