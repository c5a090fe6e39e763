"""``manage.py worker_alive``: for whoever watches over a worker that runs on a host or in a container of its own."""

from __future__ import annotations

import socket
import sys
from typing import Any

from django.core.management.base import BaseCommand

from mlops import runs


class Command(BaseCommand):
    help = "Whether a worker on this host has given a sign of life lately; exit code 1 if not."

    def handle(self, *args: Any, **options: Any) -> None:
        host = socket.gethostname()
        if not runs.worker_alive(host=host):
            self.stdout.write(f"No worker on {host} has given a sign of life lately.")
            sys.exit(1)
        self.stdout.write(f"A worker on {host} is alive.")
