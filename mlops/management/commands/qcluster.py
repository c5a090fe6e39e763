"""``manage.py qcluster``: django-q's cluster, with a heartbeat, and without orphans.

It takes the place of django_q's command of the same name.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from datetime import timedelta
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error, close_old_connections, connection
from django.utils import timezone
from django_q.management.commands.qcluster import Command as DjangoQCommand
from django_q.models import Schedule

from cinema.database_lock import only_one
from cinema.processes import chain_forks
from mlops import runs
from mlops.cluster import LOOK_SECONDS, Cluster
from mlops.models import WorkerHeartbeat
from mlops.watchdog import SentinelWatchdog

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
SCHEDULE_SECONDS = 30.0
ART_SCHEDULE = "fetch posters"
SWEEP_SCHEDULE = "Settle lost training runs"
# What is done every minute, by the name of its schedule.
EVERY_MINUTE = {
    SWEEP_SCHEDULE: "mlops.tasks.sweep",
    "Start trainings that are due": "mlops.tasks.retrain",
    "Watch over what has become live": "mlops.tasks.look",
    "Find out what the lists led to": "mlops.tasks.settle",
}


class Command(DjangoQCommand):
    help = "Runs background jobs: django-q's cluster with a heartbeat."

    def handle(self, *args: Any, **options: Any) -> None:
        # A killed parent leaves no orphans that would go on taking tasks beside the next cluster.
        chain_forks(signal.SIGKILL)
        _ensure_schedule()
        # The children must not inherit an open connection.
        connection.close()
        if options.get("run_once"):
            super().handle(*args, **options)
            return
        cluster = Cluster()
        cluster.start()
        # Only now: a thread that runs during a fork leaves its locks behind in the child.
        heartbeat = _Heartbeat()
        heartbeat.start()

        def stop(signal_number: int, frame: FrameType | None) -> None:
            heartbeat.stop_requested.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        sentinel = SentinelWatchdog(SWEEP_SCHEDULE)
        while not heartbeat.stop_requested.wait(LOOK_SECONDS):
            # A training that is under way goes on: it needs nothing of what is broken.
            if (cluster.damaged or sentinel.hangs()) and not cluster.trainings():
                cluster.kill()
                heartbeat.finish()
                raise CommandError(
                    "A process of the worker was killed or hangs, and no task would be done any more. Start it again."
                )
        # The cluster waits for running tasks without limit, so their reason to run is taken away.
        if not cluster.end(meanwhile=lambda: _interrupt(cluster)):
            logger.error("The cluster did not stop and was killed")
        heartbeat.finish()


def _interrupt(cluster: Cluster) -> None:
    """The trainings of this cluster: those of another, or at a terminal, are none of its business."""
    try:
        if owners := cluster.trainings():
            runs.interrupt_running("The worker was stopped while it trained. Start the training again.", owners=owners)
    except Error as error:
        logger.warning("Running trainings could not be interrupted: %s", error)


EVERY_FIVE_MINUTES = {"Count each film's ratings": "mlops.tasks.count_ratings"}
EVERY_HOUR = {
    "Roll up what was served": "mlops.tasks.roll_up",
    "Test the live lists on what people liked since": "mlops.tasks.assess",
}


def _ensure_schedule() -> None:
    """Once for all hosts, or what two workers of a new site wrote at the same time would be done twice for ever."""
    deadline = time.monotonic() + SCHEDULE_SECONDS
    with only_one("schedule", wait=lambda: time.monotonic() < deadline) as held:
        if not held:
            raise CommandError("Another worker has been writing the schedule for too long. Start this one again.")
        _write_schedule()


def _write_schedule() -> None:
    for minutes, jobs in ((1, EVERY_MINUTE), (5, EVERY_FIVE_MINUTES), (60, EVERY_HOUR)):
        for name, function in jobs.items():
            Schedule.objects.get_or_create(
                name=name,
                defaults={"func": function, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1},
            )
    if settings.TMDB_API_KEY:
        Schedule.objects.get_or_create(
            name=ART_SCHEDULE,
            defaults={"func": "mlops.tasks.fetch_art", "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
        )
    else:
        Schedule.objects.filter(name=ART_SCHEDULE).delete()


class _Heartbeat(threading.Thread):
    """Keeps this worker's row fresh."""

    def __init__(self) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.stop_requested = threading.Event()
        self._finished = threading.Event()
        now = timezone.now()
        self._row = WorkerHeartbeat(host=socket.gethostname(), pid=os.getpid(), started_at=now, seen_at=now)

    def run(self) -> None:
        while True:
            try:
                close_old_connections()
                now = timezone.now()
                self._row.seen_at = now
                self._row.save()
                # Rows of workers that were killed. An hour is kept, for whoever wonders what happened.
                WorkerHeartbeat.objects.filter(seen_at__lt=now - timedelta(hours=1)).delete()
            except Error as error:
                logger.warning("The worker's heartbeat could not be written: %s", error)
            if self._finished.wait(HEARTBEAT_SECONDS):
                break
        try:
            WorkerHeartbeat.objects.filter(pk=self._row.pk).delete()
        except Error as error:
            logger.warning("The worker's heartbeat could not be removed: %s", error)
        connection.close()

    def finish(self) -> None:
        self._finished.set()
        self.join(timeout=5)
