"""Deleting versions that nobody needs any more, as the policy says."""

from __future__ import annotations

import logging
from collections.abc import Collection

from mlops.models import RetentionPolicy
from recommender import registry, retention
from recommender.models import ModelVersion
from recommender.retention import Fate

logger = logging.getLogger(__name__)


def plan(policy: RetentionPolicy) -> list[Fate]:
    """What would become of every version, newest first. Changes nothing."""
    return retention.fates(
        list(ModelVersion.objects.ready().order_by("-pk")),
        keep_newest=policy.keep_newest,
        keep_best=policy.keep_best,
        best_by=policy.best_by,
        in_use=registry.in_use(),
    )


def prune(policy: RetentionPolicy, only: Collection[str] | None = None) -> list[ModelVersion]:
    """Deletes what the plan lets go, and what an earlier deletion left behind; which versions went. ``only``: labels
    that somebody has been shown; what the plan lets go since they looked stays."""
    retention.delete_leftovers()
    retention.delete_unowned()
    going = [fate.version for fate in plan(policy) if not fate.is_kept]
    return [version for version in going if (only is None or version.label in only) and retention.delete(version)]


def prune_after_training() -> None:
    """The same if the policy wants it. Never fails: a training that is done stays done."""
    try:
        policy = RetentionPolicy.current()
        if policy.automatic:
            prune(policy)
    except Exception:
        logger.exception("Old versions could not be deleted")
