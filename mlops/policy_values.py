"""What versions that nobody sees would have been worth, from lists in which a place was given away by lot.

For each of these lists the version orders the same films for the same person as they were then; the lot would have
drawn by that order. A list is worth 1 if the film that won the place was engaged with.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from cinema.models import Rating
from mlops.experiment_reading import ENGAGED
from mlops.models import Engagement, PolicyValue, ServedList
from recommender import artifacts
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import History
from recommender.algorithms.off_policy import TooFew, plackett_probabilities, snips
from recommender.models import ModelVersion

logger = logging.getLogger(__name__)

DAYS = 30
MAX_LISTS = 3000  # the latest; a version takes some milliseconds for each
VERSIONS = 3  # the newest
KEPT = 200
# What followed may take a while.
SETTLED_AFTER = timedelta(hours=1)


def value_newest(now: datetime | None = None) -> list[PolicyValue]:
    """The newest versions, on lists of the last days, unless no such list has come since they were valued."""
    now = now or timezone.now()
    lists = _lists(now)
    if not lists:
        return []
    found = []
    for version in ModelVersion.objects.ready().order_by("-pk")[:VERSIONS]:
        last = PolicyValue.objects.filter(version=version).first()
        if last is not None and last.at >= lists[-1].at + SETTLED_AFTER:
            continue
        try:
            model, _ = artifacts.load(version.label, version.artifact_sha256)
        except artifacts.ArtifactCorrupt as error:
            logger.warning("Version %s cannot be valued: %s", version.label, error)
            continue
        found.append(value(version, model, lists, now))
    old = PolicyValue.objects.values_list("pk", flat=True)[KEPT:]
    PolicyValue.objects.filter(pk__in=list(old)).delete()
    return found


def _lists(now: datetime) -> list[ServedList]:
    """The earliest first."""
    some = ServedList.objects.filter(lot__isnull=False, at__gte=now - timedelta(days=DAYS), at__lte=now - SETTLED_AFTER)
    return list(some.order_by("-at", "-pk")[:MAX_LISTS])[::-1]


def value(
    version: ModelVersion, model: TrainedModel, lists: Sequence[ServedList], now: datetime | None = None
) -> PolicyValue:
    """What ``version`` would have been worth on ``lists``, stored."""
    won = set(
        Engagement.objects.filter(ENGAGED, served_list__in=[one.pk for one in lists]).values_list(
            "served_list_id", "place"
        )
    )
    histories = _Histories(model, version.data_until, {one.user_id for one in lists})
    reward = np.array([(one.pk, _lot(one)["place"]) in won for one in lists], np.float64)
    logged = np.array([_lot(one)["propensity"] for one in lists], np.float64)
    new = np.array([_chance(model, histories.at(one.user_id, one.at), one) for one in lists])
    person = np.array([one.user_id for one in lists], np.int64)
    row = PolicyValue(version=version, at=now or timezone.now(), n_lists=len(lists))
    try:
        row.result = asdict(snips(reward, logged, new, person))
    except TooFew as error:
        row.refusal = f"Too few: {error}."
    row.save()
    return row


def _chance(model: TrainedModel, history: History, shown: ServedList) -> float:
    """That the film which won would have won by the version's own order of the pool."""
    lot = _lot(shown)
    pool = np.array(lot["pool"], np.int64)
    rows = model.rows(pool)
    scores = model.order_scores(history)
    known = np.where(rows >= 0, scores[np.maximum(rows, 0)], -np.inf)
    ranks = np.argsort(np.argsort(-known, kind="stable"), kind="stable")
    film = shown.movie_ids[lot["place"] - 1]
    return float(plackett_probabilities(len(pool))[ranks[lot["pool"].index(film)]])


def _lot(shown: ServedList) -> dict[str, Any]:
    assert shown.lot is not None
    lot: dict[str, Any] = shown.lot
    return lot


class _Histories:
    """People's ratings as they were at a moment; what has been changed since counts as it is now."""

    def __init__(self, model: TrainedModel, data_until: datetime, people: set[int]) -> None:
        self._model, self._data_until = model, data_until
        self._rows: dict[int, list[tuple[int, float, datetime, datetime]]] = defaultdict(list)
        ratings = Rating.objects.filter(user_id__in=people).order_by("rated_at", "pk")
        fields = ("user_id", "movie_id", "value", "rated_at", "changed_at")
        for user_id, movie_id, value, rated_at, changed_at in ratings.values_list(*fields).iterator():
            self._rows[user_id].append((movie_id, value, rated_at, changed_at))

    def at(self, user_id: int, moment: datetime) -> History:
        rows = [row for row in self._rows[user_id] if row[2] < moment]
        return self._model.history(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.float64),
            np.array([row[3] <= self._data_until for row in rows], np.bool_),
            np.arange(len(rows))[::-1].copy(),
        )
