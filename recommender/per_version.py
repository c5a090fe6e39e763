"""What a process works out for a version and remembers: for the latest few, since several may serve at once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")

# The live one, the one before, and the arms of an experiment.
MAX_VERSIONS = 6


class PerVersion(Generic[T]):
    """One value for each label. Looking up takes no lock: who sets must hold one if others may set too."""

    def __init__(self) -> None:
        self._by_label: OrderedDict[str, T] = OrderedDict()

    def get(self, label: str) -> T | None:
        return self._by_label.get(label)

    def set(self, label: str, value: T) -> None:
        """Drops the version that was set longest ago where there are too many."""
        # Not changed but exchanged: another thread may be reading the old one.
        kept = OrderedDict((known, old) for known, old in self._by_label.items() if known != label)
        kept[label] = value
        while len(kept) > MAX_VERSIONS:
            kept.popitem(last=False)
        self._by_label = kept

    def clear(self) -> None:
        self._by_label = OrderedDict()
