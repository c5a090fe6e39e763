"""What the very first start makes: an administrator and a demo viewer, with passwords that nobody chose."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction
from knox.models import AuthToken

from cinema.credentials import write_credentials
from cinema.importing.formats import DEMO_SOURCE
from cinema.models import Movie, User
from cinema.ratings import rate_movie

ADMIN = "admin"
VIEWER = "viewer"

# The demo viewer's dozen, in the order of rating: MovieLens ids of the demo catalogue, somebody who likes to think in
# the dark.
VIEWER_RATINGS = {
    1721: 1.5,  # Titanic
    597: 2.0,  # Pretty Woman
    356: 2.5,  # Forrest Gump
    2858: 4.0,  # American Beauty
    608: 4.0,  # Fargo
    589: 4.5,  # Terminator 2
    32: 4.5,  # Twelve Monkeys
    260: 4.5,  # Star Wars: Episode IV
    2571: 5.0,  # The Matrix
    7361: 5.0,  # Eternal Sunshine of the Spotless Mind
    1214: 4.5,  # Alien
    541: 5.0,  # Blade Runner
}


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    password: str
    token: str

    def as_dict(self) -> dict[str, str]:
        return {"username": self.username, "password": self.password, "token": self.token}


def ensure_accounts() -> dict[str, Account]:
    """Makes both accounts if nobody can sign in yet, and keeps their passwords and tokens in var/credentials.json.

    Returns what was made, by role; nothing if there were accounts already.
    """
    with transaction.atomic():
        if User.objects.people().exists():
            return {}
        made = {
            "admin": _make(ADMIN, is_staff=True, is_superuser=True),
            "viewer": _make(VIEWER, is_staff=False, is_superuser=False),
        }
        _rate_as_viewer()
        # Inside the transaction: without the file nobody could use the accounts, so they should not exist either.
        write_credentials({role: one.as_dict() for role, one in made.items()})
    return made


def _make(username: str, *, is_staff: bool, is_superuser: bool) -> Account:
    password = secrets.token_urlsafe(15)
    user = User.objects.create_user(username, password=password, is_staff=is_staff, is_superuser=is_superuser)
    _, token = AuthToken.objects.create(user, expiry=None)
    return Account(username, password, token)


def _rate_as_viewer() -> None:
    """Only in the demo catalogue: elsewhere these ids are other films."""
    viewer = User.objects.get(username=VIEWER)
    for movie in Movie.objects.filter(source=DEMO_SOURCE, pk__in=VIEWER_RATINGS):
        rate_movie(user=viewer, movie=movie, value=VIEWER_RATINGS[movie.pk])
