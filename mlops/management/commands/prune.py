"""``manage.py prune``: delete the versions that the retention policy lets go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from mlops.models import RetentionPolicy
from mlops.retention import plan, prune


class Command(BaseCommand):
    help = "Deletes old versions: row first, files after. Kept are the newest, the best, pinned, live and previous."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        policy = RetentionPolicy.current()
        if not options["dry_run"]:
            gone = prune(policy)
            self.stdout.write("Deleted: " + (", ".join(version.label for version in gone) or "nothing"))
            return
        for fate in plan(policy):
            word = ", ".join(fate.reasons) if fate.is_kept else "WOULD GO"
            size = filesizeformat(fate.version.artifact_bytes).replace("\xa0", " ")
            self.stdout.write(f"{fate.version.label}  {size:>9}  {word}")
