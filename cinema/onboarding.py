"""The first questions: the only way in which their state is written. Answers are ratings, and go through
``cinema.ratings``."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from cinema.models import FirstMinutes, Movie, Rating, UnseenMovie, User
from cinema.person_lock import person_lock


def pick_films(*, user: User, movie_ids: Iterable[int]) -> FirstMinutes:
    """Keeps the films of the groups that ``user`` picked, none too, and that they have begun."""
    return _changed(user, liked_films=sorted(set(movie_ids)), skipped_at=None)


def skip(*, user: User) -> FirstMinutes:
    """They do not want to be asked now. They can go on at any time."""
    return _changed(user, skipped_at=timezone.now())


def finish(*, user: User) -> FirstMinutes:
    """Their first list is there. Later ones do not change when that was."""
    return _changed(user, finished_at=timezone.now()) if _unfinished(user) else FirstMinutes.objects.get(user=user)


def say_unseen(*, user: User, movie: Movie) -> bool:
    """``user`` has not seen ``movie``; False if they have rated it, which says more."""
    with person_lock(user):
        if Rating.objects.of(user).filter(movie=movie).exists():
            return False
        said = UnseenMovie(user=user, movie=movie, said_at=timezone.now())
        UnseenMovie.objects.bulk_create([said], ignore_conflicts=True)  # what was said before stays
    return True


def take_back_unseen(*, user: User, movie: Movie) -> bool:
    """The film may be asked about again; False if nothing was said of it."""
    deleted, _ = UnseenMovie.objects.of(user).filter(movie=movie).delete()
    return deleted > 0


def _unfinished(user: User) -> bool:
    return not FirstMinutes.objects.filter(user=user, finished_at__isnull=False).exists()


def _changed(user: User, **values: object) -> FirstMinutes:
    with person_lock(user):
        state, _ = FirstMinutes.objects.update_or_create(
            user=user, defaults=values, create_defaults={"started_at": timezone.now(), **values}
        )
    return state
