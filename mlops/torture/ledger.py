"""What raters were told, and whether the site kept it.

A rating is *acknowledged* when its answer was a 2xx. One that was sent and not answered may be there or not: then both
are right. Everybody writes their own ratings, one after the other, so that the order of the tries is known.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

Key = tuple[int, int]  # person, film


@dataclass(frozen=True, slots=True)
class Losses:
    """``lost``: acknowledged, and neither its value nor a later one is there. ``unasked``: there, and never sent."""

    lost: list[Key]
    unasked: list[Key]


@dataclass
class Ledger:
    """Safe for many threads."""

    acknowledged: int = 0
    unanswered: int = 0
    refused: dict[int, int] = field(default_factory=dict)  # by status
    seconds: list[float] = field(default_factory=list)  # that each acknowledged one took
    slow_to_learn: int = 0  # acknowledged, and yet in the list or not in the history right after
    _tries: dict[Key, list[tuple[float, bool]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, key: Key, value: float, status: int, seconds: float = 0.0) -> bool:
        """One try with its answer's status, 0 for no answer, and how long that took. Whether it was acknowledged."""
        acknowledged = 200 <= status < 300
        with self._lock:
            if acknowledged:
                self.acknowledged += 1
                self.seconds.append(seconds)
            elif status == 0:
                self.unanswered += 1
            else:
                self.refused[status] = self.refused.get(status, 0) + 1
            # A refused rating was not written; of an unanswered one, and of a 5xx, nobody knows.
            if acknowledged or status == 0 or status >= 500:
                self._tries.setdefault(key, []).append((value, acknowledged))
        return acknowledged

    def note_answer(self, status: int) -> None:
        """An answer to something that is no rating."""
        if status >= 500:
            with self._lock:
                self.refused[status] = self.refused.get(status, 0) + 1

    def note_slow(self) -> None:
        with self._lock:
            self.slow_to_learn += 1

    def right_values(self, key: Key) -> set[float | None]:
        """What may be there: the last acknowledged value, or one that was sent after it and not answered."""
        right: set[float | None] = {None}
        for value, acknowledged in self._tries.get(key, []):
            right = {value} if acknowledged else right | {value}
        return right

    def judge(self, kept: Mapping[Key, float]) -> Losses:
        """``kept``: every rating of the raters that the site has."""
        lost = [key for key in self._tries if kept.get(key) not in self.right_values(key)]
        return Losses(sorted(lost), sorted(key for key in kept if key not in self._tries))

    def milliseconds(self, share: float) -> float | None:
        """The quantile of how long an acknowledged rating took."""
        ordered = sorted(self.seconds)
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None

    @property
    def server_errors(self) -> int:
        """Answers of 500 and above other than 503, which says that one should come again."""
        return sum(n for status, n in self.refused.items() if status >= 500 and status != 503)
