from __future__ import annotations

import socket
from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone

from mlops.models import WorkerHeartbeat
from mlops.runs import WORKER_LEASE


class WorkerAliveTestCase(TestCase):
    def beat(self, host: str, age: timedelta = timedelta()) -> None:
        now = timezone.now()
        WorkerHeartbeat.objects.create(host=host, pid=1, started_at=now - age, seen_at=now - age)

    def code(self) -> int:
        try:
            call_command("worker_alive", stdout=StringIO())
        except SystemExit as leaving:
            return int(leaving.code or 0)
        return 0

    def test_it_is_content_with_a_worker_that_has_just_given_a_sign(self) -> None:
        self.beat(socket.gethostname())
        self.assertEqual(self.code(), 0)

    def test_it_is_not_with_none_or_a_silent_one_or_one_elsewhere(self) -> None:
        self.assertEqual(self.code(), 1)
        self.beat(socket.gethostname(), WORKER_LEASE + timedelta(seconds=1))
        self.beat("another-host.example")
        self.assertEqual(self.code(), 1)
