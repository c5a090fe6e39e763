"""Comparisons as jobs: asked for by a page, carried out by a process of its own, read from a row."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from django.conf import settings
from django.db import Error, transaction
from django.utils import timezone
from django_q.tasks import async_task

from cinema.models import User
from cinema.processes import dying_with
from mlops.contenders import contender
from mlops.models import Comparison
from recommender import artifacts
from recommender.contest import NothingInCommon, contest
from recommender.dataset import snapshot
from recommender.models import ModelVersion

logger = logging.getLogger(__name__)

LIMITS = (2, 5)  # versions
SECONDS_BETWEEN_WRITES = 1.0
WALL_SECONDS = 3600

Status = Comparison.Status


class CannotCompare(Exception):
    """The versions that were asked for cannot be compared; the message says why."""


def versions_of(labels: Sequence[str]) -> list[ModelVersion]:
    """The versions in the order of ``labels``, each once. Raises CannotCompare."""
    wanted = list(dict.fromkeys(labels))
    if not LIMITS[0] <= len(wanted) <= LIMITS[1]:
        raise CannotCompare(f"Choose {LIMITS[0]} to {LIMITS[1]} versions.")
    found = {version.label: version for version in ModelVersion.objects.ready().filter(label__in=wanted)}
    if missing := [label for label in wanted if label not in found]:
        raise CannotCompare(f"There is no such version any more: {', '.join(missing)[:100]}.")
    return [found[label] for label in wanted]


def request_comparison(
    versions: Sequence[ModelVersion], *, requested_by: User | None, again: bool = False
) -> Comparison:
    """The comparison of ``versions`` with the first of them, queued unless it is there or on its way.

    ``again`` makes one that is there anew, with the ratings that came since.
    """
    key = ",".join(version.label for version in versions)
    now = timezone.now()
    with transaction.atomic():
        row, created = Comparison.objects.select_for_update().get_or_create(
            key=key, defaults={"requested_by": requested_by, "requested_at": now, "heard_at": now}
        )
        if not created:
            if row.is_active or (row.status == Status.DONE and not again):
                return row
            # A result stays to be looked at until the new one is there.
            row.status, row.progress, row.error = Status.WAITING, 0.0, ""
            row.requested_by, row.requested_at, row.heard_at = requested_by, now, now
            row.save()
        async_task("mlops.tasks.compare", row.pk)
    return row


def supervise(comparison_id: int) -> None:
    """Carries one out in a process of its own, whose memory goes back to the system."""
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "compare_run", str(comparison_id)]
    try:
        code = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
            timeout=WALL_SECONDS,
        ).returncode
    except (OSError, subprocess.SubprocessError) as error:
        logger.error("Comparison %d could not be carried out: %s", comparison_id, error)
        code = -1
    if code:
        Comparison.objects.filter(pk=comparison_id, status__in=[Status.WAITING, Status.RUNNING]).update(
            status=Status.FAILED, error="Its process was ended before it was done. Ask for it again."
        )


def carry_out(comparison_id: int) -> bool:
    """waiting → running → done or failed. False if somebody else is at it, or it is over."""
    claimed = Comparison.objects.filter(pk=comparison_id, status=Status.WAITING).update(
        status=Status.RUNNING, heard_at=timezone.now()
    )
    if not claimed:
        return False
    row = Comparison.objects.get(pk=comparison_id)
    try:
        result = _judge(row)
    except (CannotCompare, NothingInCommon, artifacts.ArtifactCorrupt) as error:
        _end(row, status=Status.FAILED, error=str(error))
    except Exception as error:
        logger.exception("Comparison %d failed", comparison_id)
        _end(row, status=Status.FAILED, error=f"{type(error).__name__}: {error}")
        raise
    else:
        _end(row, status=Status.DONE, result=result, progress=1.0, finished_at=timezone.now())
    return True


def _judge(row: Comparison) -> dict[str, object]:
    versions = versions_of(row.labels)
    dataset = snapshot()
    written = time.monotonic()

    def progress(share: float) -> None:
        nonlocal written
        if time.monotonic() - written < SECONDS_BETWEEN_WRITES:
            return
        written = time.monotonic()
        try:
            Comparison.objects.filter(pk=row.pk).update(progress=share, heard_at=timezone.now())
        except Error as error:  # a busy database must not end it
            logger.warning("Progress of comparison %d could not be written: %s", row.pk, error)

    found = contest([contender(version, dataset) for version in versions], dataset, progress=progress)
    return {**found.as_json(), "data_until": dataset.data_until.isoformat(), "fingerprint": dataset.fingerprint}


def _end(row: Comparison, **fields: object) -> None:
    Comparison.objects.filter(pk=row.pk, status=Status.RUNNING).update(heard_at=timezone.now(), **fields)
