"""``var/credentials.json``: the first start's passwords and API tokens, for as long as they are the valid ones."""

from __future__ import annotations

import json
import logging
import os
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from knox.models import AuthToken
from knox.settings import CONSTANTS

from cinema.models import User

logger = logging.getLogger(__name__)


def credentials_path() -> Path:
    return Path(settings.SHARED_DIR) / "credentials.json"


def write_credentials(roles: dict[str, dict[str, str]]) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path = credentials_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(roles, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


class FirstPasswordWatch:
    """One of AUTH_PASSWORD_VALIDATORS, since Django tells those of every change, whoever makes it and wherever.

    A password that is no longer valid has no business in a file; nor has a new one.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Refuses nothing."""

    def get_help_text(self) -> str:
        return ""

    def password_changed(self, password: str, user: User | None = None) -> None:
        if user is not None:
            transaction.on_commit(partial(_forget, user.get_username(), "password", unless=password))


def forget_token(token: AuthToken, username: str) -> None:
    """Takes a revoked token out of the file, once the revocation is certain."""
    transaction.on_commit(partial(_forget, username, "token", beginning=token.token_key))


def _forget(username: str, field: str, *, unless: str | None = None, beginning: str = "") -> None:
    """Removes ``field`` of the account from the file, unless it is still ``unless``; only what has this beginning."""
    try:
        roles: dict[str, dict[str, Any]] = json.loads(credentials_path().read_text())
        left = {
            role: {
                key: value
                for key, value in one.items()
                if not (
                    key == field
                    and one.get("username") == username
                    and value != unless
                    and value[: CONSTANTS.TOKEN_KEY_LENGTH].startswith(beginning)
                )
            }
            for role, one in roles.items()
        }
        if left != roles:
            write_credentials(left)
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError) as error:
        logger.warning("%s could not be brought up to date: %s", credentials_path(), type(error).__name__)
