"""``manage.py train_run``: the process that a supervisor starts for a claimed run. Not for the terminal."""

from __future__ import annotations

import signal
import sys
import uuid
from types import FrameType
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from mlops import runs
from mlops.training import OwnershipLost, train


class Command(BaseCommand):
    help = "Carries out a training run that a supervisor has claimed. Use `manage.py train` at the terminal."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run_id", type=int)
        parser.add_argument("--owner", type=uuid.UUID, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _leave)
        run_id, owner = options["run_id"], options["owner"]
        try:
            with runs.heartbeat(run_id, owner):
                train(run_id, owner)
        except OwnershipLost as error:
            self.stderr.write(str(error))
            sys.exit(3)
        except Exception:
            # Written to the run and the log already; the supervisor needs no second account of it.
            sys.exit(1)


def _leave(signal_number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM unwinds the stack, so that half-written files are removed."""
    raise SystemExit(128 + signal_number)
