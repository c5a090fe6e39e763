"""``manage.py benchmark_sign_in``: does the time of an answer tell whether an account exists?"""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
import tempfile
import time
from statistics import median
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test import Client

from cinema.models import User

PASSWORD, WRONG = secrets.token_urlsafe(), secrets.token_urlsafe()


class Command(BaseCommand):
    help = (
        "Times wrong sign-ins and requests for a reset link, one kind of account after the other in turns, on an empty "
        "site of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rounds", type=int, default=50)
        parser.add_argument("--in-copy", action="store_true", help="not for the terminal: this is the empty site")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["in_copy"]:
            self._measure(max(1, options["rounds"]))
            return
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "CINEMA_VAR": folder,
                "CINEMA_SHARED": "",
                "DATABASE_URL": "",
                "LOG_LEVEL": "CRITICAL",
            }
            for name in ("SIGN_INS_PER_MINUTE", "SIGN_INS_PER_NAME_AND_MINUTE", "RESET_REQUESTS_PER_MINUTE"):
                environment[name] = "1000000"
            manage = [sys.executable, str(settings.BASE_DIR / "manage.py"), "benchmark_sign_in", "--in-copy"]
            if subprocess.run([*manage, "--rounds", str(options["rounds"])], env=environment).returncode:
                raise CommandError("The measurement failed. Its messages stand above.")

    def _measure(self, rounds: int) -> None:
        logging.disable(logging.WARNING)  # every attempt is a wrong one
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        User.objects.create_user("existing", password=PASSWORD)
        User.objects.create_user("closed", password=PASSWORD, is_active=False)
        User.objects.create_user("without-password")
        names = ("existing", "missing", "closed", "without-password")
        for path, form in (("/sign-in", {"password": WRONG}), ("/forgotten-password", {})):
            times: dict[str, list[float]] = {name: [] for name in names}
            for number in range(-3, rounds):  # the first ones warm up
                for name in names:
                    # From an address of its own each time: nobody is to be locked out here.
                    client = Client(REMOTE_ADDR=f"10.0.{number % 256}.{names.index(name) + 1}", HTTP_HOST="localhost")
                    began = time.perf_counter()
                    client.post(path, {"username": name, **form})
                    if number >= 0:
                        times[name].append(1000 * (time.perf_counter() - began))
            medians = {name: median(found) for name, found in times.items()}
            spread = max(medians.values()) / min(medians.values()) - 1
            told = ", ".join(f"{name} {value:.1f}" for name, value in medians.items())
            self.stdout.write(f"POST {path}, median of {rounds} in ms: {told}; at most {spread:.1%} apart")
