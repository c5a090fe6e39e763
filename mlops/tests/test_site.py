"""The site's children, with programs that stand in for web server and worker."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial
from unittest import mock

from django.test import SimpleTestCase

from mlops import site
from mlops.site import Child, Site, is_loopback

FOREVER = [sys.executable, "-c", "import threading; threading.Event().wait()"]
DEAF = "import signal, threading; signal.signal(15, signal.SIG_IGN); print(1, flush=True); threading.Event().wait()"


class SiteTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.told: list[str] = []
        self.now = 1000.0
        self.site = Site(host="127.0.0.1", port=1, workers=1, say=self.told.append)
        self.addCleanup(lambda: self.site.stop(hurry=lambda: True))

    def begin(self, argv: list[str]) -> Child:
        child = Child("worker", argv, signal.SIGKILL)
        self.site.children = [child]
        self.site.start()
        return child

    def watch_after(self, seconds: float) -> None:
        self.now += seconds
        with mock.patch.object(site.time, "monotonic", lambda: self.now):
            self.site.watch()

    def die(self, child: Child) -> None:
        assert child.process is not None
        child.process.kill()
        child.process.wait()

    def test_it_starts_a_dead_child_again_after_a_while_and_says_so(self) -> None:
        child = self.begin(FOREVER)
        self.die(child)
        self.watch_after(0)
        self.assertFalse(child.alive)
        self.watch_after(0.9)
        self.assertFalse(child.alive)
        self.watch_after(0.2)
        self.assertTrue(child.alive)
        self.assertEqual(len(self.told), 1)
        self.assertIn("worker has ended (code -9)", self.told[0])

    def test_it_waits_longer_each_time_for_one_that_cannot_live(self) -> None:
        child = self.begin(FOREVER)
        for _ in range(3):
            self.die(child)
            self.watch_after(0)
            self.watch_after(100)
        self.assertEqual([text.rpartition("in ")[2] for text in self.told], ["1 s.", "2 s.", "4 s."])

    def test_it_goes_on_when_the_system_has_no_room_for_a_process(self) -> None:
        child = self.begin(FOREVER)
        self.die(child)
        self.watch_after(0)
        with mock.patch.object(site.subprocess, "Popen", side_effect=BlockingIOError("no more processes")):
            self.watch_after(2)
        self.assertIn("could not be started: no more processes", self.told[-1])
        self.watch_after(1)
        self.assertFalse(child.alive)
        self.watch_after(2)
        self.assertTrue(child.alive)

    def test_it_kills_at_once_when_it_is_told_to_hurry(self) -> None:
        with mock.patch.object(site.subprocess, "Popen", partial(subprocess.Popen, stdout=subprocess.PIPE)):
            child = self.begin([sys.executable, "-c", DEAF])
        assert child.process is not None and child.process.stdout is not None
        child.process.stdout.readline()  # it is deaf from here on
        child.process.stdout.close()
        self.site.stop(hurry=lambda: True)
        self.assertEqual(child.process.returncode, -signal.SIGKILL)


class IsLoopbackTestCase(SimpleTestCase):
    def test_it_is_not_taken_in_by_a_name(self) -> None:
        self.assertFalse(any(map(is_loopback, ("127.0.0.1.example.com", "127.example.com", "", "*"))))
