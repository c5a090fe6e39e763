"""``manage.py benchmark_rollback``: how long from the click to the first list of the version that was live before."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from cinema.models import User
from recommender import registry, serving
from recommender.recommend import recommend_for


class Command(BaseCommand):
    help = "Times rolling back: check of the files, change of the pointer, first list. Everything is undone each time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rounds", type=int, default=10)

    def handle(self, *args: Any, **options: Any) -> None:
        if not registry.live().can_roll_back:
            raise CommandError("There is nothing to roll back to: train and activate two versions first.")
        person = User.objects.filter(ratings__isnull=False).first()
        if person is None:
            raise CommandError("Nobody has rated anything.")
        serving.PATIENCE_SECONDS = 0.0  # in this process: the first list is to come from the version gone back to
        changes, lists = [], []
        for _ in range(max(1, options["rounds"])):
            # As a web process stands that was started since: with the live version loaded, and no other.
            serving.forget()
            recommend_for(person)
            with transaction.atomic():
                began = time.perf_counter()
                activation = registry.roll_back(actor=None, reason="a benchmark, undone")
                changed = time.perf_counter()
                listed = recommend_for(person)
                changes.append(1000 * (changed - began))
                lists.append(1000 * (time.perf_counter() - changed))
                if listed.model_version != activation.version.label:
                    raise CommandError("The list came from another version.")
                transaction.set_rollback(True)
        serving.forget()
        self.stdout.write(
            f"{len(changes)} rounds, to {activation.version.label} "
            f"({activation.version.artifact_bytes / 1e6:.0f} MB with its twin)\n"
            f"  check of the files, change of the pointer: median {median(changes):.0f} ms, worst {max(changes):.0f}\n"
            f"  the first list of a process after it:      median {median(lists):.0f} ms, worst {max(lists):.0f}"
        )
