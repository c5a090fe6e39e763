"""People who rate as fast as they are answered, and look right away whether it was learned."""

from __future__ import annotations

import json
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mlops.torture.ledger import Ledger
from mlops.torture.sightings import Sightings

VALUES = [step / 2 for step in range(1, 11)]
ANSWER_SECONDS = 30
# One rating in so many is looked for in list and history at once; all of them would leave no time for rating.
LOOK_EVERY = 3


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    token: str


def call(url: str, token: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    """Status and JSON over a connection of its own, so that any process may answer. 0: none did."""
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        request = Request(url, data, headers, method=method)
        with urlopen(request, timeout=ANSWER_SECONDS) as response:  # our own site, over http  # nosec B310
            text = response.read()
            return response.status, json.loads(text) if text else None
    except HTTPError as error:
        with suppress(OSError, HTTPException):  # the status says enough
            error.read()
        return error.code, None
    except (OSError, HTTPException, ValueError):
        # The connection broke off, perhaps in the middle of an answer.
        return 0, None


class Rater(threading.Thread):
    """Rates films by chance, one in four a second time, until told to stop or ``each`` times."""

    def __init__(
        self,
        url: str,
        account: Account,
        films: list[int],
        ledger: Ledger,
        sightings: Sightings,
        *,
        seed: int,
        each: int | None = None,
    ) -> None:
        super().__init__(name=f"rater-{account.id}", daemon=True)
        self._url, self._account, self._films, self._ledger = url, account, films, ledger
        self._sightings, self._each = sightings, each
        self._random = random.Random(seed)
        self._rated: list[int] = []
        self.stop_requested = threading.Event()

    def run(self) -> None:
        n = 0
        while not self.stop_requested.is_set() and (self._each is None or n < self._each):
            again = self._rated and self._random.random() < 0.25
            film = self._random.choice(self._rated if again else self._films)
            value = self._random.choice(VALUES)
            began = time.monotonic()
            status, _ = call(f"{self._url}/api/ratings/{film}", self._account.token, "PUT", {"value": value})
            if not self._ledger.note((self._account.id, film), value, status, time.monotonic() - began):
                self.stop_requested.wait(0.1)  # the site is away; whoever rates would wait longer
                continue
            self._rated.append(film)
            n += 1
            if n % LOOK_EVERY == 0:
                self._look(film, value)

    def _look(self, film: int, value: float) -> None:
        """The film must be gone from the list and stand in the history, in whatever process answers."""
        base, me, token = self._url, self._account.id, self._account.token
        asked_at = time.monotonic()
        status, listed = call(f"{base}/api/ml/recommendations/{me}?n=50", token)
        self._ledger.note_answer(status)
        if status == 200:
            self._sightings.note(asked_at, listed["generation"], listed["model_version"])
            if any(item["movie_id"] == film for item in listed["items"]):
                self._ledger.note_slow()
        status, explained = call(f"{base}/api/ml/explain/{me}/{self._other(film)}?all=1", token)
        self._ledger.note_answer(status)
        if status == 200 and not any(
            one["movie_id"] == film and one["your_rating"] == value for one in explained["contributions"]
        ):
            self._ledger.note_slow()

    def _other(self, film: int) -> int:
        return next(one for one in self._films if one != film)


def kept_ratings(url: str, account: Account) -> list[tuple[int, float]]:
    """All ratings that the site has of somebody, (film, stars)."""
    found: list[tuple[int, float]] = []
    page = 1
    while True:
        status, answer = call(f"{url}/api/ratings?page_size=200&page={page}", account.token)
        if status != 200:
            raise RuntimeError(f"The ratings of {account.id} could not be read: {status}")
        found += [(one["movie_id"], one["value"]) for one in answer["results"]]
        if not answer["next"]:
            return found
        page += 1
