"""A person's ratings, read fresh from the database: the only state that a person has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinema.models import Rating, User
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
    rows = list(ratings.values_list("movie_id", "value", "changed_at"))
    return RatedFilms(
        movie_ids=np.array([row[0] for row in rows], dtype=np.int64),
        values=np.array([row[1] for row in rows], dtype=np.float64),
        trained=np.array([live is not None and row[2] <= live.data_until for row in rows], dtype=np.bool_),
        age=np.arange(len(rows)),
    )
