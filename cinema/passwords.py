"""Forgotten passwords: who asked for help, and the link that an operator hands out.

A box at home may have no mail, so the operator is the messenger: by command, or in the administration.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from cinema import audit
from cinema.lockout import normal_name
from cinema.models import ResetRequest, User

KEPT = timedelta(days=7)
# So many requests wait at most; somebody who types in names without end pushes out the oldest.
MAX_WAITING = 200


class NoSuchAccount(Exception):
    """Nobody with this name can sign in."""


def ask_for_help(name: str) -> None:
    """Notes that ``name`` wants in, whether or not there is such an account."""
    now = timezone.now()
    with transaction.atomic():
        ResetRequest.objects.update_or_create(name=normal_name(name), defaults={"asked_at": now})
        ResetRequest.objects.filter(asked_at__lt=now - KEPT).delete()
        if oldest := ResetRequest.objects.values_list("asked_at", flat=True)[MAX_WAITING - 1 : MAX_WAITING]:
            ResetRequest.objects.filter(asked_at__lt=oldest[0]).delete()


def account_named(name: str) -> User:
    """The account of somebody who can sign in, capitals aside. Raises NoSuchAccount."""
    found = User.objects.people().filter(username__iexact=name.strip(), is_active=True)[:2]
    if len(found) != 1:
        raise NoSuchAccount
    return found[0]


def reset_path(user: User, *, operator: User | None) -> str:
    """The path of a page on which ``user`` chooses a new password: once, within settings.PASSWORD_RESET_TIMEOUT.

    It is void as soon as the password changes or the person signs in.
    """
    with transaction.atomic():
        audit.record(audit.Action.RESET_LINK, actor=operator)
        ResetRequest.objects.filter(name=normal_name(user.get_username())).delete()
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("cinema:reset-password", args=[uid, default_token_generator.make_token(user)])
