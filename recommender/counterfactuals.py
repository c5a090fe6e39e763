"""What a film would be for a person without one of their ratings: stars and place in their list, solved afresh.

A contribution is a share of a sum and does not say what would happen without it: everything else that was learned from
the person would be learned anew. So each "without it" is a solve and a ranking of its own, from the history that the
person would have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, Person
from recommender.catalogue import there
from recommender.serving import LiveModel
from recommender.viewers import list_scores


@dataclass(frozen=True, slots=True)
class WithoutIt:
    """A film as it would be for the person had they not rated a certain other one."""

    predicted_rating: float  # stars
    rank: int  # place among the same films as with the rating, 1 is first


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    rank: int | None  # the film's place as things are; None for a film that the version does not know
    without: dict[int, WithoutIt]  # by row of the rated film


def counterfactuals(
    live: LiveModel, person: Person, row: int, rated_rows: Sequence[int], hidden: NDArray[np.int64]
) -> Counterfactuals:
    """The place of the film at ``row``, and its stars and place without each of the films at ``rated_rows``.

    ``person`` is solved without a rating of the film itself. A place counts the films that the person has
    neither rated nor hidden (``hidden``: ids) and that the catalogue still has, as their list does before discoveries
    are woven in. The film whose
    rating is thought away is unrated then, yet it stays out of the ranking: with it there would be one rival more than
    before, and the two places would differ by who competes and not only by what is known of the person.
    """
    rivals = there(live).copy()
    rivals[person.history.item] = False
    rows = live.model.rows(hidden)
    rivals[rows[rows >= 0]] = False
    shortened = [live.model.solve(person.history.without(rated_row)) for rated_row in rated_rows]
    ahead = [_ahead(list_scores(live, live.model.order(one)), row) for one in (person, *shortened)]
    rank, *ranks = (1 + int(np.count_nonzero(mask & rivals)) for mask in ahead)
    stars = [float(one.predicted_ratings([row])[0]) for one in shortened]
    return Counterfactuals(rank, dict(zip(rated_rows, map(WithoutIt, stars, ranks), strict=True)))


def _ahead(scores: Array, row: int) -> NDArray[np.bool_]:
    """Which films a list shows before this one, (n_items,): ties by row, as in ``metrics.top_k``."""
    ahead = scores > scores[row]
    ahead[:row] |= scores[:row] == scores[row]
    return ahead
