"""What the very first start makes: an administrator and a demo viewer, with passwords that nobody chose."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from knox.models import AuthToken

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


def credentials_path() -> Path:
    return Path(settings.VAR_DIR) / "credentials.json"


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
        _write_private(credentials_path(), json.dumps({role: one.as_dict() for role, one in made.items()}, indent=1))
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


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
