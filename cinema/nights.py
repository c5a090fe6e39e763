"""Opening, joining and closing movie nights, vetoes and picks: the only way they are written.

Every change counts the room's ``revision`` up, by which pages know whether they are current. Changes that count first
lock the room, so that two at once cannot both be the eighth participant or the second veto. Where the room was closed
or the participant removed meanwhile, they raise Night.DoesNotExist or NightParticipant.DoesNotExist.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from cinema.models import (
    MAX_PARTICIPANTS,
    NIGHT_LIFETIME,
    VETOES_EACH,
    Movie,
    Night,
    NightParticipant,
    NightPick,
    NightRating,
    NightVeto,
    User,
)

# No letter or digit that is taken for another one when read out.
CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 6
MAX_OPEN_NIGHTS = 5  # of one host
MAX_PICKS = 50  # more than anybody can watch before the room expires


class NightFull(Exception):
    """The room holds as many as it can."""


class NameTaken(Exception):
    """Somebody in the room is called that already."""


class NoVetoLeft(Exception):
    """The participant has used all vetoes."""


class TooManyNights(Exception):
    """The host has as many rooms open as one account may have."""


class TooManyPicks(Exception):
    """The room remembers no more films."""


def new_code() -> str:
    """31⁶, nearly a thousand million codes: with a few hundred rooms open and lookups limited, guessing is hopeless."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def open_night(*, host: User, name: str) -> Night:
    """A room with ``host`` in it, under the display name ``name``. Raises TooManyNights."""
    delete_expired_nights()
    now = timezone.now()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=host.pk)
        if Night.objects.open(now).filter(host=host).count() >= MAX_OPEN_NIGHTS:
            raise TooManyNights
        night = Night.objects.create(
            host=host,
            token=secrets.token_urlsafe(24),
            code=_free_code(),
            opened_at=now,
            expires_at=now + NIGHT_LIFETIME,
        )
        NightParticipant.objects.create(night=night, user=host, name=name, joined_at=now)
    return night


def _free_code() -> str:
    code = new_code()
    while Night.objects.filter(code=code).exists():
        code = new_code()
    return code


def delete_expired_nights() -> int:
    """Deletes rooms past their time with everything in them; the number of rooms."""
    expired = Night.objects.expired()
    n_expired = expired.count()
    if n_expired:
        expired.delete()
    return n_expired


def close_night(*, night: Night) -> None:
    """The room and everything in it is gone at once."""
    night.delete()


def join_night(*, night: Night, name: str, user: User | None) -> NightParticipant:
    """``user``, or a guest if None, enters under the display name ``name``. An account that is inside already keeps
    its place. Raises NightFull, NameTaken, and Night.DoesNotExist if the room was closed meanwhile."""
    with transaction.atomic():
        _lock(night)
        inside = list(NightParticipant.objects.filter(night=night))
        if user is not None:
            for participant in inside:
                if participant.user_id == user.pk:
                    return participant
        if len(inside) >= MAX_PARTICIPANTS:
            raise NightFull
        if any(participant.name.casefold() == name.casefold() for participant in inside):
            raise NameTaken
        participant = NightParticipant.objects.create(
            night=night,
            user=user,
            name=name,
            guest_key="" if user is not None else secrets.token_urlsafe(24),
            joined_at=timezone.now(),
        )
        _changed(night)
    return participant


def leave_night(*, participant: NightParticipant) -> None:
    """Takes the participant out of the room with their vetoes and, of a guest, all ratings."""
    with transaction.atomic():
        _changed(participant.night)
        participant.delete()


def remove_participant(*, participant: NightParticipant) -> None:
    """The same by the host: link and code change too, or whoever was removed could come back by them."""
    night = participant.night
    with transaction.atomic():
        participant.delete()
        Night.objects.filter(pk=night.pk).update(token=secrets.token_urlsafe(24), code=_free_code())
        _changed(night)


def rate_as_guest(*, participant: NightParticipant, stars: Mapping[int, float | None]) -> int:
    """Keeps a guest's ratings by film id, None for a film that they have not seen; how many they have now given."""
    with transaction.atomic():
        _lock(participant.night, participant)
        unrated = [movie_id for movie_id, value in stars.items() if value is None]
        NightRating.objects.filter(participant=participant, movie_id__in=unrated).delete()
        for movie_id, value in stars.items():
            if value is not None:
                NightRating.objects.update_or_create(
                    participant=participant, movie_id=movie_id, defaults={"value": value}
                )
        _changed(participant.night)
        return NightRating.objects.filter(participant=participant).count()


def veto_movie(*, participant: NightParticipant, movie: Movie) -> int:
    """The film is gone from the room until the veto is taken back; vetoes left. Raises NoVetoLeft."""
    with transaction.atomic():
        _lock(participant.night, participant)
        used = NightVeto.objects.filter(participant=participant)
        if not used.filter(movie=movie).exists():
            if used.count() >= VETOES_EACH:
                raise NoVetoLeft
            NightVeto.objects.create(participant=participant, movie=movie)
            _changed(participant.night)
        return VETOES_EACH - used.count()


def take_veto_back(*, participant: NightParticipant, movie: Movie) -> bool:
    """False if it was not theirs."""
    with transaction.atomic():
        deleted, _ = NightVeto.objects.filter(participant=participant, movie=movie).delete()
        if deleted:
            _changed(participant.night)
    return deleted > 0


def pick_movie(*, night: Night, movie: Movie) -> bool:
    """The room watched the film; False if it was picked before. Raises TooManyPicks."""
    with transaction.atomic():
        _lock(night)
        if NightPick.objects.filter(night=night).count() >= MAX_PICKS:
            raise TooManyPicks
        _, created = NightPick.objects.get_or_create(night=night, movie=movie, defaults={"picked_at": timezone.now()})
        if created:
            _changed(night)
    return created


def take_pick_back(*, night: Night, movie: Movie) -> bool:
    """The room has not watched it after all; False if it was not picked."""
    with transaction.atomic():
        deleted, _ = NightPick.objects.filter(night=night, movie=movie).delete()
        if deleted:
            _changed(night)
    return deleted > 0


def allow_seen_movies(*, night: Night, allow: bool) -> None:
    """Whether the list may hold films that some, but not all, have seen."""
    night.allow_seen = allow
    with transaction.atomic():
        Night.objects.filter(pk=night.pk).update(allow_seen=allow)
        _changed(night)


def _lock(night: Night, participant: NightParticipant | None = None) -> None:
    """Holds off other changes of the room until the transaction ends. (SQLite locks the whole database anyway.)

    Raises Night.DoesNotExist or NightParticipant.DoesNotExist where either is gone meanwhile."""
    Night.objects.select_for_update().only("pk").get(pk=night.pk)
    if participant is not None:
        NightParticipant.objects.only("pk").get(pk=participant.pk)


def _changed(night: Night) -> None:
    Night.objects.filter(pk=night.pk).update(revision=F("revision") + 1)
