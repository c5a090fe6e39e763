"""Requests a second and how long each takes, at eight clients, beside a view with the same authentication that does
nothing but answer with ten dicts: same server, same run, in turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.load import Load, request, send
from benchmarks.rounds import in_turn
from benchmarks.site import RunningSite, running_site
from recommender.algorithms.presets import DEFAULT_PRESET

CLIENTS = 8
ACCOUNTS = 200


class Refused(Exception):
    """The site answered with something else than success."""


def measure(*, quick: bool) -> dict[str, Any]:
    """For each kind of request, per second and in milliseconds, medians over the rounds."""
    with running_site(ACCOUNTS, preset="classic" if quick else DEFAULT_PRESET) as site:
        return _measure(site, rounds=2 if quick else 7, times=2 if quick else 5)


def _measure(site: RunningSite, rounds: int, times: int) -> dict[str, Any]:
    kinds = _Kinds(site, times)
    kinds.warm_up()
    loads: dict[str, list[Load]] = {}

    def of(name: str, work: Callable[[], Load]) -> Callable[[], float]:
        def one() -> float:
            load = work()
            loads.setdefault(name, []).append(load)
            return load.per_second

        return one

    in_turn({name: of(name, work) for name, work in kinds.by_name().items()}, rounds)
    bare = float(np.median([load.per_second for load in loads["bare view"]]))
    return {name: _told(taken, bare) for name, taken in loads.items()}


def _told(loads: list[Load], bare: float) -> dict[str, float]:
    per_second = float(np.median([load.per_second for load in loads]))
    told = {f"p{p}_ms": round(float(np.median([load.milliseconds(p) for load in loads])), 2) for p in (50, 95, 99)}
    return {"per_second": round(per_second, 1), "of_bare": round(per_second / bare, 3), **told}


def list_requests(site: RunningSite) -> list[bytes]:
    """Everybody's ten films."""
    return [
        request("GET", f"/api/ml/recommendations/{account.user}?n=10", token=account.token) for account in site.accounts
    ]


class _Kinds:
    """The requests that are measured."""

    def __init__(self, site: RunningSite, times: int) -> None:
        self._site = site
        self._times = times
        self._unrated = [iter(account.unrated) for account in site.accounts]

    def by_name(self) -> dict[str, Callable[[], Load]]:
        return {
            "bare view": lambda: self._send(self._for_all("/bare") * self._times),
            "recommendations, warm": lambda: self._send(self._lists() * self._times),
            "recommendations after a rating": self._after_a_rating,
            "explanation": lambda: self._send(self._explanations()),
            "PUT of a rating": lambda: self._send(list(self._ratings())),
        }

    def warm_up(self) -> None:
        for _ in range(4):  # so that each of the processes has seen everybody
            self._send(self._lists())
        self._send(self._explanations())
        self._send(list(self._ratings()))

    def _after_a_rating(self) -> Load:
        self._site.everybody_rates()
        load = self._send(self._lists())
        for _ in range(3):
            self._send(self._lists())  # warm again for whoever comes next
        return load

    def _send(self, requests: list[bytes]) -> Load:
        load = send(self._site.port, requests, clients=CLIENTS)
        refused = {status: n for status, n in load.statuses.items() if status not in (200, 201)}
        if refused:
            raise Refused(f"Answers by status: {refused}")
        return load

    def _for_all(self, path: str) -> list[bytes]:
        return [request("GET", path, token=account.token) for account in self._site.accounts]

    def _lists(self) -> list[bytes]:
        return list_requests(self._site)

    def _explanations(self) -> list[bytes]:
        return [
            request("GET", f"/api/ml/explain/{account.user}/{account.unrated[-1]}", token=account.token)
            for account in self._site.accounts
        ]

    def _ratings(self) -> Iterator[bytes]:
        body = json.dumps({"value": 4.0}).encode()
        for account, films in zip(self._site.accounts, self._unrated, strict=True):
            yield request("PUT", f"/api/ratings/{next(films)}", token=account.token, body=body)
