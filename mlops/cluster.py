"""django-q's cluster, with what is missing in it: it can be stopped, and it says when it has been damaged."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from typing import Any
from uuid import UUID

import django_q.cluster
import psutil

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.3
# A training leaves within six seconds; what takes longer than this is a cluster that no longer listens.
STOP_SECONDS = 10.0

_IDLE = -1  # a worker's timer in django-q while it waits for a task


class Cluster(django_q.cluster.Cluster):
    """The cluster as this process sees it: a sentinel, and what that has forked."""

    def __init__(self) -> None:
        super().__init__()
        self._damage = multiprocessing.Event()
        WatchfulSentinel.damage = self._damage
        # Where start() looks for it.
        django_q.cluster.Sentinel = WatchfulSentinel

    @property
    def damaged(self) -> bool:
        """Whether tasks may wait for ever from now on, though every process looks alive."""
        return self._damage.is_set() or not self.sentinel.is_alive()

    def trainings(self) -> set[UUID]:
        """The owners of the runs that are carried out here, as their processes' command lines name them."""
        owners = set()
        for process in self._descendants():
            try:
                words = process.cmdline()
            except psutil.Error:  # it has ended
                continue
            if "train_run" in words and "--owner" in words[:-1]:
                owners.add(UUID(words[words.index("--owner") + 1]))
        return owners

    def end(self, meanwhile: Callable[[], None]) -> bool:
        """Asks it to stop and calls ``meanwhile`` until it has. False: it did not listen and was killed."""
        if self.sentinel.is_alive():
            self.stop_event.set()
        deadline = time.monotonic() + STOP_SECONDS
        while self.sentinel.is_alive() and time.monotonic() < deadline:
            meanwhile()
            self.sentinel.join(LOOK_SECONDS)
        if not self.sentinel.is_alive():
            return True
        self.kill()
        return False

    def kill(self) -> None:
        """Ends all its processes at once."""
        left = self._descendants()
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.sentinel.join()

    def _descendants(self) -> list[psutil.Process]:
        return psutil.Process().children(recursive=True)


class WatchfulSentinel(django_q.cluster.Sentinel):
    """Says when it has replaced a process that takes more along than itself.

    An idle worker that is killed dies with the lock of the queue in its hand, and no other worker gets a task any
    more; a monitor that is killed leaves a queue of results that nobody reads.
    """

    damage: Event

    def reincarnate(self, process: Any) -> None:
        if process is self.monitor or (process is not self.pusher and process.timer.value == _IDLE):
            self.damage.set()
        super().reincarnate(process)
