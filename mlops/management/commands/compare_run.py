"""``manage.py compare_run``: the process that carries out a comparison. Not for the terminal."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mlops.comparing import carry_out


class Command(BaseCommand):
    help = "Carries out a comparison that a page has asked for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("comparison_id", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            carry_out(options["comparison_id"])
        except Exception:
            sys.exit(1)  # written to the row and the log already
