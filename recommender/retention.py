"""Which versions are kept and why, and how one is deleted: its row says so first, its files go after."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from recommender import artifacts, registry
from recommender.models import HeldOut, ModelVersion
from recommender.scoreboard import MEASURES

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fate:
    version: ModelVersion
    reasons: list[str]  # why it is kept; empty for one that goes

    @property
    def is_kept(self) -> bool:
        return bool(self.reasons)


def fates(
    versions: Sequence[ModelVersion],
    *,
    keep_newest: int,
    keep_best: int,
    best_by: str,
    in_use: dict[int, str],
) -> list[Fate]:
    """What becomes of each of ``versions``, in their order. ``in_use``: why some must stay whatever the numbers say, by
    primary key (``registry.in_use``)."""
    newest = sorted(versions, key=lambda version: -version.pk)
    newest_ids = {version.pk for version in newest[:keep_newest]}
    measure = MEASURES[best_by]
    sign = 1 if measure.smaller_is_better else -1
    measured = [version for version in newest if version.metric(best_by) is not None]
    best = sorted(measured, key=lambda version: sign * (version.metric(best_by) or 0.0))
    best_ids = {version.pk for version in best[:keep_best]}
    found = []
    for version in versions:
        reasons = []
        if version.pk in in_use:
            reasons.append(in_use[version.pk])
        if version.pinned:
            reasons.append("pinned")
        if version.pk in newest_ids:
            reasons.append(f"one of the {keep_newest} newest" if keep_newest > 1 else "the newest")
        if version.pk in best_ids:
            reasons.append(f"one of the {keep_best} best by {measure.title}" if keep_best > 1 else "the best")
        if newest and version == newest[0] and not reasons:
            reasons.append("the latest")
        found.append(Fate(version, reasons))
    return found


def delete(version: ModelVersion) -> bool:
    """Deletes a version that nobody needs: first its row says so, then its files go, with its twin.

    False if it became live, was pinned or was deleted meanwhile. A crash in between leaves files that no version owns,
    which ``delete_leftovers`` removes.
    """
    if not registry.retire(version):
        return False
    artifacts.delete(version.label)
    HeldOut.objects.filter(version=version).delete()
    logger.info("Version %s was deleted", version.label)
    return True


# What a crash left is certain to be nobody's any more after this long: no training writes files for so many seconds.
UNOWNED_SECONDS = 3600.0


def delete_unowned() -> list[str]:
    """Removes files that never got a row, because their training died in between; what they were called."""
    old = artifacts.leftovers(set(), at_least=UNOWNED_SECONDS)
    # Looked up after the files, or one that gets its row in between would go.
    owned = set(ModelVersion.objects.filter(label__in=old).values_list("label", flat=True))
    gone = [name for name in old if name not in owned]
    for name in gone:
        artifacts.delete_leftover(name)
    if gone:
        logger.warning("Files without a version were removed: %s", ", ".join(gone))
    return gone


def delete_leftovers() -> list[str]:
    """Removes files of versions whose row says that they are deleted; their labels."""
    gone = ModelVersion.objects.filter(status=ModelVersion.Status.DELETED)
    left = [label for label in gone.values_list("label", flat=True) if artifacts.exists(label)]
    for label in left:
        artifacts.delete(label)
    HeldOut.objects.filter(version__in=gone).delete()
    return left
