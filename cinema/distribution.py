"""How a film's ratings are spread, as a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cinema.models import RATING_VALUES

WIDTH, HEIGHT = 200, 60
_GAP = 3


@dataclass(frozen=True, slots=True)
class Column:
    """``x``, ``y``, ``width`` and ``height`` in the units of a WIDTH × HEIGHT drawing."""

    value: float
    count: int
    share: float
    x: float
    y: float
    width: float
    height: float
    is_yours: bool


def distribution(counts: Sequence[int], yours: float | None) -> list[Column]:
    """A column for each of RATING_VALUES; ``counts`` has as many. What somebody gave at all is never invisible."""
    highest, total = max(counts), sum(counts)
    step = WIDTH / len(counts)
    columns = []
    for place, (value, count) in enumerate(zip(RATING_VALUES, counts, strict=True)):
        height = max(1.5, HEIGHT * count / highest) if count else 0.0
        columns.append(
            Column(
                value=value,
                count=count,
                share=count / total,
                x=round(place * step + _GAP / 2, 2),
                y=round(HEIGHT - height, 2),
                width=round(step - _GAP, 2),
                height=round(height, 2),
                is_yours=value == yours,
            )
        )
    return columns
