"""Keeps a training in a process of its own and settles what that process cannot say itself.

The numeric work runs in a child, so that it can be stopped within a second, so that a crash of native code or the
out-of-memory killer takes nothing else along, and so that its memory goes back to the system.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import Error, close_old_connections

from cinema.processes import dying_with
from mlops import runs
from mlops.models import TrainingRun

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.3
GRACE_SECONDS = 5.0
LEAVING_SECONDS = 30.0
WALL_SECONDS = 6 * 3600 - 300.0  # a little less than the queue's own limit, so that we are the ones to say so
TAIL_BYTES = 2000

Status = TrainingRun.Status


def supervise(run_id: int, command: Sequence[str] | None = None) -> None:
    """Carries out the run if it is still to be had. ``command`` replaces the training process in tests."""
    owner = runs.claim(run_id)
    if owner is None:
        logger.info("Training run %d was claimed already", run_id)
        return
    log = _log_path(run_id)
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = list(command) if command is not None else _training_command(run_id, owner)
    with log.open("wb") as output:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
        )
    try:
        _set_pid(run_id, owner, child.pid)
        ended_by = _watch(run_id, owner, child)
    finally:
        _kill(child)
    _settle(run_id, owner, child.returncode, ended_by, log)


def _training_command(run_id: int, owner: UUID) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "train_run", str(run_id), "--owner", str(owner)]


def _log_path(run_id: int) -> Path:
    return Path(settings.VAR_DIR) / "logs" / f"run-{run_id}.log"


def _set_pid(run_id: int, owner: UUID, pid: int) -> None:
    TrainingRun.objects.filter(pk=run_id, owner=owner).update(pid=pid)


def _watch(run_id: int, owner: UUID, child: subprocess.Popen[bytes]) -> str:
    """Waits for the child's end; says why it was ended, or nothing if it ended by itself."""
    started = time.monotonic()
    while True:
        try:
            child.wait(POLL_SECONDS)
            return ""
        except subprocess.TimeoutExpired:
            pass
        reason = _reason_to_stop(run_id, owner)
        if reason == "over":
            # It has written its end itself and only has to leave.
            with suppress(subprocess.TimeoutExpired):
                child.wait(LEAVING_SECONDS)
            return ""
        if not reason and time.monotonic() - started > WALL_SECONDS:
            reason = "time"
        if reason:
            child.terminate()
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                _kill(child)
            return reason


def _reason_to_stop(run_id: int, owner: UUID) -> str:
    try:
        close_old_connections()
        row = TrainingRun.objects.filter(pk=run_id).values_list("status", "owner", "cancel_requested").first()
    except Error as error:  # a busy database must not end a training
        logger.warning("Training run %d cannot be looked at: %s", run_id, error)
        return ""
    if row is None or row[1] != owner:
        return "lost"
    if row[0] in {Status.SUCCEEDED, Status.FAILED}:
        return "over"
    if row[0] != Status.RUNNING:
        return "lost"
    return "cancel" if row[2] else ""


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _settle(run_id: int, owner: UUID, returncode: int, ended_by: str, log: Path) -> None:
    """Writes the end of the run, unless the child has done so already."""
    if ended_by == "cancel":
        status, error = Status.CANCELLED, ""
    elif ended_by == "time":
        status, error = Status.FAILED, f"The training took longer than {WALL_SECONDS / 3600:.1f} hours and was ended."
    elif returncode < 0:
        status, error = Status.FAILED, _killed_by(-returncode)
    else:
        status, error = Status.FAILED, f"The training process ended with code {returncode}.\n{_tail(log)}".strip()
    if runs.finish(run_id, owner, status, error=error):
        logger.warning("Training run %d is %s: %s", run_id, status, error.splitlines()[0] if error else "")


def _killed_by(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    hint = " The system may have run out of memory." if number == signal.SIGKILL else ""
    return f"The training process was killed ({name}).{hint}"


def _tail(log: Path) -> str:
    """The last lines that the child wrote. Only staff sees them."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""
