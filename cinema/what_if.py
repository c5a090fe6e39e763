"""What an explanation says would be without single ratings, as the sentences of a page need it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

# Sentences of one kind tire; these tell the most.
MAX_SENTENCES = 5


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Stars are as a page shows them, so that two that look alike are called the same."""

    movie_id: int
    title: str
    stars: str
    rank: int
    same_stars: bool
    same_rank: bool


def what_if(explanation: dict[str, Any]) -> list[WhatIf]:
    """One for each film that the explanation names, those first whose rating moves the film furthest."""
    rank, predicted = explanation["order"]["rank"], explanation["predicted_rating"]
    named = [film for reason in explanation["reasons"] for film in reason.get("movies", [])]
    named += explanation["order"]["movies"]
    told = {film["movie_id"]: film for film in named if "without_it" in film}

    def moves(film: dict[str, Any]) -> tuple[float, float]:
        # From #2 to #20 is as far as from #20 to #200.
        without = film["without_it"]
        return -abs(math.log(without["rank"] / rank)), -abs(without["predicted_rating"] - predicted)

    return [
        WhatIf(
            movie_id=film["movie_id"],
            title=film["title"],
            stars=f"{film['without_it']['predicted_rating']:.1f}",
            rank=film["without_it"]["rank"],
            same_stars=f"{film['without_it']['predicted_rating']:.1f}" == f"{predicted:.1f}",
            same_rank=film["without_it"]["rank"] == rank,
        )
        for film in sorted(told.values(), key=moves)[:MAX_SENTENCES]
    ]
