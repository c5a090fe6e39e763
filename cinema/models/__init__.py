"""Films, people, their ratings and what else they keep."""

from __future__ import annotations

from cinema.models.audit import AppendOnly, AuditEntry
from cinema.models.catalogue import MIN_PEOPLE, Genre, Movie, MovieArt, MovieQuerySet
from cinema.models.controls import CONTROL_RANGES, SINCE_RANGE, ListControls
from cinema.models.editions import CatalogueEdition, new_edition
from cinema.models.imports import PendingImport
from cinema.models.library import HiddenMovie, ShelfEntry
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
from cinema.models.onboarding import FirstMinutes, UnseenMovie
from cinema.models.people import MAX_DISCOVERIES, User, UserManager
from cinema.models.rating_counts import RatingCount
from cinema.models.ratings import RATING_VALUES, Rating, RatingQuerySet
from cinema.models.reset_requests import ResetRequest
from cinema.models.reviews import MAX_REVIEW, Review, ReviewReport
from cinema.models.throttle import ThrottleCount

__all__ = [
    "CONTROL_RANGES",
    "MAX_DISCOVERIES",
    "MAX_NAME_LENGTH",
    "MAX_PARTICIPANTS",
    "MAX_REVIEW",
    "MIN_PEOPLE",
    "NIGHT_LIFETIME",
    "RATING_VALUES",
    "SINCE_RANGE",
    "VETOES_EACH",
    "AppendOnly",
    "AuditEntry",
    "CatalogueEdition",
    "FirstMinutes",
    "Genre",
    "HiddenMovie",
    "ListControls",
    "Movie",
    "MovieArt",
    "MovieQuerySet",
    "Night",
    "NightParticipant",
    "NightPick",
    "NightQuerySet",
    "NightRating",
    "NightVeto",
    "PendingImport",
    "Rating",
    "RatingCount",
    "RatingQuerySet",
    "ResetRequest",
    "Review",
    "ReviewReport",
    "ShelfEntry",
    "ThrottleCount",
    "UnseenMovie",
    "User",
    "UserManager",
    "new_edition",
]
