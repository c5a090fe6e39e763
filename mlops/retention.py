"""Deleting versions that nobody needs any more, as the policy says."""

from __future__ import annotations

import logging

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


def prune(policy: RetentionPolicy) -> list[ModelVersion]:
    """Deletes what the plan lets go, and what an earlier deletion left behind; which versions went."""
    retention.delete_leftovers()
    return [fate.version for fate in plan(policy) if not fate.is_kept and retention.delete(fate.version)]


def prune_after_training() -> None:
    """The same if the policy wants it. Never fails: a training that is done stays done."""
    try:
        policy = RetentionPolicy.current()
        if policy.automatic:
            prune(policy)
    except Exception:
        logger.exception("Old versions could not be deleted")
