"""``manage.py load_movielens PATH``: ratings of MovieLens' own sets, from a folder or a zip file."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from cinema.importing.movielens import load_movielens
from cinema.importing.report import ImportReport, Progress
from cinema.importing.sources import ImportRejected
from cinema.rating_counts import recount

BAR_WIDTH = 30
SECONDS_BETWEEN_DRAWINGS = 0.1


class ProgressBar:
    """One line on a terminal that is drawn over and over; nothing at all elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._phase = ""
        self._phase_started = self._drawn = 0.0

    def __call__(self, progress: Progress) -> None:
        if not self._terminal:
            return
        now = time.monotonic()
        if progress.phase != self._phase:
            self.close()
            self._phase, self._phase_started = progress.phase, now
        elif now - self._drawn < SECONDS_BETWEEN_DRAWINGS and progress.fraction < 1:
            return
        self._drawn = now
        filled = round(BAR_WIDTH * progress.fraction)
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        elapsed = now - self._phase_started
        rate = f", {progress.rows / elapsed:,.0f}/s" if elapsed > 0.5 else ""
        self._stream.write(f"\r{progress.phase:<16} {bar} {progress.fraction:4.0%}  {progress.rows:,}{rate}\x1b[K")
        self._stream.flush()

    def close(self) -> None:
        """Leaves the finished line standing and begins a new one."""
        if self._terminal and self._phase:
            self._stream.write("\n")
            self._phase = ""


class Command(BaseCommand):
    help = "Loads a MovieLens set (100K, 1M, 10M, 20M, 25M, 32M, latest). Running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="folder or zip file, as downloaded from grouplens.org/datasets/movielens")
        parser.add_argument(
            "--source",
            help="what to call the set, as ml-25m; by default its folder's name. MovieLens' sets number people and"
            " films differently: give each its own.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bar = ProgressBar(sys.stderr)
        try:
            report = load_movielens(options["path"], source=options["source"], progress=bar)
        except ImportRejected as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Nothing of it was kept.", returncode=130) from error
        finally:
            bar.close()
        recount()
        self.stdout.write(summary(report))


def summary(report: ImportReport) -> str:
    lines = [
        f"Source {report.source}",
        f"  films    {report.movies_added:>11,} added  {report.movies_present:>11,} already there",
        f"  people   {report.people_added:>11,} added  {report.people_present:>11,} already there",
        f"  ratings  {report.ratings_added:>11,} added  {report.ratings_present:>11,} already there",
        f"{report.seconds:,.1f} s; {report.ratings_per_second:,.0f} ratings a second, reading and writing.",
    ]
    if report.n_bad_rows:
        shown = f", the first {len(report.bad_rows)}" if len(report.bad_rows) < report.n_bad_rows else ""
        lines.append(f"{report.n_bad_rows:,} bad rows were left out{shown}:")
        lines.extend(f"  {row}" for row in report.bad_rows)
    else:
        lines.append("No bad rows.")
    return "\n".join(lines)
