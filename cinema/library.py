"""Shelves and hidden films: the only way they are written."""

from __future__ import annotations

from django.utils import timezone

from cinema.models import HiddenMovie, Movie, ShelfEntry, User
from cinema.person_lock import person_lock


def put_on_shelf(*, user: User, movie: Movie, shelf: ShelfEntry.Shelf) -> bool:
    """False if it stood there already."""
    with person_lock(user):
        _, created = ShelfEntry.objects.get_or_create(
            user=user, movie=movie, shelf=shelf, defaults={"added_at": timezone.now()}
        )
    return created


def take_off_shelf(*, user: User, movie: Movie, shelf: ShelfEntry.Shelf) -> bool:
    """False if it did not stand there."""
    with person_lock(user):
        deleted, _ = ShelfEntry.objects.filter(user=user, movie=movie, shelf=shelf).delete()
    return deleted > 0


def hide_movie(*, user: User, movie: Movie, reason: str = HiddenMovie.Reason.FILM) -> HiddenMovie:
    """``user`` is not shown ``movie`` any more. Hiding it again changes the reason alone."""
    with person_lock(user):
        hidden, _ = HiddenMovie.objects.update_or_create(
            user=user,
            movie=movie,
            defaults={"reason": HiddenMovie.Reason(reason)},
            create_defaults={"reason": HiddenMovie.Reason(reason), "hidden_at": timezone.now()},
        )
    return hidden


def unhide_movie(*, user: User, movie: Movie) -> bool:
    """Lists may hold the film again; False if it was not hidden."""
    with person_lock(user):
        deleted, _ = HiddenMovie.objects.filter(user=user, movie=movie).delete()
    return deleted > 0
