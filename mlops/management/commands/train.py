"""``manage.py train``: a training in the foreground, with a progress bar."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mlops import runs
from mlops.models import TrainingRun
from mlops.progress_bar import progress_bar
from mlops.training import OwnershipLost, Progress, train
from recommender import registry
from recommender.algorithms.hyperparameters import InvalidHyperparameters
from recommender.algorithms.presets import DEFAULT_PRESET, ENGINES, PRESETS, configuration, preset_of


class Command(BaseCommand):
    help = "Trains a version in the foreground, measures it, and activates it unless told not to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preset", choices=list(PRESETS), help=f"{DEFAULT_PRESET} by default")
        parser.add_argument("--engine", choices=ENGINES, help="who trains; it follows from the preset")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="replace one hyper-parameter of the preset; may be repeated",
        )
        parser.add_argument("--no-activate", action="store_true", help="leave the live version as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        hyperparameters = dict(_assignment(text) for text in options["set"])
        try:
            preset = preset_of(options["preset"], options["engine"])
            configuration(preset, hyperparameters)
        except InvalidHyperparameters as error:
            raise CommandError(str(error)) from error
        try:
            run, owner = runs.start_in_foreground(
                preset=preset, hyperparameters=hyperparameters, activate=not options["no_activate"]
            )
        except runs.TrainingInProgress as error:
            raise CommandError(f"Training run {error.run_id} is still in progress. Cancel it or wait.") from error
        try:
            with runs.heartbeat(run.pk, owner):
                version = train(run.pk, owner, watch=self._show)
        except KeyboardInterrupt as error:
            runs.finish(run.pk, owner, TrainingRun.Status.CANCELLED, error="Stopped at the terminal.")
            self.stderr.write("")
            raise CommandError("Stopped. Nothing was changed.") from error
        except OwnershipLost as error:
            # Somebody pressed "cancel" on the dashboard: here there is no supervisor to settle it.
            self.stderr.write("")
            if runs.finish(run.pk, owner, TrainingRun.Status.CANCELLED):
                raise CommandError("The training was cancelled. Nothing was changed.") from error
            raise CommandError(f"The training was ended. {error}") from error
        except Exception as error:
            self.stderr.write("")
            raise CommandError(f"The training failed: {error}") from error
        if sys.stderr.isatty():
            self.stderr.write("")
        self.stdout.write(f"Version {version.label} trained in {version.training_seconds:.1f} s.")
        for name, metric in version.metrics.items():
            interval = metric["interval"]
            extent = f" [{interval[0]:.4f}, {interval[1]:.4f}]" if interval else ""
            baseline = f", baseline {metric['baseline']:.4f}" if metric["baseline"] is not None else ""
            self.stdout.write(f"  {name:22} {metric['value']:.4f}{extent}  n={metric['n']}{baseline}")
        if version.verdict:
            self.stdout.write(f"The gate {'lets it pass' if version.verdict['passed'] else 'refuses it'}:")
            for check in version.verdict["checks"]:
                self.stdout.write(f"  {'✓' if check['passed'] else '✕'} {check['text']}")
        live = registry.live().version
        self.stdout.write("It is live." if live == version else f"Live is {live.label if live else 'no version'}.")

    def _show(self, progress: Progress) -> None:
        if not sys.stderr.isatty():
            return
        self.stderr.write(f"\r{progress_bar(progress)}", ending="")
        self.stderr.flush()


def _assignment(text: str) -> tuple[str, int | float]:
    name, separator, value = text.partition("=")
    if not separator:
        raise CommandError(f"--set {text}: write it as name=value.")
    for convert in (int, float):
        try:
            return name.strip(), convert(value)
        except ValueError:
            continue
    raise CommandError(f"--set {text}: {value!r} is not a number.")
