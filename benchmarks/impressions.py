"""What it costs to note which lists people are shown: two sites alike, one of which notes nothing, asked in turns.

python -m benchmarks.impressions    about two minutes; figures as JSON
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.load import send
from benchmarks.rounds import in_turn
from benchmarks.serving import ACCOUNTS, CLIENTS, list_requests
from benchmarks.site import RunningSite, running_site

PLACES = 10  # of a list; each is an impression
ASKED_PER_MINUTE = 10_000


def measure(*, quick: bool) -> dict[str, Any]:
    """Lists a second with and without the log, medians over the rounds, and what that makes of so many impressions."""
    with running_site(ACCOUNTS, preset="classic") as noting, running_site(ACCOUNTS, preset="classic") as silent:
        silent.note_nothing()
        sites = {"noting": noting, "silent": silent}
        for site in sites.values():
            for _ in range(8):  # each process has seen everybody, and knows whether it is to note anything
                _lists_a_second(site)()
        rates = in_turn({name: _lists_a_second(site) for name, site in sites.items()}, rounds=6 if quick else 40)
        n_noted = noting.lists_noted()
    noted, silent_rate = (float(np.median(rates[name])) for name in ("noting", "silent"))
    ratios = np.array(rates["noting"]) / np.array(rates["silent"])
    cost = 1 - float(np.median(ratios))
    per_minute = 60 * PLACES * noted
    return {
        "lists_per_second": {"noting": round(noted, 1), "silent": round(silent_rate, 1)},
        "impressions_per_minute": round(per_minute),
        "lists_noted": n_noted,
        "cost": round(cost, 4),
        "quartiles_of_cost": [round(float(1 - np.percentile(ratios, p)), 4) for p in (75, 25)],
        f"cost_at_{ASKED_PER_MINUTE}_a_minute": round(cost * ASKED_PER_MINUTE / per_minute, 5),
    }


def _lists_a_second(site: RunningSite) -> Callable[[], float]:
    requests = 2 * list_requests(site)
    return lambda: send(site.port, requests, clients=CLIENTS).per_second


if __name__ == "__main__":
    print(json.dumps(measure(quick=False), indent=1))
