"""``manage.py benchmark_seeds``: are two trainings that differ only in their seed called different?"""

from __future__ import annotations

from statistics import mean, stdev
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mlops.seeds import keep, spreads, trainings
from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS
from recommender.dataset import snapshot


class Command(BaseCommand):
    help = (
        "Trains a preset several times with other seeds and compares all pairs, as the compare page does. "
        "What seeds do to everybody at once is kept, and widens the intervals of comparisons and of the gate."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preset", choices=list(PRESETS), default=DEFAULT_PRESET)
        parser.add_argument("--trainings", type=int, default=15)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["trainings"] < 3:
            raise CommandError("Fewer than three trainings show nothing of their spread.")
        dataset = snapshot()
        figures = list(trainings(dataset, options["preset"], options["trainings"], say=self.stderr.write))
        found = spreads(figures)
        keep(found, preset=options["preset"], dataset=dataset)
        self.stdout.write(
            f"{options['trainings']} trainings ({options['preset']}), {found[0].pairs} pairs, which are dependent\n"
            f"{'measure':22} {'mean':>8} {'sd':>8} {'shared sd':>10}  called different   without that"
        )
        for one in found:
            self.stdout.write(
                f"{one.measure:22} {mean(one.values):8.4f} {stdev(one.values):8.4f} {one.shared_variance**0.5:10.5f}  "
                f"{one.different:3d} ({100 * one.different / one.pairs:4.1f} %)      "
                f"{one.different_without:3d} ({100 * one.different_without / one.pairs:4.1f} %)"
            )
