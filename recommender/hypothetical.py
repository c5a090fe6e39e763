"""Somebody as they would be with other ratings: solved from a history that nobody has written.

A list made for them is the one that they would get after really making these changes now, one after the other, by
``cinema.ratings``: a film newly rated is the latest of all, an edit keeps its place and is news to the version, and
what came before a rating taken back is one rating younger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from django.utils import timezone

from recommender.histories import RatedFilms
from recommender.viewers import Viewer


def with_ratings(viewer: Viewer, changes: Mapping[int, float | None]) -> Viewer:
    """``viewer`` after ``changes``, in their order: stars by film id, None for a rating that is taken back."""
    return replace(
        viewer,
        rated=_changed(viewer.rated, changes, year=timezone.now().year),
        withdrawn=frozenset(movie_id for movie_id, value in changes.items() if value is None),
    )


def _changed(rated: RatedFilms, changes: Mapping[int, float | None], *, year: int) -> RatedFilms:
    stars = {movie_id: value for movie_id, value in changes.items() if value is not None}
    taken_back = [movie_id for movie_id, value in changes.items() if value is None]
    kept = ~np.isin(rated.movie_ids, taken_back)
    movie_ids = rated.movie_ids[kept]
    known = set(movie_ids.tolist())
    new = np.array([movie_id for movie_id in reversed(stars) if movie_id not in known], dtype=np.int64)
    movie_ids = np.concatenate([new, movie_ids])
    old_values = dict(zip(rated.movie_ids.tolist(), rated.values.tolist(), strict=True))
    return RatedFilms(
        movie_ids=movie_ids,
        values=np.array([stars.get(pk, old_values.get(pk, 0.0)) for pk in movie_ids.tolist()], dtype=np.float64),
        trained=np.concatenate([np.zeros(len(new), np.bool_), rated.trained[kept]]) & ~np.isin(movie_ids, list(stars)),
        age=np.arange(len(movie_ids)),
        year=np.concatenate([np.full(len(new), year, np.int64), rated.year[kept]]),
        since=rated.since,
    )
