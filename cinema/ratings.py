"""The only way a rating of a person is written. (Importers write whole sets of imported people's.)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cinema.models import RATING_VALUES, Movie, Rating, User


class InvalidRating(ValueError):
    """The value is not one of 0.5, 1.0 … 5.0."""


@dataclass(frozen=True, slots=True)
class RatingChange:
    rating: Rating
    created: bool  # False: an earlier rating was replaced


def rate_movie(*, user: User, movie: Movie, value: float) -> RatingChange:
    """Stores ``user``'s rating of ``movie`` in one transaction. Sending the same again changes nothing but the time.

    Raises InvalidRating for a value off the scale; the database's own check stands behind it.
    """
    if isinstance(value, bool) or value not in RATING_VALUES:
        raise InvalidRating(f"{value!r} is not a rating from 0.5 to 5 in steps of 0.5.")
    now = timezone.now()
    with transaction.atomic():
        rating, created = Rating.objects.update_or_create(
            user=user,
            movie=movie,
            defaults={"value": float(value), "changed_at": now},
            create_defaults={"value": float(value), "changed_at": now, "rated_at": now},
        )
    return RatingChange(rating=rating, created=created)


def restore_rating(*, user: User, movie: Movie, value: float | None, rated_at: datetime | None) -> Rating | None:
    """Puts back what was before a change: the value and when the film was first rated, or no rating at all.

    Raises InvalidRating.
    """
    if value is None or rated_at is None:
        unrate_movie(user=user, movie=movie)
        return None
    if isinstance(value, bool) or value not in RATING_VALUES:
        raise InvalidRating(f"{value!r} is not a rating from 0.5 to 5 in steps of 0.5.")
    with transaction.atomic():
        rating, _ = Rating.objects.update_or_create(
            user=user,
            movie=movie,
            defaults={"value": float(value), "changed_at": timezone.now(), "rated_at": rated_at},
        )
    return rating


def unrate_movie(*, user: User, movie: Movie) -> bool:
    """Removes ``user``'s rating of ``movie``; False if there was none."""
    deleted, _ = Rating.objects.filter(user=user, movie=movie).delete()
    return deleted > 0
