"""``manage.py backup FILE``: everything that is worth keeping in one file, while the site runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from mlops.backup import BackupFailed, write_backup


class Command(BaseCommand):
    help = "Writes database, models, posters and key to one file, which is checked by reading it back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="where to write it; must not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = write_backup(options["file"], self.stdout.write)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        except Error as error:
            raise CommandError(f"The database cannot be read: {str(error).strip()}") from error
        for label, problem in manifest.damaged.items():
            self.stderr.write(f"Version {label} is not whole here, and so not in the backup either: {problem}.")
        counts, size = manifest.counts, options["file"].stat().st_size
        self.stdout.write(
            f"{options['file']}: {counts['ratings']} ratings of {counts['movies']} films by {counts['users']} people, "
            f"{size / 1e6:.1f} MB, mode 0600."
        )
        if "secret_key" not in manifest.members:
            self.stdout.write("SECRET_KEY comes from the environment and is not in it: keep that elsewhere.")
