"""``manage.py benchmark_shilling``: what a group of new accounts can push into other people's lists."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from mlops import shilling
from mlops.shilling import Attack


class Command(BaseCommand):
    help = (
        "Lets fifty accounts push a film, with and without the guard, and counts the lists that it enters. On a copy "
        "of this site's database; a training for each figure."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preset", default="balanced")
        parser.add_argument("--targets", type=int, default=2, help="films to push, one after the other (default 2)")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--in-copy", action="store_true", help="not for the terminal: this is the copy")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["targets"] <= 20:
            raise CommandError("--targets is from 1 to 20.")
        if options["in_copy"]:
            self._measure(options["preset"], options["targets"], options["seed"])
            return
        if connection.vendor != "sqlite":
            raise CommandError("This copies an SQLite database.")
        with tempfile.TemporaryDirectory() as folder:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(Path(folder) / "db.sqlite3")])
            command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "benchmark_shilling", "--in-copy"]
            for name in ("preset", "targets", "seed"):
                command += [f"--{name}", str(options[name])]
            environment = {**os.environ, "CINEMA_VAR": folder, "CINEMA_SHARED": "", "LOG_LEVEL": "WARNING"}
            if subprocess.run(command, env=environment).returncode:
                raise CommandError("The measurement failed. Its messages stand above.")

    def _measure(self, preset: str, n_targets: int, seed: int) -> None:
        people = shilling.innocents(seed)
        if not people:
            raise CommandError(f"Nobody has {shilling.MIN_RATINGS} ratings.")
        self.stdout.write(
            f"{shilling.N_ACCOUNTS} accounts x {1 + shilling.N_FILLERS} ratings; top {shilling.LIST_LENGTH} of "
            f"{len(people)} people with {shilling.MIN_RATINGS} ratings or more; preset {preset}; seed {seed}\n"
            f"  {'film':14} {'accounts':16} {'guard':6} lists that gained it"
        )
        shilling.train_now(preset)
        for age in ("two days old", "forty days old"):
            for guarded in (False, True):
                self._report([shilling.on_new_film(people, age=age, guarded=guarded, seed=seed)])
        films = shilling.targets(n_targets, seed)
        for age, guarded in (("fresh", False), ("fresh", True), ("forty days old", True)):
            self._report(
                [
                    shilling.on_trained_film(film, people, age=age, guarded=guarded, preset=preset, seed=seed + number)
                    for number, film in enumerate(films)
                ]
            )

    def _report(self, attacks: list[Attack]) -> None:
        one = attacks[0]
        gained, n = sum(one.gained for one in attacks), sum(one.n for one in attacks)
        self.stdout.write(
            f"  {one.target:14} {one.age:16} {'on' if one.guarded else 'off':6} {gained} of {n} = {gained / n:.1%}"
        )
        self.stdout.flush()
