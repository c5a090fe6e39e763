"""Films, people, their ratings and what else they keep."""

from __future__ import annotations

from cinema.models.catalogue import MIN_PEOPLE, Genre, Movie, MovieQuerySet
from cinema.models.controls import CONTROL_RANGES, SINCE_RANGE, ListControls
from cinema.models.library import HiddenMovie
from cinema.models.people import MAX_DISCOVERIES, User, UserManager
from cinema.models.ratings import RATING_VALUES, Rating, RatingQuerySet
from cinema.models.throttle import ThrottleCount

__all__ = [
    "CONTROL_RANGES",
    "MAX_DISCOVERIES",
    "MIN_PEOPLE",
    "RATING_VALUES",
    "SINCE_RANGE",
    "Genre",
    "HiddenMovie",
    "ListControls",
    "Movie",
    "MovieQuerySet",
    "Rating",
    "RatingQuerySet",
    "ThrottleCount",
    "User",
    "UserManager",
]
