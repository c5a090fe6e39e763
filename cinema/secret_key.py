"""The key that sessions, tokens of forms, tasks and cached values are signed with. Read by the settings."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def secret_key(folder: Path, *, production: bool) -> str:
    """SECRET_KEY of the environment; on a machine of one's own, a random one kept in ``folder``/secret_key.

    Raises ImproperlyConfigured.
    """
    if key := os.environ.get("SECRET_KEY", ""):
        if production and len(key) < 50:
            raise ImproperlyConfigured("SECRET_KEY is too short for production: use 50 random characters or more.")
        return key
    if production:
        raise ImproperlyConfigured("CINEMA_PRODUCTION is on and SECRET_KEY is not set: give it 50 random characters.")
    path = folder / "secret_key"
    if not path.exists():
        _make(path)
    key = path.read_text().strip()
    if len(key) < 50:
        raise ImproperlyConfigured(f"{path} does not hold a key of 50 characters. Delete it to get a new one.")
    return key


def _make(path: Path) -> None:
    """Under its name only when it is whole: another process, on another host even, may start at this moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    # The mode is set on creation: there is no moment at which another user could read the key.
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(50))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:  # somebody was first
        pass
    except OSError:  # a file system without hard links
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
