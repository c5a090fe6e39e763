"""Ratings somebody plays with: read from an address or a form, where each changed film is ``film-ID=stars``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.http import QueryDict

from cinema.api_fields import ID_PATTERN
from cinema.models import RATING_VALUES

MAX_CHANGES = 20
UNRATED = "none"  # the value for a rating that is taken back
_NAME = re.compile(f"film-({ID_PATTERN})")
_STARS = {f"{value:.1f}": value for value in RATING_VALUES}


@dataclass(frozen=True)
class RatingChanges:
    """``stars``: by film id, ascending; None takes a rating back."""

    stars: dict[int, float | None]
    malformed: bool = False  # something was no rating
    too_many: bool = False  # only the first MAX_CHANGES are here
    unclean: bool = False  # the address holds films that are left as they are

    @classmethod
    def of(cls, data: QueryDict) -> Self:
        stars: dict[int, float | None] = {}
        malformed = unclean = False
        for name in data:
            if not name.startswith("film-"):
                continue
            match, value = _NAME.fullmatch(name), data[name]
            if value == "":
                unclean = True
            elif match is None or (value != UNRATED and value not in _STARS):
                malformed = True
            else:
                stars[int(match[1])] = _STARS.get(value)
        kept = dict(sorted(stars.items())[:MAX_CHANGES])
        return cls(kept, malformed, too_many=len(stars) > len(kept), unclean=unclean)

    def against(self, ratings: Mapping[int, float]) -> dict[int, float | None]:
        """Those that differ from the person's present ``ratings``."""
        return {movie_id: value for movie_id, value in self.stars.items() if ratings.get(movie_id) != value}


def as_query(changes: Mapping[int, float | None], **more: str) -> str:
    """The part of an address that says the same."""
    named = {f"film-{movie_id}": as_text(value) for movie_id, value in changes.items()}
    return urlencode(named | {name: value for name, value in more.items() if value})


def as_text(value: float | None) -> str:
    return UNRATED if value is None else f"{value:.1f}"
