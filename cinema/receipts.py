"""A rating with its receipt: what it changed in the person's list, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import transaction

from cinema.models import Movie, Rating, User
from cinema.ratings import rate_movie, restore_rating, unrate_movie
from cinema.undo import Before
from recommender.recommend import RecommendationList
from recommender.remembered import list_for
from recommender.served import note_act, note_learning


@dataclass(frozen=True, slots=True)
class Receipt:
    rating: Rating | None  # None: it was removed, or there were several
    created: bool
    learned_in_ms: float  # from the start of the write until the new list was there
    model_version: str | None
    entered: list[dict[str, object]]  # films that are now in the top ten and were not, {movie_id, title}
    left: list[dict[str, object]]

    def as_dict(self) -> dict[str, object]:
        return {
            "learned_in_ms": self.learned_in_ms,
            "model_version": self.model_version,
            "entered": self.entered,
            "left": self.left,
        }


def rate_with_receipt(*, user: User, movie: Movie, value: float, admit: Callable[[], object] | None = None) -> Receipt:
    """Writes the rating, if ``admit`` does not refuse it, and solves the person anew. Raises InvalidRating."""
    before = list_for(user)
    started = time.perf_counter()
    change = rate_movie(user=user, movie=movie, value=value, admit=admit)
    note_act(user, movie, "rated", change.rating.value)
    return _receipt(user, before, started, rating=change.rating, created=change.created)


def restore_with_receipt(*, user: User, movie: Movie, before: Before) -> Receipt:
    """Takes a change back and solves the person anew."""
    list_before = list_for(user)
    started = time.perf_counter()
    rating = restore_rating(user=user, movie=movie, value=before.value, rated_at=before.rated_at)
    return _receipt(user, list_before, started, rating=rating, created=False)


def unrate_with_receipt(*, user: User, movie: Movie) -> Receipt:
    """Removes the rating, if there is one, and solves the person anew."""
    before = list_for(user)
    started = time.perf_counter()
    unrate_movie(user=user, movie=movie)
    return _receipt(user, before, started, rating=None, created=False)


def change_with_receipt(*, user: User, changes: Mapping[Movie, float | None]) -> Receipt:
    """Writes several ratings in their order, all or none, and solves the person anew; None removes one.
    Raises InvalidRating."""
    before = list_for(user)
    started = time.perf_counter()
    with transaction.atomic():
        for movie, value in changes.items():
            if value is None:
                unrate_movie(user=user, movie=movie)
            else:
                rate_movie(user=user, movie=movie, value=value)
    return _receipt(user, before, started, rating=None, created=False)


def _receipt(
    user: User, before: RecommendationList, started: float, *, rating: Rating | None, created: bool
) -> Receipt:
    after = list_for(user)
    learned_in_ms = (time.perf_counter() - started) * 1000
    note_learning(learned_in_ms, after.model_version)
    return Receipt(
        rating=rating,
        created=created,
        learned_in_ms=round(learned_in_ms, 3),
        model_version=after.model_version,
        entered=_difference(after, before),
        left=_difference(before, after),
    )


def _difference(one: RecommendationList, other: RecommendationList) -> list[dict[str, object]]:
    known = {item.movie_id for item in other.items}
    return [{"movie_id": item.movie_id, "title": item.title} for item in one.items if item.movie_id not in known]
