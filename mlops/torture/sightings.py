"""Which version each answer came from, held against the log of activations."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

# So long after a change was acknowledged an answer may still come from what was live before.
GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Sighting:
    asked_at: float  # seconds of a monotonic clock
    generation: int
    version: str


@dataclass
class Sightings:
    """Safe for many threads."""

    seen: list[Sighting] = field(default_factory=list)
    flips: dict[int, float] = field(default_factory=dict)  # generation → when its activation was acknowledged
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, asked_at: float, generation: int, version: str) -> None:
        with self._lock:
            self.seen.append(Sighting(asked_at, generation, version))

    def note_flip(self, generation: int, acknowledged_at: float) -> None:
        with self._lock:
            self.flips.setdefault(generation, acknowledged_at)

    def mixed(self, log: Mapping[int, str]) -> list[Sighting]:
        """Answers that name a version and a generation that never went together. ``log``: generation → version."""
        return [one for one in self.seen if log.get(one.generation) != one.version]

    def stale(self) -> list[Sighting]:
        """Answers to questions asked GRACE_SECONDS or more after a later generation had been acknowledged."""
        return [
            one
            for one in self.seen
            if any(
                generation > one.generation and acknowledged_at + GRACE_SECONDS < one.asked_at
                for generation, acknowledged_at in self.flips.items()
            )
        ]
