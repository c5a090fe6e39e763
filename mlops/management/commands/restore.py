"""``manage.py restore FILE``: this site becomes the one of a backup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from mlops.restore import RestoreRefused, examine, restore
from mlops.swap import SwapFailed


class Command(BaseCommand):
    help = "Checks a backup, builds its site up beside the present one, examines it and exchanges the two."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="a file that `backup` has written")
        parser.add_argument("--replace", action="store_true", help="also where there is a site; it is kept aside")
        parser.add_argument("--examine", action="store_true", help="used by itself: judges what was just unpacked")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["examine"]:
            self.stdout.write(json.dumps(examine()))
            return
        if options["file"] is None:
            raise CommandError("Which file?")
        try:
            kept = restore(options["file"], replace=options["replace"], say=self.stdout.write)
        except (RestoreRefused, SwapFailed) as error:
            raise CommandError(str(error)) from error
        except Error as error:
            raise CommandError(f"The database cannot be used: {str(error).strip()}") from error
        self.stdout.write(f"Restored from {options['file']}.")
        if kept:
            self.stdout.write(f"What was here before is kept as {' and '.join(kept)}, until you delete it.")
