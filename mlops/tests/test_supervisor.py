"""The supervisor with real child processes, which stand in for the training."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from django.db import connection
from django.test import TransactionTestCase, override_settings

from mlops import runs, supervisor
from mlops.models import TrainingRun

Status = TrainingRun.Status
FOREVER = [sys.executable, "-c", "import threading; threading.Event().wait()"]


class SuperviseTestCase(TransactionTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        override = override_settings(VAR_DIR=Path(folder.name))
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
