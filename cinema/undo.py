"""What takes a change of a rating back: a signed word about what was before, good for an hour and for one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core import signing

from cinema.models import Movie, Rating, User

SECONDS = 3600
_SALT = "cinema.undo.rating"


@dataclass(frozen=True, slots=True)
class Before:
    """A rating before it was changed; both None where there was none."""

    value: float | None
    rated_at: datetime | None

    @classmethod
    def of(cls, user: User, movie: Movie) -> Before:
        rating = Rating.objects.of(user).filter(movie=movie).first()
        return cls(rating.value, rating.rated_at) if rating else cls(None, None)


def token(user: User, movie: Movie, before: Before) -> str:
    rated_at = before.rated_at.isoformat() if before.rated_at else None
    return signing.dumps([user.pk, movie.pk, before.value, rated_at], salt=_SALT)


def read(user: User, movie: Movie, token: str) -> Before | None:
    """None for a word that is not ours, too old, or about somebody or something else."""
    try:
        user_id, movie_id, value, rated_at = signing.loads(token, salt=_SALT, max_age=SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if (user_id, movie_id) != (user.pk, movie.pk):
        return None
    return Before(value, datetime.fromisoformat(rated_at) if rated_at else None)
