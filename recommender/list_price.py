"""What a list costs in predicted stars beside another one of the same person, and what it gains in variety."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.breakdowns import most_rated_half
from recommender.algorithms.metrics import diversity
from recommender.recommend import Recommendation
from recommender.viewers import Viewer


@dataclass(frozen=True, slots=True)
class Variety:
    distance: float | None  # mean pairwise 1 − cosine of the films' characters, 0 … 2; None below two films
    genres: int  # different ones
    decades: int
    less_known: float | None  # share of films outside of the most rated that hold half of all ratings


@dataclass(frozen=True, slots=True)
class ListPrice:
    stars: float | None  # mean predicted stars; None for a list that nothing is predicted of
    unchanged_stars: float | None
    n: int  # films in the list
    n_new: int  # of them are not in the unchanged list
    variety: Variety
    unchanged_variety: Variety

    @property
    def cost(self) -> float | None:
        """Stars a film, on average; negative where the list is predicted higher than the unchanged one."""
        return None if self.stars is None or self.unchanged_stars is None else self.unchanged_stars - self.stars


def list_price(viewer: Viewer, unchanged: Sequence[Recommendation], chosen: Sequence[Recommendation]) -> ListPrice:
    """``viewer``: the person with neutral controls. The stars of both lists are predicted from all of their ratings,
    or a list would seem to gain by being predicted from fewer."""
    before = {item.movie_id for item in unchanged}
    return ListPrice(
        stars=_mean_stars(viewer, chosen),
        unchanged_stars=_mean_stars(viewer, unchanged),
        n=len(chosen),
        n_new=sum(item.movie_id not in before for item in chosen),
        variety=_variety(viewer, chosen),
        unchanged_variety=_variety(viewer, unchanged),
    )


def predicted_stars(viewer: Viewer, items: Sequence[Recommendation]) -> list[float | None]:
    """What ``viewer`` is predicted to give the films of any list of theirs."""
    rows = _rows(viewer, items)
    stars = viewer.person.predicted_ratings(np.maximum(rows, 0))
    return [
        float(value) if row >= 0 else item.predicted_rating for row, value, item in zip(rows, stars, items, strict=True)
    ]


def _rows(viewer: Viewer, items: Sequence[Recommendation]) -> NDArray[np.int64]:
    """−1 for films that the version was not trained on."""
    rows = viewer.live.model.rows(np.array([item.movie_id for item in items], dtype=np.int64))
    trained = viewer.live.model.films.item_counts[np.maximum(rows, 0)] > 0 if len(rows) else rows >= 0
    return np.where((rows >= 0) & trained, rows, -1)


def _mean_stars(viewer: Viewer, items: Sequence[Recommendation]) -> float | None:
    stars = [value for value in predicted_stars(viewer, items) if value is not None]
    return float(np.mean(stars)) if stars else None


def _variety(viewer: Viewer, items: Sequence[Recommendation]) -> Variety:
    rows = _rows(viewer, items)
    films = viewer.live.model.films
    famous = most_rated_half(films.item_counts)
    known = rows[rows >= 0]
    return Variety(
        distance=diversity(films.characters(known).astype(np.float64)) if len(known) else None,
        genres=len({genre for item in items for genre in item.genres}),
        decades=len({item.year // 10 for item in items if item.year is not None}),
        less_known=1.0 - int(np.count_nonzero(famous[known])) / len(items) if items else None,
    )
