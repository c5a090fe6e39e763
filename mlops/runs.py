"""The states of a training run, and the only ways from one to the next.

    queued → running → succeeded | failed | interrupted | cancelled

Every step is a conditional UPDATE: it names the state it leaves and, once the run is claimed, the owner. Whoever
changes no row came too late, and stops. So it does not matter how often a task is delivered, who is killed when, or
whether a process that was taken for dead comes back.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import Error, IntegrityError, close_old_connections, connection, transaction
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from cinema import audit
from cinema.models import User
from mlops.models import LEASE, WORKER_LEASE, TrainingRun, TrainingRunQuerySet, WorkerHeartbeat
from recommender.algorithms.presets import DEFAULT_PRESET
from recommender.models import ModelVersion

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
# A run that waits this long although nothing carries it any more will never start.
QUEUE_PATIENCE = timedelta(seconds=30)

Status = TrainingRun.Status


class TrainingInProgress(Exception):
    """There is an active run already; the database allows one."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Training run {run_id} is still in progress.")
        self.run_id = run_id


def _in_progress() -> TrainingInProgress:
    active = TrainingRun.objects.active().first()
    return TrainingInProgress(active.pk if active is not None else 0)


def request_training(
    *,
    preset: str | None = None,
    hyperparameters: dict[str, Any] | None = None,
    activate: bool = True,
    requested_by: User | None = None,
    trigger: str = "",
) -> TrainingRun:
    """Queues a training. Raises TrainingInProgress if a run is active.

    ``trigger``: why it starts without anybody asking.
    """
    return request_run(
        preset=preset or DEFAULT_PRESET,
        hyperparameters=hyperparameters or {},
        activate=activate,
        requested_by=requested_by,
        trigger=trigger,
    )


def request_run(**fields: Any) -> TrainingRun:
    """Queues a run of any kind. Raises TrainingInProgress if one is active: the database's constraint says so, not a
    look first.

    The task joins the transaction, so that there is never a run without a task or a task without a run.
    """
    sweep()
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(**fields)
            async_task("mlops.tasks.supervise", run.pk)
            _record(run)
    except IntegrityError as error:
        raise _in_progress() from error
    return run


def _record(run: TrainingRun) -> None:
    role = audit.Role.SITE if run.trigger else None
    audit.record(audit.Action.TRAIN, actor=run.requested_by, role=role, subject=f"run {run.pk}")


def start_in_foreground(
    *, preset: str | None = None, hyperparameters: dict[str, Any] | None = None, activate: bool = True
) -> tuple[TrainingRun, uuid.UUID]:
    """A training that this process carries out itself, already claimed. Raises TrainingInProgress."""
    return begin_run(preset=preset or DEFAULT_PRESET, hyperparameters=hyperparameters or {}, activate=activate)


def begin_run(**fields: Any) -> tuple[TrainingRun, uuid.UUID]:
    """A run of any kind that this process carries out itself, already claimed. Raises TrainingInProgress."""
    sweep()
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(**fields)
            _record(run)
    except IntegrityError as error:
        raise _in_progress() from error
    owner = claim(run.pk)
    if owner is None:
        raise _in_progress()
    return run, owner


def claim(run_id: int) -> uuid.UUID | None:
    """queued → running. The owner's token, or None if somebody else was first or the run is over."""
    owner = uuid.uuid4()
    now = timezone.now()
    run = TrainingRun.objects.filter(pk=run_id, status=Status.QUEUED).first()
    if run is None:
        return None
    claimed = TrainingRun.objects.filter(pk=run_id, status=Status.QUEUED).update(
        status=Status.RUNNING, owner=owner, attempts=run.attempts + 1, started_at=now, heartbeat_at=now
    )
    return owner if claimed == 1 else None


def _owned(run_id: int, owner: uuid.UUID) -> TrainingRunQuerySet:
    return TrainingRun.objects.filter(pk=run_id, owner=owner, status=Status.RUNNING)


def report_progress(run_id: int, owner: uuid.UUID, **fields: Any) -> bool:
    """Writes ``fields`` and a sign of life. False: the run is no longer the owner's, or is to be cancelled."""
    return _owned(run_id, owner).filter(cancel_requested=False).update(heartbeat_at=timezone.now(), **fields) == 1


def beat(run_id: int, owner: uuid.UUID) -> bool:
    """A sign of life, nothing else."""
    return _owned(run_id, owner).update(heartbeat_at=timezone.now()) == 1


@contextmanager
def heartbeat(run_id: int, owner: uuid.UUID) -> Iterator[None]:
    """Signs of life from a thread while the body runs, however long a single step of it takes."""
    stop = threading.Event()

    def keep_beating() -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            try:
                beat(run_id, owner)
            except Error as error:  # a busy database must not end a training
                logger.warning("Heartbeat of run %d failed: %s", run_id, error)
                close_old_connections()
        connection.close()

    thread = threading.Thread(target=keep_beating, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def finish(
    run_id: int,
    owner: uuid.UUID,
    status: str,
    *,
    error: str = "",
    version: ModelVersion | None = None,
    metrics: dict[str, Any] | None = None,
) -> bool:
    """running → ``status``. False if the run is no longer the owner's: then nothing of it may be published."""
    fields: dict[str, Any] = {"status": status, "error": error, "finished_at": timezone.now(), "pid": None}
    run = _owned(run_id, owner)
    if status == Status.SUCCEEDED:
        fields.update(version=version, metrics=metrics or {}, progress=1.0, phase="")
        # Whoever cancelled has been told that nothing will come of it.
        run = run.filter(cancel_requested=False)
    return run.update(**fields) == 1


def request_cancel(run: TrainingRun, *, by: User | None = None) -> TrainingRun:
    """A waiting run is over at once; a running one is stopped by its supervisor within a second."""
    cancelled = TrainingRun.objects.filter(pk=run.pk, status=Status.QUEUED).update(
        status=Status.CANCELLED, cancel_requested=True, finished_at=timezone.now()
    )
    if not cancelled:
        TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(cancel_requested=True)
    audit.record(audit.Action.CANCEL, actor=by, subject=f"run {run.pk}")
    run.refresh_from_db()
    return run


def expired() -> TrainingRunQuerySet:
    """Running runs that have not been heard of for longer than their lease."""
    return TrainingRun.objects.filter(status=Status.RUNNING, heartbeat_at__lt=timezone.now() - LEASE)


def sweep() -> int:
    """Settles runs that nobody carries any more; says how many. Cheap enough to do before every look."""
    swept = 0
    # Looks before it writes: a look must not wait for whoever is writing to the database.
    if expired().exists():
        swept += expired().update(
            status=Status.INTERRUPTED,
            finished_at=timezone.now(),
            error="The training stopped reporting: its process was killed or its machine went down. Start it again.",
        )
    # While a task waits for a worker, so does its run, also for a worker that is not there yet.
    waiting = TrainingRun.objects.filter(status=Status.QUEUED, created_at__lt=timezone.now() - QUEUE_PATIENCE)
    if waiting.exists() and not _tasks_waiting():
        swept += waiting.update(
            status=Status.INTERRUPTED,
            finished_at=timezone.now(),
            error="Its task was lost before it began. Start it again.",
        )
    if swept:
        logger.warning("%d lost training run(s) settled", swept)
    return swept


def _tasks_waiting() -> bool:
    """Whether the queue holds a task that no worker has taken. The payload, a signed pickle, stays unread."""
    # The broker stamps a task with the time it was queued, and with a time to come once a worker has taken it.
    return OrmQ.objects.filter(lock__lte=timezone.now()).exists()


def interrupt_running(reason: str, *, owners: Collection[uuid.UUID] | None = None) -> int:
    """Ends running runs, all of them or those of ``owners``. Their processes notice and go."""
    running = TrainingRun.objects.filter(status=Status.RUNNING)
    if owners is not None:
        running = running.filter(owner__in=owners)
    return running.update(status=Status.INTERRUPTED, finished_at=timezone.now(), pid=None, error=reason)


def worker_alive(*, host: str | None = None) -> bool:
    """Whether a qcluster has given a sign of life lately; on ``host``, or anywhere."""
    alive = WorkerHeartbeat.objects.filter(seen_at__gte=timezone.now() - WORKER_LEASE)
    return (alive if host is None else alive.filter(host=host)).exists()
