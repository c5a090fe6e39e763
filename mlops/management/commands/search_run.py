"""``manage.py search_run``: the process that a supervisor starts for a claimed search. Not for the terminal."""

from __future__ import annotations

import signal
import sys
import uuid
from types import FrameType
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from mlops import runs
from mlops.searches import LostRun
from mlops.searching import carry_out


class Command(BaseCommand):
    help = "Carries out a search that a supervisor has claimed. Use `manage.py search` at the terminal."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run_id", type=int)
        parser.add_argument("--owner", type=uuid.UUID, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _leave)
        run_id, owner = options["run_id"], options["owner"]
        try:
            with runs.heartbeat(run_id, owner):
                carry_out(run_id, owner)
        except LostRun as error:
            self.stderr.write(str(error))
            sys.exit(3)
        except Exception:
            # Written to the run and the log already; the supervisor needs no second account of it.
            sys.exit(1)


def _leave(signal_number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM unwinds the stack, so that no trial is left running."""
    raise SystemExit(128 + signal_number)
