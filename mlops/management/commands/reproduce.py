"""``manage.py reproduce``: a stored version's figures, measured again and set beside the stored ones."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mlops.progress_bar import progress_bar
from mlops.reproduction import TOLERANCE, CannotReproduce, Comparison, reproduce
from mlops.training import Progress
from recommender.models import ModelVersion


class Command(BaseCommand):
    help = (
        "Measures a version again from its passport: same data, split, settings and seed. Prints stored and recomputed "
        f"figures side by side; exit code 1 if one differs by more than {TOLERANCE:g}, or if it cannot be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("label", help="of the version, as v20261123_101500")
        parser.add_argument("--metric", metavar="NAME", help="compare this one alone")

    def handle(self, *args: Any, **options: Any) -> None:
        version = ModelVersion.objects.filter(label=options["label"]).first()
        if version is None:
            raise CommandError(f"There is no version {options['label']}.")
        try:
            done = reproduce(version, options["metric"], watch=self._show)
        except CannotReproduce as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            self.stderr.write("")
            raise CommandError("Stopped. Nothing was changed.") from error
        if sys.stderr.isatty():
            self.stderr.write("")
        for warning in done.warnings:
            self.stdout.write(f"Note: {warning}")
        self.stdout.write(f"{'':24}{'stored':>20}{'recomputed':>20}{'difference':>12}")
        for one in done.comparisons:
            difference = f"{one.recomputed - one.stored:+.1e}" if one.recomputed != one.stored else "0"
            self.stdout.write(
                f"  {one.name:22}{one.stored:20.16f}{one.recomputed:20.16f}{difference:>12}  {_verdict(one)}"
            )
        if not done.succeeded:
            self.stdout.write(f"Not reproduced: a figure differs by more than {TOLERANCE:g}.")
            sys.exit(1)
        identical = all(one.identical for one in done.comparisons)
        self.stdout.write("All identical." if identical else f"All within {TOLERANCE:g}.")

    def _show(self, progress: Progress) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{progress_bar(progress)}", ending="")
            self.stderr.flush()


def _verdict(one: Comparison) -> str:
    if one.identical:
        return "identical"
    verdict = f"within {TOLERANCE:g}" if one.within_tolerance else "DIFFERS"
    return f"{verdict}, by {one.largest_difference:.1e} at most ({one.differs_most})"
