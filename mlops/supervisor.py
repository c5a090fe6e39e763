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
from mlops.models import LEASE, TrainingRun

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.3
GRACE_SECONDS = 5.0
LEAVING_SECONDS = 30.0
WALL_SECONDS = 6 * 3600 - 300.0  # a little less than the queue's own limit, so that we are the ones to say so
TAIL_BYTES = 2000
LOG_BYTES = 64_000

Status = TrainingRun.Status


def supervise(run_id: int, command: Sequence[str] | None = None) -> None:
    """Carries out the run if it is still to be had. ``command`` replaces the training process in tests."""
    owner = runs.claim(run_id)
    if owner is None:
        logger.info("Training run %d was claimed already", run_id)
        return
    log = _log_path(run_id)
    try:
        child = _start(list(command) if command is not None else _command(run_id, owner), log)
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        _finish(run_id, owner, Status.FAILED, f"The training process could not be started: {reason}.")
        return
    try:
        _note_pid(run_id, owner, child.pid)
        ended_by = _watch(run_id, owner, child)
    finally:
        _kill(child)
    # It may have left by itself because it saw, before we did, that it was to stop.
    _settle(run_id, owner, child.returncode, ended_by or _reason_to_stop(run_id, owner), log)


def _start(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
        )


# The command of manage.py that carries out a run of each kind.
_COMMANDS = {TrainingRun.Kind.TRAINING.value: "train_run", TrainingRun.Kind.SEARCH.value: "search_run"}


def _command(run_id: int, owner: UUID) -> list[str]:
    kind = TrainingRun.objects.values_list("kind", flat=True).get(pk=run_id)
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), _COMMANDS[kind], str(run_id), "--owner", str(owner)]


def _log_path(run_id: int) -> Path:
    return Path(settings.SHARED_DIR) / "logs" / f"run-{run_id}.log"


def _note_pid(run_id: int, owner: UUID, pid: int) -> None:
    try:
        TrainingRun.objects.filter(pk=run_id, owner=owner).update(pid=pid)
    except Error as error:  # it is there for people to read, not for us
        logger.warning("The process of training run %d could not be noted: %s", run_id, error)


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
    _finish(run_id, owner, status, error)


def _finish(run_id: int, owner: UUID, status: str, error: str) -> None:
    """Insists for as long as the run's lease lasts; after that the sweeper settles it."""
    deadline = time.monotonic() + LEASE.total_seconds()
    while True:
        try:
            if runs.finish(run_id, owner, status, error=error):
                logger.warning("Training run %d is %s. %s", run_id, status, error.partition("\n")[0])
            return
        except Error as problem:
            logger.warning("The end of training run %d could not be written: %s", run_id, problem)
            close_old_connections()
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)


def _killed_by(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    hint = " The system may have run out of memory." if number == signal.SIGKILL else ""
    return f"The training process was killed ({name}).{hint}"


def _tail(log: Path, size: int = TAIL_BYTES) -> str:
    """The end of what the child wrote. Only staff sees it."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""


def tail(run_id: int, *, lines: int) -> str:
    """The last lines of a run's log; empty for a run at a terminal, or one whose log is gone."""
    return "\n".join(_tail(_log_path(run_id), LOG_BYTES).splitlines()[-lines:])
