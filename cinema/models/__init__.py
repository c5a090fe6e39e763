"""Films, people, their ratings and what else they keep."""

from __future__ import annotations

from cinema.models.catalogue import MIN_PEOPLE, Genre, Movie, MovieArt, MovieQuerySet
from cinema.models.imports import PendingImport
from cinema.models.library import HiddenMovie
from cinema.models.onboarding import FirstMinutes, UnseenMovie
from cinema.models.people import MAX_DISCOVERIES, User, UserManager
from cinema.models.ratings import RATING_VALUES, Rating, RatingQuerySet
from cinema.models.throttle import ThrottleCount

__all__ = [
    "MAX_DISCOVERIES",
    "MIN_PEOPLE",
    "RATING_VALUES",
    "FirstMinutes",
    "Genre",
    "HiddenMovie",
    "Movie",
    "MovieArt",
    "MovieQuerySet",
    "PendingImport",
    "Rating",
    "RatingQuerySet",
    "ThrottleCount",
    "UnseenMovie",
    "User",
    "UserManager",
]
