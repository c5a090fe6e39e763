"""The moment in which a request asks: the hour and day by people's clocks, and what kind of device it came from.

Whoever answers a request says so once; a list that is worked out without one, as for a comparison, knows no moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from cinema.models import User
from recommender.algorithms.context import Context
from recommender.device_class import Device
from recommender.serving import LiveModel


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime
    device: Device


_moment: ContextVar[Moment | None] = ContextVar("moment", default=None)


@contextmanager
def at_moment(moment: Moment) -> Iterator[None]:
    """Within, that is when somebody asks."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def context_of(user: User, live: LiveModel) -> Context | None:
    """What the version is told of the moment; None where it makes nothing of it, nobody asks, or ``user`` wants none
    of it."""
    moment, effects = _moment.get(), live.model.context
    if moment is None or effects is None or not effects.is_on or not user.uses_context:
        return None
    seconds = int(moment.at.timestamp())
    return Context.at(seconds, utc_offset=utc_offset(moment.at), device=moment.device, place=user.place or "unknown")


def utc_offset(at: datetime | None = None) -> int:
    """Seconds that people's clocks are ahead of UTC."""
    offset = (at or timezone.now()).astimezone(ZoneInfo(settings.LOCAL_TIME_ZONE)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
