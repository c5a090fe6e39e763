"""Films like a film, and why they are called alike.

That they are comes from the version's factors; the reasons are facts of the catalogue as it is now: how many people
rated both, and the genres that they share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, F, Q
from django.utils.translation import gettext

from cinema.models import MIN_PEOPLE, Movie, Rating
from recommender.algorithms.interactions import RELEVANT
from recommender.catalogue import genre_names, movies_by_id
from recommender.serving import live_model


@dataclass(frozen=True, slots=True)
class SimilarMovie:
    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    similarity: float
    reasons: list[dict[str, Any]]  # each with ``type`` and ``description``, then what belongs to its type


@dataclass(frozen=True, slots=True)
class SimilarMovies:
    model_version: str | None
    items: list[SimilarMovie]


@dataclass(frozen=True, slots=True)
class SharedRaters:
    """How many people rated two films, and how many of them gave both RELEVANT stars or more."""

    count: int
    liked: int


def similar_movies(movie: Movie, *, n: int = 10) -> SimilarMovies:
    """Films whose factors point the same way. Empty where fewer than five people stand behind the film."""
    live = live_model()
    if live is None:
        return SimilarMovies(None, [])
    row = int(live.model.rows(np.array([movie.pk]))[0])
    if row < 0:
        return SimilarMovies(live.label, [])
    rows, similarities = live.model.similar_items(row, n)
    films = movies_by_id(live.model.movie_ids[rows], live)
    raters = shared_raters(movie, list(films))
    genres = genre_names(movie)
    items = []
    for movie_id, similarity in zip(live.model.movie_ids[rows].tolist(), similarities.tolist(), strict=True):
        if (film := films.get(movie_id)) is None:
            continue
        reasons = [*_shared_raters(raters.get(movie_id)), *_shared_genres(genres, film.genre_names)]
        items.append(SimilarMovie(film.pk, film.title, film.year, film.genre_names, similarity, reasons))
    return SimilarMovies(live.label, items)


def shared_raters(movie: Movie, others: Sequence[int]) -> dict[int, SharedRaters]:
    """How many rated ``movie`` and each of the ``others``, by film id, as the ratings are now; others that nobody rated
    too are left out. One query: from each rating of the one film to the same person's ratings of the others."""
    if not others:
        return {}
    theirs = Rating.objects.filter(movie_id__in=others, user__ratings__movie=movie).order_by()
    liked_both = Q(value__gte=RELEVANT, first__gte=RELEVANT)
    rows = (
        theirs.annotate(first=F("user__ratings__value"))
        .values("movie_id")
        .annotate(both=Count("pk"), liked=Count("pk", filter=liked_both))
        .values_list("movie_id", "both", "liked")
    )
    return {movie_id: SharedRaters(both, liked) for movie_id, both, liked in rows}


def _shared_raters(raters: SharedRaters | None) -> list[dict[str, Any]]:
    """Nothing is said of fewer than MIN_PEOPLE, whether they rated both or liked both."""
    if raters is None or raters.count < MIN_PEOPLE:
        return []
    reason: dict[str, Any] = {
        "type": "shared_raters",
        "description": gettext("%(n)d people rated both") % {"n": raters.count},
        "count": raters.count,
    }
    if raters.liked >= MIN_PEOPLE:
        reason["description"] = gettext("%(n)d people rated both, %(liked)d liked both") % {
            "n": raters.count,
            "liked": raters.liked,
        }
        reason["liked"] = raters.liked
    return [reason]


def _shared_genres(genres: list[str], others: list[str]) -> list[dict[str, Any]]:
    shared = [name for name in genres if name in others]
    if not shared:
        return []
    return [
        {
            "type": "shared_genres",
            "description": gettext("Both are %(genres)s") % {"genres": ", ".join(shared)},
            "genres": shared,
        }
    ]
