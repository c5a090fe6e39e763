"""Child processes that never outlive us."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: int) -> None:
    """Asks Linux to send this process a signal when its parent dies, however it dies. Elsewhere it does nothing."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def dying_with(parent_pid: int, signal_number: int) -> Callable[[], None]:
    """For subprocess's ``preexec_fn``: the child dies with ``parent_pid``, also if that is dead by now."""

    def prepare() -> None:
        die_with_parent(signal_number)
        # Between fork and prctl the parent may have gone, and with it the signal.
        if os.getppid() != parent_pid:
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare


def chain_forks(signal_number: int) -> None:
    """From now on every process that this one forks dies with it, and so do those that they fork."""
    forking = os.getpid()

    def before() -> None:
        nonlocal forking
        forking = os.getpid()

    os.register_at_fork(before=before, after_in_child=lambda: dying_with(forking, signal_number)())
