"""What django-q runs. A task is just another interface: it names a function and passes an id."""

from __future__ import annotations

import logging

from cinema import rating_counts, tmdb
from mlops import (
    comparing,
    engagement,
    experiments,
    policy_values,
    runs,
    schedules,
    serving_counts,
    shuffle,
    supervisor,
    watch,
)

logger = logging.getLogger(__name__)


def supervise(run_id: int) -> None:
    supervisor.supervise(run_id)


def sweep() -> None:
    runs.sweep()


def fetch_art() -> None:
    try:
        tmdb.fetch_art()
    except tmdb.Unavailable as trouble:
        logger.warning("The Movie Database: %s. Another try in a few minutes.", trouble)


def count_ratings() -> None:
    rating_counts.recount()


def compare(comparison_id: int) -> None:
    comparing.supervise(comparison_id)


def retrain() -> None:
    schedules.retrain_if_due()


def roll_up() -> None:
    serving_counts.roll_up()
    engagement.add_up()
    engagement.forget_old()
    policy_values.value_newest()


def settle() -> None:
    engagement.settle()
    if engagement.is_quick():
        engagement.add_up()
    experiments.guard()


def look() -> None:
    watch.look()


def assess() -> None:
    shuffle.assess_live_lists()
