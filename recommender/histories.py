"""A person's ratings and hidden films, read fresh from the database: the only state that a person has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cinema.models import HiddenMovie, Rating, User
from recommender.algorithms.film_model import History
from recommender.serving import LiveModel


@dataclass(frozen=True, eq=False)
class RatedFilms:
    """All of a person's ratings, also of films that the live version does not know. Arrays of length n."""

    movie_ids: NDArray[np.int64]
    values: NDArray[np.float64]
    trained: NDArray[np.bool_]  # whether the version was trained on it: written before its data_until
    age: NDArray[np.int64]  # ratings given since, by (rated_at, id): an edit keeps its place

    def history(self, live: LiveModel) -> History:
        return live.model.history(self.movie_ids, self.values, self.trained, self.age)


def rated_films(user: User, live: LiveModel | None) -> RatedFilms:
    ratings = Rating.objects.of(user).order_by("-rated_at", "-pk")
    return _rated_films(list(ratings.values_list("movie_id", "value", "changed_at")), live)


def hidden_films(user: User) -> NDArray[np.int64]:
    """Ids of the films that ``user`` does not want to be shown, ascending."""
    return np.sort(np.fromiter(HiddenMovie.objects.of(user).order_by().values_list("movie_id", flat=True), np.int64))


def unwanted_films(rated: RatedFilms, hidden: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ids of the films that no list may hold: rated or hidden, ascending."""
    return np.union1d(rated.movie_ids, hidden)


def rated_films_of(user_ids: Sequence[int], live: LiveModel | None) -> dict[int, RatedFilms]:
    """The same of many people, by id, in one query."""
    ratings = Rating.objects.filter(user_id__in=user_ids).order_by("-rated_at", "-pk")
    by_user: dict[int, list[tuple[int, float, datetime]]] = defaultdict(list)
    rows = ratings.values_list("user_id", "movie_id", "value", "changed_at")
    for user_id, movie_id, value, changed_at in rows.iterator():
        by_user[user_id].append((movie_id, value, changed_at))
    return {user_id: _rated_films(rows, live) for user_id, rows in by_user.items()}


def _rated_films(rows: Sequence[tuple[int, float, datetime]], live: LiveModel | None) -> RatedFilms:
    """From (film, stars, changed at), the latest first."""
    return RatedFilms(
        movie_ids=np.array([row[0] for row in rows], dtype=np.int64),
        values=np.array([row[1] for row in rows], dtype=np.float64),
        trained=np.array([live is not None and row[2] <= live.data_until for row in rows], dtype=np.bool_),
        age=np.arange(len(rows)),
    )
