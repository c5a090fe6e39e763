"""Somebody's own ratings, each beside what others think of that film: what every look back starts from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Count, Sum

from cinema.crowd import Crowd, crowd
from cinema.models import MIN_PEOPLE, Movie, Rating, User


@dataclass(frozen=True, slots=True)
class OwnRating:
    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]
    value: float
    rated_at: datetime
    n_others: int  # how many others rated it
    others_mean: float | None  # what they gave it; None while they are fewer than MIN_PEOPLE

    @property
    def difference(self) -> float | None:
        """How many stars above the others; None where they are too few."""
        return None if self.others_mean is None else self.value - self.others_mean


@dataclass(frozen=True, slots=True)
class LookBack:
    """All of a person's ratings, the latest first, beside everybody's."""

    ratings: list[OwnRating]
    crowd: Crowd


def look_back(user: User) -> LookBack:
    """Three queries, or four if something was rated in the last minutes; besides those of a crowd counted anew."""
    everybody = crowd()
    ratings = Rating.objects.of(user).order_by("-rated_at", "-pk")
    rows = list(
        ratings.values_list("movie_id", "movie__title", "movie__year", "value", "rated_at", "changed_at").iterator()
    )
    genres = _genres(user)
    places = everybody.rows(np.array([row[0] for row in rows], dtype=np.int64))
    recent = [row[0] for row in rows if row[5] > everybody.settled_until]
    recounted = _count_others(user, everybody.settled_until) if recent else {}
    found = []
    for (movie_id, title, year, value, rated_at, changed_at), place in zip(rows, places, strict=True):
        if changed_at > everybody.settled_until:
            n, total = recounted.get(movie_id, (0, 0.0))
        elif place < 0:
            n, total = 0, 0.0
        else:
            # Counted as it is now, so what remains is the others'.
            n, total = int(everybody.counts[place]) - 1, float(everybody.sums[place]) - value
        found.append(
            OwnRating(
                movie_id=movie_id,
                title=title,
                year=year,
                genres=tuple(genres.get(movie_id, ())),
                value=value,
                rated_at=rated_at,
                n_others=n,
                others_mean=total / n if n >= MIN_PEOPLE else None,
            )
        )
    return LookBack(found, everybody)


def _genres(user: User) -> dict[int, list[str]]:
    """Names of the genres of the films that ``user`` rated, by film, in alphabetical order."""
    links = Movie.genres.through.objects.filter(movie__ratings__user=user).order_by("genre__name")
    found: dict[int, list[str]] = defaultdict(list)
    for movie_id, name in links.values_list("movie_id", "genre__name").iterator():
        found[movie_id].append(name)
    return found


def _count_others(user: User, since: datetime) -> dict[int, tuple[int, float]]:
    """How many others rated each film that ``user`` rated since then, and their stars together."""
    mine = Rating.objects.of(user).changed_after(since).order_by().values("movie_id")
    others = Rating.objects.filter(movie_id__in=mine).exclude(user=user).order_by().values_list("movie_id")
    return {movie_id: (n, total) for movie_id, n, total in others.annotate(n=Count("pk"), total=Sum("value"))}
