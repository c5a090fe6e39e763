"""What ``manage.py check`` says of this machine, before somebody finds out at night."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connection

# Files that nobody but the owner may read.
_SECRETS = ("secret_key", "credentials.json")


@register
def var_is_writable(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """The site serves without it, but nothing can be trained or rated."""
    folders = [Path(settings.VAR_DIR), Path(settings.ARTIFACTS_DIR)]
    return [
        Warning(
            f"{folder} cannot be written.",
            hint="Trainings and, with SQLite, ratings will fail. Give the site's user write access.",
            id="cinema.W001",
        )
        for folder in folders
        if folder.exists() and not os.access(folder, os.W_OK)
    ]


@register
def secrets_are_private(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Others on the machine could sign cookies or sign in."""
    exposed: list[CheckMessage] = []
    for name in _SECRETS:
        path = Path(settings.SHARED_DIR) / name
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            exposed.append(Warning(f"{path} can be read by others.", hint=f"Run: chmod 600 {path}", id="cinema.W002"))
    return exposed


@register
def queue_never_redelivers(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """A task that outlives ``retry`` is delivered a second time while the first still runs."""
    cluster: dict[str, Any] = settings.Q_CLUSTER
    if cluster["retry"] > 2 * cluster["timeout"] and cluster["max_attempts"] == 1:
        return []
    return [
        Warning(
            "Q_CLUSTER may deliver a training twice.",
            hint="Keep retry far above timeout, and max_attempts at 1: runs are settled by mlops.runs.",
            id="cinema.W003",
        )
    ]


@register
def several_hosts_share_a_database(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """An SQLite file on a network file system loses what it acknowledged."""
    if settings.SHARED_DIR == settings.VAR_DIR or connection.vendor != "sqlite":
        return []
    return [
        Warning(
            "CINEMA_SHARED is set, and the database is SQLite, which is for one host.",
            hint="Set DATABASE_URL to a PostgreSQL database that all hosts use.",
            id="cinema.W004",
        )
    ]


@register(Tags.security, deploy=True)
def redis_asks_for_a_password(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Who can write there can lift every limit."""
    parts = urlsplit(settings.REDIS_URL)
    if not parts.hostname or parts.password or parts.hostname in {"localhost", "127.0.0.1", "::1"}:
        return []
    return [
        Warning(
            "REDIS_URL names a Redis on another machine, without a password.",
            hint="Set requirepass there, and REDIS_URL to redis://:password@host:6379/0.",
            id="cinema.W005",
        )
    ]
