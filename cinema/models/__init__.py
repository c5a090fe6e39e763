"""Films, people, their ratings and what else they keep."""

from __future__ import annotations

from cinema.models.catalogue import MIN_PEOPLE, Genre, Movie, MovieQuerySet
from cinema.models.library import HiddenMovie
from cinema.models.nights import (
    MAX_NAME_LENGTH,
    MAX_PARTICIPANTS,
    NIGHT_LIFETIME,
    VETOES_EACH,
    Night,
    NightParticipant,
    NightPick,
    NightQuerySet,
    NightRating,
    NightVeto,
)
from cinema.models.people import MAX_DISCOVERIES, User, UserManager
from cinema.models.ratings import RATING_VALUES, Rating, RatingQuerySet
from cinema.models.throttle import ThrottleCount

__all__ = [
    "MAX_DISCOVERIES",
    "MAX_NAME_LENGTH",
    "MAX_PARTICIPANTS",
    "MIN_PEOPLE",
    "NIGHT_LIFETIME",
    "RATING_VALUES",
    "VETOES_EACH",
    "Genre",
    "HiddenMovie",
    "Movie",
    "MovieQuerySet",
    "Night",
    "NightParticipant",
    "NightPick",
    "NightQuerySet",
    "NightRating",
    "NightVeto",
    "Rating",
    "RatingQuerySet",
    "ThrottleCount",
    "User",
    "UserManager",
]
