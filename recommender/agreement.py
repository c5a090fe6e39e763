"""How close a person folded in against older films comes to one folded in against newly trained films.

A rating counts at once, without a training. What a training then adds is what this measures: the same people with the
same ratings, before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.comparison import overlap
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import ages
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.metrics import K, top_k

MAX_PEOPLE = 200
FILMS_EACH = 100


@dataclass(frozen=True)
class Agreement:
    rmse: float  # of the one's predictions against the other's, in stars
    overlap_at_10: float  # mean share of the ten ranked places that hold the same films
    people: int
    newer_ratings: int  # of theirs, that the older version had not been trained on


def agreement(
    live: TrainedModel,
    retrained: TrainedModel,
    data: Interactions,
    movie_ids: NDArray[np.int64],
    newer: NDArray[np.bool_],
    *,
    seed: int,
) -> Agreement | None:
    """``newer``: (n,) which ratings ``live`` was not trained on. People who have some come first, others fill up to
    MAX_PEOPLE; their predictions are compared on FILMS_EACH films that both versions know and they have not rated.

    None if nobody can be looked at.
    """
    rng = np.random.default_rng(seed)
    people = np.flatnonzero(data.user_counts)
    has_newer = np.bincount(data.user[newer], minlength=data.n_users)[people] > 0
    people = people[np.lexsort((rng.random(len(people)), ~has_newer))][:MAX_PEOPLE]
    rows_live, rows_new = live.rows(movie_ids), retrained.rows(movie_ids)
    common = np.flatnonzero((rows_live >= 0) & (rows_new >= 0))
    squares: list[NDArray[np.float64]] = []
    lists: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
    for user in people:
        rows = data.rows_of(user)
        item, value = data.item[rows].astype(np.int64), data.value[rows].astype(np.float64)
        age = ages(data.time[rows], item)
        before = live.history(movie_ids[item], value, ~newer[rows], age)
        after = retrained.history(movie_ids[item], value, np.ones(len(rows), np.bool_), age)
        asked = np.setdiff1d(common, item)
        asked = rng.permutation(asked)[:FILMS_EACH]
        one, other = live.solve(before), retrained.solve(after)
        squares.append(np.square(one.predicted_ratings(rows_live[asked]) - other.predicted_ratings(rows_new[asked])))
        for model, person, listed in ((live, one, lists[0]), (retrained, other, lists[1])):
            scores = model.order(person).scores.copy()
            scores[person.history.item] = -np.inf
            best = model.movie_ids[top_k(scores)]
            listed.append(np.concatenate([best, np.full(K - len(best), -1)]))
    differences = np.concatenate(squares) if squares else np.empty(0)
    if not len(differences):
        return None
    return Agreement(
        rmse=float(np.sqrt(differences.mean())),
        overlap_at_10=float(np.nanmean(overlap(np.array(lists[0]), np.array(lists[1])))),
        people=len(people),
        newer_ratings=int(newer[np.isin(data.user, people)].sum()),
    )
