"""A worker that is alive and hangs."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from datetime import timedelta

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Schedule

from mlops.models import WorkerHeartbeat
from mlops.site import Child, Site
from mlops.watchdog import SentinelWatchdog, Watchdog

PID = 4711


class WatchdogTestCase(TestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.watchdog = Watchdog(clock=lambda: self.now)
        self.beat_at = timezone.now()

    def beat(self) -> None:
        self.beat_at += timedelta(seconds=5)
        WorkerHeartbeat.objects.update_or_create(
            host=socket.gethostname(), pid=PID, defaults={"started_at": self.beat_at, "seen_at": self.beat_at}
        )

    def hangs_after(self, looks: int, pid: int = PID) -> bool:
        hangs = False
        for _ in range(looks):
            self.now += 10
            hangs = self.watchdog.hangs(pid)
        return hangs

    def test_one_that_beats_does_not_hang(self) -> None:
        for _ in range(50):
            self.beat()
            self.assertFalse(self.hangs_after(1))

    def test_one_that_falls_silent_hangs_after_two_minutes(self) -> None:
        self.beat()
        self.assertFalse(self.hangs_after(13))
        self.assertTrue(self.hangs_after(1))

    def test_one_that_never_beat_hangs_as_well(self) -> None:
        self.assertFalse(self.hangs_after(13))
        self.assertTrue(self.hangs_after(1))

    def test_its_successor_is_given_time(self) -> None:
        self.assertTrue(self.hangs_after(20))
        self.assertFalse(self.hangs_after(13, pid=PID + 1))

    def test_a_clock_that_is_set_does_not_count(self) -> None:
        self.beat()
        self.assertFalse(self.hangs_after(5))
        self.beat_at -= timedelta(days=1)
        self.beat()
        self.assertFalse(self.hangs_after(13))

    def test_nor_does_the_time_in_which_the_database_was_gone(self) -> None:
        self.beat()
        self.assertFalse(self.hangs_after(10))
        self.now += 3600
        self.assertFalse(self.hangs_after(1))
        self.assertFalse(self.hangs_after(12))
        self.assertTrue(self.hangs_after(1))


class SentinelWatchdogTestCase(TestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.schedule = Schedule.objects.create(name="every minute", func="mlops.tasks.sweep", next_run=timezone.now())
        self.watchdog = SentinelWatchdog("every minute", clock=lambda: self.now)

    def hangs_after(self, seconds: int) -> bool:
        hangs = False
        for _ in range(seconds):
            self.now += 1
            hangs = self.watchdog.hangs()
        return hangs

    def test_a_schedule_that_is_served_is_a_sign_of_life(self) -> None:
        for _ in range(20):
            self.schedule.next_run += timedelta(minutes=1)
            self.schedule.save()
            self.assertFalse(self.hangs_after(60))

    def test_one_that_is_not_served_for_five_minutes_is_none(self) -> None:
        self.assertFalse(self.hangs_after(300))
        self.assertTrue(self.hangs_after(30))

    def test_it_looks_every_ten_seconds_only(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            self.hangs_after(100)
        self.assertEqual(len(queries), 10)

    def test_without_the_schedule_it_says_nothing(self) -> None:
        self.schedule.delete()
        self.assertFalse(self.hangs_after(1000))


class HungChildTestCase(TestCase):
    def test_it_is_killed_and_started_again(self) -> None:
        told: list[str] = []
        site = Site(host="127.0.0.1", port=1, workers=1, say=told.append)
        forever = [sys.executable, "-c", "import threading; threading.Event().wait()"]
        site.children = [child := Child("worker", forever, signal.SIGKILL)]
        self.addCleanup(lambda: site.stop(hurry=lambda: True))
        site.start()
        first = child.process
        assert first is not None
        first.send_signal(signal.SIGSTOP)
        site.end_hung(lambda pid: pid == first.pid)
        self.assertEqual(first.wait(10), -signal.SIGKILL)
        self.assertIn("hangs", told[0])
        site.watch()
        child.retry_at = 1e-9  # the pause is over
        site.watch()
        self.assertTrue(child.alive)
        assert isinstance(child.process, subprocess.Popen) and child.process is not first
        site.end_hung(lambda pid: pid == first.pid)
        self.assertTrue(child.alive)
