"""Hiding films and taking that back: the only way it is written."""

from __future__ import annotations

from django.utils import timezone

from cinema.models import HiddenMovie, Movie, User


def hide_movie(*, user: User, movie: Movie, reason: str = HiddenMovie.Reason.FILM) -> HiddenMovie:
    """``user`` is not shown ``movie`` any more. Hiding it again changes the reason alone."""
    hidden, _ = HiddenMovie.objects.update_or_create(
        user=user,
        movie=movie,
        defaults={"reason": HiddenMovie.Reason(reason)},
        create_defaults={"reason": HiddenMovie.Reason(reason), "hidden_at": timezone.now()},
    )
    return hidden


def unhide_movie(*, user: User, movie: Movie) -> bool:
    """Lists may hold the film again; False if it was not hidden."""
    deleted, _ = HiddenMovie.objects.filter(user=user, movie=movie).delete()
    return deleted > 0
