"""``manage.py benchmark_pages``: how long somebody waits for home, and from a rating to the new rails."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cinema.models import Movie, Rating
from mlops.site_copy import CannotCopy, Visitor, copy_of_site

ROUNDS = 60


class Command(BaseCommand):
    help = "Times pages on a copy of this site, for somebody with so many ratings. Nothing here is changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ratings", type=int, default=500, help="ratings of whoever looks (default 500)")
        parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often (default {ROUNDS})")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with copy_of_site() as url:
                self._measure(Visitor(url), options["ratings"], options["rounds"])
        except CannotCopy as error:
            raise CommandError(str(error)) from error

    def _measure(self, visitor: Visitor, n_ratings: int, rounds: int) -> None:
        rated = visitor.sign_up(n_ratings)
        token = visitor.token("/my/ratings")
        others = Movie.objects.most_rated_first().exclude(pk__in=rated).values_list("pk", flat=True)[:rounds]

        machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
        data = f"{Rating.objects.count()} ratings of {Movie.objects.count()} films"
        self.stdout.write(f"{machine}; {data}; somebody with {len(rated)} ratings; {rounds} rounds over HTTP")
        self.stdout.write("  milliseconds                         median   95 % longest")
        self._report("home, the whole page", [_time(lambda: visitor.get("/")) for _ in range(rounds)])
        waits = []
        for movie_id in others:
            waits.append(_time(lambda film=movie_id: self._rate_and_look(visitor, film, token)))  # type: ignore[misc]
        self._report("a rating and the rails that follow", waits)

    def _rate_and_look(self, visitor: Visitor, movie_id: int, token: str) -> None:
        visitor.post(f"/movies/{movie_id}/rating", token, {"value": "4.0"}, **{"HX-Request": "true"})
        rails = visitor.get("/", **{"HX-Request": "true"})
        if f'"/movies/{movie_id}"' in rails:
            raise CommandError(f"Film {movie_id} is still shown after its rating.")

    def _report(self, what: str, seconds: list[float]) -> None:
        times = np.array(seconds) * 1000
        self.stdout.write(f"  {what:36} {np.median(times):6.0f} {np.percentile(times, 95):6.0f} {times.max():6.0f}")


def _time(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
