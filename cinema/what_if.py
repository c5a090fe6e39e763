"""What an explanation says would be without single ratings, as the sentences of a page need it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

# More sentences of one kind tire; these tell the most.
MAX_SENTENCES = 5


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would be without any one of ``films``. Stars are as a page shows them: what looks alike is called alike."""

    films: list[dict[str, Any]]  # as the explanation names them
    stars: str
    rank: int
    same_stars: bool
    same_rank: bool


def what_if(explanation: dict[str, Any]) -> list[WhatIf]:
    """The films that the explanation names, together where they come to the same; the farthest from what is, first."""
    rank, predicted = explanation["order"]["rank"], explanation["predicted_rating"]
    named = [film for reason in explanation["reasons"] for film in reason.get("movies", [])]
    named += explanation["order"]["movies"]
    alike: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for film in {film["movie_id"]: film for film in named}.values():
        without = film["without_it"]
        alike.setdefault((f"{without['predicted_rating']:.1f}", without["rank"]), []).append(film)

    def distance(outcome: tuple[str, int]) -> tuple[float, float]:
        # From #2 to #20 is as far as from #20 to #200.
        return abs(math.log(outcome[1] / rank)), abs(float(outcome[0]) - predicted)

    return [
        WhatIf(alike[stars, place], stars, place, same_stars=stars == f"{predicted:.1f}", same_rank=place == rank)
        for stars, place in sorted(alike, key=distance, reverse=True)[:MAX_SENTENCES]
    ]
