"""How a list of films moves: where each stood before and stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cinema.cards import Card
from recommender.list_price import predicted_stars
from recommender.recommend import Recommendation
from recommender.viewers import Viewer


@dataclass(frozen=True, slots=True)
class Move:
    card: Card
    before: int | None  # place, from 1; None: not in the list
    after: int | None
    stars_before: float | None
    stars_after: float | None

    @property
    def kind(self) -> str:
        """new, gone, up, down or same."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        return "same" if self.after == self.before else "up" if self.after < self.before else "down"


def moves(
    viewer: Viewer, supposed: Viewer, before: Sequence[Recommendation], after: Sequence[Recommendation]
) -> list[Move]:
    """The list ``after`` in its order, then what was in ``before`` and is gone. ``viewer`` and ``supposed`` say what
    the films of both lists are predicted, before and after."""
    gone = [item for item in before if item.movie_id not in {one.movie_id for one in after}]
    items = [*after, *gone]
    old = {item.movie_id: item.rank for item in before}
    new = {item.movie_id: item.rank for item in after}
    return [
        Move(_card(item), old.get(item.movie_id), new.get(item.movie_id), stars_before, stars_after)
        for item, stars_before, stars_after in zip(
            items, predicted_stars(viewer, items), predicted_stars(supposed, items), strict=True
        )
    ]


def _card(item: Recommendation) -> Card:
    return Card(item.movie_id, item.title, item.year, item.genres, item.predicted_rating, item.slot)
