"""Times in buckets whose bounds never change, so that counts of several processes and minutes can be added up."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

# Upper bounds in milliseconds; one more bucket holds what is longer.
BOUNDS_MS = (1.0, 2.0, 5.0, 10.0, 20.0, 35.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0, 2000.0, 5000.0)
EMPTY = (0,) * (len(BOUNDS_MS) + 1)


def bucket(milliseconds: float) -> int:
    """The bucket that a time belongs to: the first whose bound is not below it."""
    return bisect_left(BOUNDS_MS, milliseconds)


def added(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(one, other, strict=True)]


def total(histograms: Iterable[Sequence[int]]) -> list[int]:
    counts = list(EMPTY)
    for one in histograms:
        counts = added(counts, one)
    return counts


def quantile(counts: Sequence[int], share: float) -> float | None:
    """The time that ``share`` of all stay within, interpolated in its bucket; None of nothing. What lies beyond the
    last bound is said to be that bound."""
    n = sum(counts)
    if not n:
        return None
    wanted, seen = share * n, 0.0
    for index, count in enumerate(counts):
        if count and seen + count >= wanted:
            low = BOUNDS_MS[index - 1] if index else 0.0
            high = BOUNDS_MS[index] if index < len(BOUNDS_MS) else low
            return low + (high - low) * min(1.0, max(0.0, (wanted - seen) / count))
        seen += count
    return math.nan
