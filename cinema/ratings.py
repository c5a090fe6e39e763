"""The only way a rating of a person is written. (Importers write whole sets of imported people's.)"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from cinema.database_moments import from_database, to_database
from cinema.models import RATING_VALUES, Movie, Rating, User
from cinema.person_lock import person_lock


class InvalidRating(ValueError):
    """The value is not one of 0.5, 1.0 … 5.0."""


@dataclass(frozen=True, slots=True)
class RatingChange:
    rating: Rating
    created: bool  # False: an earlier rating was replaced


def rate_movie(*, user: User, movie: Movie, value: float, admit: Callable[[], object] | None = None) -> RatingChange:
    """Stores ``user``'s rating of ``movie`` in one transaction. Sending the same again changes nothing but the time.

    ``admit`` is called in that transaction, before the rating is written; what it raises refuses the rating. Raises
    InvalidRating for a value off the scale; the database's own check stands behind it.
    """
    if isinstance(value, bool) or value not in RATING_VALUES:
        raise InvalidRating(f"{value!r} is not a rating from 0.5 to 5 in steps of 0.5.")
    with person_lock(user):
        if admit is not None:
            admit()
        now = timezone.now()  # after waiting: what is written later is later
        moment = to_database(now)
        with connection.cursor() as cursor:
            cursor.execute(_RATE, [user.pk, movie.pk, float(value), moment, moment])
            pk, first = cursor.fetchone()
        # Nobody else writes as this person, so what was first rated now was not there before.
        rated_at = from_database(first)
        rating = Rating(pk=pk, user=user, movie=movie, value=float(value), rated_at=rated_at, changed_at=now)
        rating._state.adding = False
    return RatingChange(rating=rating, created=rated_at == now)


# Not composed anew either: half of the time for which others would wait. Our own table.
_RATE = (
    f'INSERT INTO "{Rating._meta.db_table}" (user_id, movie_id, value, rated_at, changed_at) '  # nosec B608
    "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (user_id, movie_id) "
    "DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at RETURNING id, rated_at"
)


def restore_rating(*, user: User, movie: Movie, value: float | None, rated_at: datetime | None) -> Rating | None:
    """Puts back what was before a change: the value and when the film was first rated, or no rating at all.

    Raises InvalidRating.
    """
    if value is None or rated_at is None:
        unrate_movie(user=user, movie=movie)
        return None
    if isinstance(value, bool) or value not in RATING_VALUES:
        raise InvalidRating(f"{value!r} is not a rating from 0.5 to 5 in steps of 0.5.")
    with person_lock(user):
        rating, _ = Rating.objects.update_or_create(
            user=user,
            movie=movie,
            defaults={"value": float(value), "changed_at": timezone.now(), "rated_at": rated_at},
        )
    return rating


def unrate_movie(*, user: User, movie: Movie) -> bool:
    """Removes ``user``'s rating of ``movie``; False if there was none."""
    with person_lock(user):
        deleted, _ = Rating.objects.filter(user=user, movie=movie).delete()
    return deleted > 0


@dataclass(frozen=True, slots=True)
class NewRating:
    movie_id: int
    value: float
    rated_at: datetime | None = None  # when they rated it elsewhere; None, or a moment to come, counts as now


@dataclass(frozen=True, slots=True)
class RatingBefore:
    """What stood where a rating was written; None where there was none."""

    movie_id: int
    value: float | None
    rated_at: datetime | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingsWritten:
    at: datetime  # changed_at of all of them
    before: list[RatingBefore]  # one per film written


_BATCH = 500


def rate_movies(*, user: User, ratings: Iterable[NewRating]) -> RatingsWritten:
    """The same as ``rate_movie`` for one after the other, in one transaction and few queries.

    Films that are not there (any more) are left out. Raises InvalidRating, and then nothing is written.
    """
    wanted: dict[int, NewRating] = {}
    for new in ratings:
        if isinstance(new.value, bool) or new.value not in RATING_VALUES:
            raise InvalidRating(f"{new.value!r} is not a rating from 0.5 to 5 in steps of 0.5.")
        # The first of several makes the row and so says when it was rated; the last says how.
        first = wanted.setdefault(new.movie_id, new)
        wanted[new.movie_id] = NewRating(new.movie_id, float(new.value), first.rated_at)
    with person_lock(user):
        now = timezone.now()  # as above
        ids = sorted(wanted)
        there: set[int] = set()
        for start in range(0, len(ids), _BATCH):
            there.update(
                Movie.objects.filter(pk__in=ids[start : start + _BATCH]).order_by().values_list("pk", flat=True)
            )
        mine = {row[0]: row for row in _rows_of(user) if row[0] in there}
        rows = [
            Rating(
                user=user,
                movie_id=new.movie_id,
                value=new.value,
                rated_at=now if new.rated_at is None else min(new.rated_at, now),
                changed_at=now,
            )
            for new in wanted.values()
            if new.movie_id in there
        ]
        Rating.objects.bulk_create(
            rows,
            batch_size=_BATCH,
            update_conflicts=True,
            unique_fields=["user", "movie"],
            update_fields=["value", "changed_at"],
        )
    before = [RatingBefore(*mine.get(row.movie_id, (row.movie_id, None, None, None))) for row in rows]
    return RatingsWritten(at=now, before=before)


def _rows_of(user: User) -> list[tuple[int, float, datetime, datetime]]:
    return list(Rating.objects.of(user).order_by().values_list("movie_id", "value", "rated_at", "changed_at"))


def restore_ratings(*, user: User, written: RatingsWritten) -> int:
    """Takes ``written`` back: everything is exactly as it was, except what was rated again or removed since, which
    stays. The number of films that were put back."""
    before = {row.movie_id: row for row in written.before}
    with person_lock(user):
        untouched = [row for row in Rating.objects.of(user).filter(changed_at=written.at) if row.movie_id in before]
        new, old = [], []
        for rating in untouched:
            was = before[rating.movie_id]
            if was.value is None or was.rated_at is None or was.changed_at is None:
                new.append(rating.pk)
            else:
                rating.value, rating.rated_at, rating.changed_at = was.value, was.rated_at, was.changed_at
                old.append(rating)
        for start in range(0, len(new), _BATCH):
            Rating.objects.filter(pk__in=new[start : start + _BATCH]).delete()
        Rating.objects.bulk_update(old, ["value", "rated_at", "changed_at"], batch_size=100)
    return len(untouched)
