"""The processes that answer requests: gunicorn's, with threads, sharing the connections that browsers keep open."""

from __future__ import annotations

from gunicorn.workers.gthread import ThreadWorker


class SharingWorker(ThreadWorker):
    """Keeps no more connections open than its threads can answer at once.

    Whoever accepts a connection answers all that is asked on it. Eight browsers could so end up at one process, while
    another is idle: half of the speed, for as long as they stay. Where there are too many, a connection is closed with
    its answer, and the next request goes to whoever has time. How many may come is not limited by this.
    """

    @property
    def max_keepalived(self) -> int:
        """How many connections may be idle when another one is to be kept; gunicorn asks it before each answer."""
        return self._at_rest if self.nr_conns <= self.cfg.threads else 0

    @max_keepalived.setter
    def max_keepalived(self, at_rest: int) -> None:
        self._at_rest = at_rest
