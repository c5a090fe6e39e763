"""The processes that answer requests: gunicorn's with threads, which share out what browsers keep open among them."""

from __future__ import annotations

import gc
import select
import socket
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

LINGER_SECONDS = 2.0
# How long a thread waits for what a new connection asks. Browsers connect ahead of asking, and strangers may never ask.
QUIET_SECONDS = 0.05


class SharingWorker(ThreadWorker):
    """Accepts a connection when a thread has time for it, and keeps no more open than its threads can answer at once.

    Whoever accepts a connection answers all that is asked on it. Eight browsers could so end up at one process, while
    another is idle: half of the speed, for as long as they stay. So they stand in one queue for all processes, the
    listener's, until a thread is free; and where more are open than there are threads, a connection is closed with its
    answer, and the next request goes to whoever has time. How many may come is not limited by this.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[TConn] = deque()  # answered for the last time, the earliest first
        self._in_hand = 0  # requests that threads have or will have

    def load_wsgi(self) -> None:
        super().load_wsgi()
        # What has been loaded stays for good. Looked through for garbage with every request's, it would hold up one in
        # a hundred for as long as an answer takes.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)

    @property
    def max_keepalived(self) -> int:
        """How many connections may be idle when another one is to be kept; gunicorn asks it before each answer."""
        return self._at_rest if self.nr_conns <= self.cfg.threads else 0

    @max_keepalived.setter
    def max_keepalived(self, at_rest: int) -> None:
        self._at_rest = at_rest

    def enqueue_req(self, conn: TConn) -> None:
        self._in_hand += 1
        if self._in_hand >= self.cfg.threads:
            super().set_accept_enabled(False)
        super().enqueue_req(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """gunicorn asks to enable it before each wait for what comes next, and to disable it once when it is to end."""
        super().set_accept_enabled(enabled and self._in_hand < self.cfg.threads)
        if not self.alive:
            self._accept_all_that_wait()

    def _accept_all_that_wait(self) -> None:
        """They asked before the end was decided, and nobody else will answer them."""
        for _ in range(self.cfg.backlog):
            waiting, _, _ = select.select(self.sockets, [], [], 0)
            if not waiting:
                break
            self.accept(waiting[0])

    def handle(self, conn: TConn) -> Any:
        if not conn.initialized and not conn.wait_for_data(QUIET_SECONDS):
            return _DEFER  # until there is something to read, and without a thread
        return super().handle(conn)

    # A connection is closed when its client has read the answer and closed it (RFC 9112, section 9.6). gunicorn waits
    # for that in the thread that hands out all requests: one slow client would hold up everybody's for two seconds.

    def finish_request(self, conn: TConn, future: Future[Any]) -> None:
        self._in_hand -= 1
        if future.cancelled() or future.exception() is not None or future.result():
            super().finish_request(conn, future)
            return
        self.nr_conns -= 1
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, EVENT_READ, partial(self._read_on, conn))
        except (OSError, ValueError):  # it is gone
            conn.close()
            return
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self._lingering.append(conn)

    def _read_on(self, conn: TConn, sock: socket.socket) -> None:
        try:
            unasked = sock.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            unasked = b""
        if not unasked:
            self._lingering.remove(conn)
            self._close(conn)

    def murder_pending(self) -> None:
        super().murder_pending()
        while self._lingering and self._lingering[0].timeout <= time.monotonic():
            self._close(self._lingering.popleft())

    def _close(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        conn.close()
