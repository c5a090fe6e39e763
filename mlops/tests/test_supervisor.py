"""The supervisor with real child processes, which stand in for the training."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import psutil
from django.conf import settings
from django.db import OperationalError, connection
from django.test import TransactionTestCase, override_settings

from mlops import runs, supervisor
from mlops.models import TrainingRun

Status = TrainingRun.Status
FOREVER = [sys.executable, "-c", "import threading; threading.Event().wait()"]


class SuperviseTestCase(TransactionTestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        override = override_settings(SHARED_DIR=Path(self.folder.name))
        override.enable()
        self.addCleanup(override.disable)
        self.run_ = TrainingRun.objects.create(preset="tuned")

    def supervise(self, command: list[str], meanwhile: Callable[[TrainingRun], object] | None = None) -> TrainingRun:
        """Runs the supervisor beside ``meanwhile``, which is called as soon as the child is there."""

        def work() -> None:
            try:
                supervisor.supervise(self.run_.pk, command)
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        if meanwhile is not None:
            deadline = time.monotonic() + 20
            while self.run_.pid is None and time.monotonic() < deadline and thread.is_alive():
                self.run_.refresh_from_db()
            meanwhile(self.run_)
        thread.join(30)
        self.assertFalse(thread.is_alive())
        self.run_.refresh_from_db()
        return self.run_

    def test_it_says_that_a_killed_process_was_killed(self) -> None:
        run = self.supervise(FOREVER, lambda run: os.kill(run.pid or 0, 9))
        self.assertEqual(run.status, Status.FAILED)
        self.assertIn("SIGKILL", run.error)
        self.assertEqual(runs.request_training().status, Status.QUEUED)

    def test_it_cancels_within_a_second_or_so(self) -> None:
        pids: list[int] = []

        def cancel(run: TrainingRun) -> None:
            pids.append(run.pid or 0)
            runs.request_cancel(run)

        started = time.monotonic()
        run = self.supervise(FOREVER, cancel)
        self.assertEqual(run.status, Status.CANCELLED)
        self.assertFalse(psutil.pid_exists(pids[0]))
        self.assertLess(time.monotonic() - started, 10)

    def test_it_calls_cancelled_what_saw_the_cancel_before_we_did(self) -> None:
        leaving = "import sys; open(sys.argv[1]).readline(); sys.exit(3)"
        fifo = Path(self.folder.name) / "fifo"
        os.mkfifo(fifo)
        descriptor = os.open(fifo, os.O_RDWR)  # both ends, so that neither side waits for the other to open its own
        self.addCleanup(os.close, descriptor)

        def cancel(run: TrainingRun) -> None:
            runs.request_cancel(run)
            os.write(descriptor, b"go\n")

        with mock.patch.object(supervisor, "POLL_SECONDS", 20.0):
            run = self.supervise([sys.executable, "-c", leaving, str(fifo)], cancel)
        self.assertEqual((run.status, run.error), (Status.CANCELLED, ""))

    def test_it_kills_a_process_that_does_not_listen(self) -> None:
        deaf = "import signal, threading; signal.signal(15, signal.SIG_IGN); threading.Event().wait()"
        supervisor_grace = supervisor.GRACE_SECONDS
        supervisor.GRACE_SECONDS = 0.5
        try:
            run = self.supervise([sys.executable, "-c", deaf], runs.request_cancel)
        finally:
            supervisor.GRACE_SECONDS = supervisor_grace
        self.assertEqual(run.status, Status.CANCELLED)

    def test_it_tells_staff_what_a_failing_process_said_last(self) -> None:
        run = self.supervise([sys.executable, "-c", "import sys; sys.exit('the cat sat on the keyboard')"])
        self.assertEqual(run.status, Status.FAILED)
        self.assertIn("the cat sat on the keyboard", run.error)
        self.assertIn("code 1", run.error)

    def test_it_says_that_a_process_could_not_be_started(self) -> None:
        run = self.supervise(["/no/such/program"])
        self.assertEqual(run.status, Status.FAILED)
        self.assertIn("could not be started: No such file", run.error)

    def test_it_says_so_when_the_log_cannot_be_written(self) -> None:
        (Path(settings.SHARED_DIR) / "logs").write_text("in the way")
        run = self.supervise(FOREVER)
        self.assertEqual(run.status, Status.FAILED)
        self.assertIn("could not be started", run.error)

    def test_it_lives_with_a_busy_database(self) -> None:
        """Whatever the supervisor reads or writes fails at first; only the child's end decides."""
        finish, looked_at = runs.finish, supervisor._reason_to_stop
        failures: list[str] = []

        def locked_at_first(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                if failures.count(what) < 2:
                    failures.append(what)
                    raise OperationalError("database is locked")
                return function(*args, **kwargs)

            return call

        busy = mock.Mock()
        busy.filter.side_effect = OperationalError("database is locked")
        with (
            mock.patch.object(runs, "finish", locked_at_first("finish", finish)),
            mock.patch.object(supervisor, "TrainingRun", mock.Mock(objects=busy)),
        ):
            self.assertEqual(looked_at(self.run_.pk, uuid4()), "")
            run = self.supervise([sys.executable, "-c", "import sys; sys.exit('no room')"])
        self.assertEqual(failures, ["finish", "finish"])
        self.assertEqual(run.status, Status.FAILED)
        self.assertIn("no room", run.error)

    def test_it_ends_a_process_that_lost_its_run(self) -> None:
        run = self.supervise(FOREVER, lambda run: runs.interrupt_running("The worker was stopped."))
        self.assertEqual((run.status, run.error), (Status.INTERRUPTED, "The worker was stopped."))

    def test_it_lets_a_process_leave_that_has_written_its_own_end(self) -> None:
        marker = Path(tempfile.mkdtemp()) / "left"
        slow = f"import time; time.sleep(2 * {supervisor.POLL_SECONDS}); open({str(marker)!r}, 'w').close()"

        def succeed(run: TrainingRun) -> None:
            assert run.owner is not None
            runs.finish(run.pk, run.owner, Status.SUCCEEDED)

        run = self.supervise([sys.executable, "-c", slow], succeed)
        self.assertEqual(run.status, Status.SUCCEEDED)
        self.assertTrue(marker.exists())

    def test_it_does_nothing_when_a_task_is_delivered_twice(self) -> None:
        marker = Path(tempfile.mkdtemp()) / "ran"
        command = [sys.executable, "-c", f"open({str(marker)!r}, 'a').write('x')"]
        self.supervise(command)
        self.supervise(command)
        self.assertEqual(marker.read_text(), "x")
