"""Who kills the site's processes, and who exchanges its versions meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from mlops.torture.ledger import Ledger
from mlops.torture.raters import call
from mlops.torture.sightings import Sightings

# How often each is chosen. The web server's master and the worker are started again by `up` after a pause that grows
# where they die in a row, so that they get fewer.
VICTIMS = {"web worker": 8, "web master": 1, "queue": 2, "training": 3}
# On PostgreSQL: all of the site's connections to it at once, as when it restarts.
CONNECTIONS = "database connections"


def victims(up: psutil.Process) -> dict[str, list[psutil.Process]]:
    """The processes of a site by what they are."""
    found: dict[str, list[psutil.Process]] = {name: [] for name in VICTIMS}
    for process in up.children(recursive=True):
        with suppress(psutil.Error):
            words, parent = process.cmdline(), process.ppid()
            text = " ".join(words)
            if "train_run" in words:
                found["training"].append(process)
            elif parent == up.pid:
                found["queue" if "qcluster" in text else "web master"].append(process)
            elif "gunicorn" in text or "gunicorn" in process.name():
                found["web worker"].append(process)
    return found


class Killer(threading.Thread):
    """Kills ``n`` processes, spread over ``seconds``, by the signal that cannot be caught."""

    def __init__(
        self, up: psutil.Process, n: int, seconds: float, seed: int, cut: Callable[[], None] | None = None
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self._up, self._n, self._pause, self._cut = up, n, seconds / (n + 1), cut
        self._random = random.Random(seed)
        self.stop_requested = threading.Event()
        self.killed: dict[str, int] = dict.fromkeys(VICTIMS, 0)

    def run(self) -> None:
        while sum(self.killed.values()) < self._n and not self.stop_requested.wait(self._pause):
            alive = {name: some for name, some in victims(self._up).items() if some}
            if not alive:
                continue
            names, weights = list(alive), [VICTIMS[name] for name in alive]
            if self._cut is not None:
                names, weights = [*names, CONNECTIONS], [*weights, 3]
            (name,) = self._random.choices(names, weights)
            if name == CONNECTIONS and self._cut is not None:
                self._cut()
                self.killed[name] = self.killed.get(name, 0) + 1
                continue
            with suppress(psutil.NoSuchProcess):
                self._random.choice(alive[name]).kill()
                self.killed[name] += 1


class Operator(threading.Thread):
    """Trains, activates and rolls back without rest, as staff may."""

    def __init__(self, url: str, token: str, ledger: Ledger, sightings: Sightings, seed: int) -> None:
        super().__init__(name="operator", daemon=True)
        self._url, self._token, self._ledger, self._sightings = url, token, ledger, sightings
        self._random = random.Random(seed)
        self.stop_requested = threading.Event()
        self.done: dict[str, int] = {"train": 0, "activate": 0, "roll back": 0}

    def run(self) -> None:
        steps: list[Callable[[], None]] = [self._train, self._activate, self._roll_back]
        while not self.stop_requested.wait(1.0):
            self._random.choice(steps)()

    def _post(self, name: str, path: str, body: object) -> None:
        status, answer = call(f"{self._url}/api/ml/{path}", self._token, "POST", body)
        self._ledger.note_answer(status)
        if status == 200 and "generation" in answer:
            self._sightings.note_flip(answer["generation"], time.monotonic())
        self.done[name] += 200 <= status < 300

    def _train(self) -> None:
        quick = {"preset": "classic", "hyperparameters": {"n_factors": 8, "n_epochs": 2}, "activate": False}
        self._post("train", "train", quick)

    def _activate(self) -> None:
        status, answer = call(f"{self._url}/api/ml/versions?page_size=5", self._token)
        self._ledger.note_answer(status)
        ready = [one["label"] for one in answer["results"] if one["status"] == "ready"] if status == 200 else []
        if ready:
            self._post("activate", f"versions/{self._random.choice(ready)}/activate", {"reason": "torture"})

    def _roll_back(self) -> None:
        self._post("roll back", "rollback", {"reason": "torture"})
