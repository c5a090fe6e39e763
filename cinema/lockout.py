"""Who is locked out after too many wrong passwords: what django-axes needs to know of a request, and for how long."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

from cinema.models import User
from cinema.throttling import client_address

MAX_NAME = 150  # characters; no account has a longer name


def address_of(request: HttpRequest) -> str | None:
    """AXES_CLIENT_IP_CALLABLE. None where the server was not told an address, as behind a Unix socket."""
    try:
        return str(ipaddress.ip_address(client_address(request.META)))
    except ValueError:
        return None


def name_of(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """AXES_USERNAME_CALLABLE. Capitals and spaces make no new name, or each spelling would have its own five tries."""
    return normal_name((credentials or request.POST).get("username") or "")


def normal_name(name: str) -> str:
    """A name as attempts are counted by it; PostgreSQL keeps no NUL."""
    return name.strip().casefold().replace("\0", "\ufffd")[:MAX_NAME]


def retry_after(request: HttpRequest, name: str) -> int:
    """Seconds until the door opens again."""
    attempts = AccessAttempt.objects.filter(username=normal_name(name), ip_address=address_of(request))
    last = attempts.aggregate(last=Max("attempt_time"))["last"]
    if last is None:
        return 1
    return max(1, int((last + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()) + 1)


def forget(person: User) -> None:
    """Attempts with the person's name."""
    AccessAttempt.objects.filter(username=normal_name(person.get_username())).delete()
