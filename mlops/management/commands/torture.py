"""``manage.py torture``: raters, kills, activations and rollbacks at once, on a site of its own; what was lost?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mlops.torture.session import Plan, TortureFailed, torture


class Command(BaseCommand):
    help = (
        "Starts a site in a temporary folder on loopback, lets many people rate while its processes are killed and its "
        "versions exchanged, and reports as JSON what was acknowledged and what was lost. Your own site is not touched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--minutes", type=float, default=5.0)
        parser.add_argument("--raters", type=int, default=8)
        parser.add_argument("--each", type=int, default=None, help="everybody rates so often; nothing is killed")
        parser.add_argument("--kills", type=int, default=25)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--out", type=Path, default=None, help="write the report there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (0 < options["minutes"] <= 120 and 1 <= options["raters"] <= 200 and 0 <= options["kills"] <= 1000):
            raise CommandError("Up to 120 minutes, 200 raters and 1,000 kills.")
        try:
            plan = Plan(
                seconds=60 * options["minutes"],
                raters=options["raters"],
                kills=options["kills"] if options["each"] is None else 0,
                seed=options["seed"],
                each=options["each"],
            )
            report = torture(plan, say=self.stderr.write)
        except TortureFailed as error:
            raise CommandError(str(error)) from error
        text = json.dumps(report, indent=1)
        if options["out"] is not None:
            options["out"].write_text(text + "\n")
        self.stdout.write(text)
        if not report["ok"]:
            sys.exit(1)
