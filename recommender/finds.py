"""Films that came after the training, as the discoveries that one person's list may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING
from recommender.algorithms.new_films import NewFilm, suits
from recommender.new_films import new_films, solve
from recommender.viewers import Viewer

NewFilms = dict[int, NewFilm]  # by id


@dataclass(frozen=True, eq=False)
class Finds:
    """Films that came after the training and may be shown to this person. Arrays of length n."""

    movie_ids: NDArray[np.int64]
    predicted: Array  # stars
    values: Array  # what they stand beside other discoveries by

    @classmethod
    def of(cls, viewer: Viewer, excluded: NDArray[np.int64], new: NewFilms | None = None) -> Self:
        """None of the ``excluded``, and none that they would like less than an average film.

        ``new``: what ``new_films`` says, if it has been asked already."""
        live, person = viewer.live, viewer.person
        new = new_films(live) if new is None else new
        if not new:
            return cls(np.empty(0, np.int64), np.empty(0), np.empty(0))
        films = [
            (movie_id, person.score_of(film.offset, film.features), suits(film, person))
            for movie_id, film in sorted(_as_seen_by(viewer, new).items())
        ]
        average = live.model.films.global_mean + person.level
        shown = [one for one in films if one[1] >= average and not np.isin(one[0], excluded)]
        # They have no price of their own yet: that of an ordinary discovery.
        price = live.model.discovery.ordinary_price
        return cls(
            np.array([one[0] for one in shown], dtype=np.int64),
            np.clip([one[1] for one in shown], MIN_RATING, MAX_RATING),
            np.array([one[2] for one in shown], dtype=np.float64) - price,
        )

    def __len__(self) -> int:
        return len(self.movie_ids)


def _as_seen_by(viewer: Viewer, films: NewFilms) -> NewFilms:
    """Those whose rating the viewer thinks away as they would be without it."""
    theirs = viewer.withdrawn & films.keys()
    if not theirs:
        return films
    others = {movie_id: film for movie_id, film in films.items() if movie_id not in theirs}
    return others | solve(viewer.live, theirs, leave_out=viewer.user)
