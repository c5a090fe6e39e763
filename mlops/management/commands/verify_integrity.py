"""``manage.py verify_integrity``: the judge over database, files and log."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mlops.integrity import checks


class Command(BaseCommand):
    help = "Checks database, artifacts, live pointer, activation log and runs. Exit code 1 if anything is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        results = list(checks())
        ok = all(check.ok for check in results)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": ok, "checks": [asdict(check) for check in results]}, indent=1))
        else:
            for check in results:
                self.stdout.write(f"{'ok  ' if check.ok else 'BAD '} {check.name}: {check.detail}")
        if not ok:
            sys.exit(1)
