"""Trainings that start by themselves: at set times, after so many ratings, or when the live version has grown old.

A job that runs every minute asks ``retrain_if_due``. It decides from rows and the clock alone, so that it does not
matter which worker runs it, or how many do: whoever changes the policy's row first acts. A set time at which
nobody could begin, since no worker was there or another run went on, is not made up for.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from croniter import CroniterError, croniter
from django.db import transaction
from django.utils import timezone

from cinema.models import Rating
from mlops import runs
from mlops.models import RetrainPolicy, TrainingRun
from recommender import registry
from recommender.registry import LiveState

logger = logging.getLogger(__name__)

# A set time is met if somebody looks within this; later it was missed.
GRACE = timedelta(minutes=10)
# Set times may not follow each other more closely.
MIN_PAUSE = timedelta(hours=1)
_LOOKED_AT = 30
# What croniter draws: R, H, and their ranges.
_BY_CHANCE = re.compile(r"(?<![a-z])[rh](?![a-z])", re.IGNORECASE)
# A live version that stays old, because what was trained failed or was refused, is tried again after this long.
OLD_AGAIN = timedelta(days=1)


class InvalidCron(ValueError):
    """Not a cron expression of five fields."""


def next_times(cron: str, after: datetime, n: int = 3) -> list[datetime]:
    """The next ``n`` set times. Raises InvalidCron, also for times that follow each other within MIN_PAUSE."""
    times = _times(cron, after)
    try:
        found = [times.get_next(datetime) for _ in range(max(n, _LOOKED_AT))]
    except CroniterError as error:
        raise InvalidCron("There is no such day.") from error
    if min(later - one for one, later in pairwise(found)) < MIN_PAUSE:
        raise InvalidCron("That is more often than every hour: the machine would do nothing else.")
    return found[:n]


def _times(cron: str, start: datetime) -> croniter:
    if len(cron.split()) != 5:
        raise InvalidCron("Five fields are needed: minute, hour, day, month, weekday.")
    if _BY_CHANCE.search(cron):
        raise InvalidCron("A time that is drawn by chance is another one at every look.")
    try:
        return croniter(cron, start.astimezone(UTC))
    except (CroniterError, ValueError, KeyError) as error:
        raise InvalidCron(f"{cron!r} is not a time as cron writes it.") from error


@dataclass(frozen=True, slots=True)
class Due:
    """Why a training is to be started now. ``changes``: of the policy's row, with it."""

    reason: str  # empty where nothing is to be started, but a set time was missed
    changes: dict[str, Any]


def due(policy: RetrainPolicy, *, now: datetime, live: LiveState, newer_ratings: int) -> Due | None:
    """What is to be done. Reads nothing but its arguments."""
    found = _at_set_time(policy, now)
    if found is not None and found.reason:
        return _tried(found, now, live, newer_ratings)
    other = _because_of_ratings(policy, live, newer_ratings) or _because_of_age(policy, now, live)
    if other is not None:
        missed = found.changes if found is not None else {}
        return _tried(Due(other.reason, {**missed, **other.changes}), now, live, newer_ratings)
    return found


def _tried(found: Due, now: datetime, live: LiveState, newer_ratings: int) -> Due:
    tried = {"tried_at": now, "tried_generation": live.generation, "tried_ratings": newer_ratings}
    return Due(found.reason, {**found.changes, **tried})


def _at_set_time(policy: RetrainPolicy, now: datetime) -> Due | None:
    if not policy.nightly or policy.handled_until is None:
        return None
    # The expression was checked when it was saved.
    last = _times(policy.cron, now + timedelta(seconds=1)).get_prev(datetime)
    if last <= policy.handled_until:
        return None
    if now - last > GRACE:
        return Due("", {"handled_until": last, "missed_at": last})
    return Due(f"set for {last:%-d %b %Y, %H:%M}", {"handled_until": last})


def _because_of_ratings(policy: RetrainPolicy, live: LiveState, newer_ratings: int) -> Due | None:
    if not policy.after_ratings or live.version is None:
        return None
    # What was trained since for as many and did not become live is not trained again for the same ones.
    counted = policy.tried_ratings if policy.tried_generation == live.generation else 0
    if newer_ratings - counted < policy.after_ratings:
        return None
    return Due(f"{newer_ratings:,} new or changed ratings", {})


def _because_of_age(policy: RetrainPolicy, now: datetime, live: LiveState) -> Due | None:
    if not policy.after_days or live.version is None:
        return None
    age = now - live.version.created_at
    if age < timedelta(days=policy.after_days):
        return None
    if policy.tried_at is not None and now - policy.tried_at < OLD_AGAIN:
        return None
    return Due(f"the live version is {age.days} days old", {})


def newer_than_live(live: LiveState) -> int:
    """Ratings that came or changed since the live version read them."""
    return Rating.objects.changed_after(live.version.data_until).count() if live.version is not None else 0


def retrain_if_due(now: datetime | None = None) -> TrainingRun | None:
    """Starts a training if one is due and none is active; which one. Acts at most once however many call it."""
    policy = RetrainPolicy.objects.filter(pk=1).first()
    if policy is None or TrainingRun.objects.active().exists():
        return None
    live = registry.live()
    found = due(policy, now=now or timezone.now(), live=live, newer_ratings=newer_than_live(live))
    if found is None:
        return None
    run = None
    try:
        # Together: a process that dies in between has neither used up the moment nor begun.
        with transaction.atomic():
            if not _change(policy, found.changes):
                return None
            if found.reason:
                run = runs.request_training(preset=policy.preset, trigger=found.reason)
    except runs.TrainingInProgress:
        return None  # somebody else began at the same moment; the next look tries again
    if run is None:
        logger.warning("The training set for %s was missed: nobody could begin it", found.changes["missed_at"])
        return None
    logger.info("Training run %d started by itself: %s", run.pk, found.reason)
    return run


def _change(policy: RetrainPolicy, changes: dict[str, Any]) -> bool:
    """Whether this caller was the first to change the row."""
    row = RetrainPolicy.objects.filter(pk=1, revision=policy.revision)
    return row.update(revision=policy.revision + 1, **changes) == 1


def save(policy: RetrainPolicy, now: datetime | None = None) -> None:
    """Stores what staff has set. Set times that lie before this moment are none of the new schedule's."""
    policy.handled_until = now or timezone.now()
    policy.missed_at = None
    policy.revision += 1
    policy.save()
