"""A person's API tokens: made, shown once, revoked. Only digests are kept."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from knox.models import AuthToken

from cinema import audit
from cinema.credentials import forget_token
from cinema.models import User

MAX_TOKENS = 20  # of one person that are valid
# So many characters of a token are kept readable, enough to tell which one it is.
SHOWN = 8


class TooManyTokens(Exception):
    """MAX_TOKENS are valid already."""


def valid_tokens(user: User) -> QuerySet[AuthToken]:
    """Newest first."""
    in_time = Q(expiry__isnull=True) | Q(expiry__gt=timezone.now())
    found: QuerySet[AuthToken] = AuthToken.objects.filter(in_time, user=user).order_by("-created")
    return found


@transaction.atomic
def make_token(*, user: User, days: int) -> str:
    """The token itself, which is kept nowhere. Raises TooManyTokens."""
    # Locked, or two at once could both be the last one allowed.
    User.objects.select_for_update().get(pk=user.pk)
    AuthToken.objects.filter(user=user, expiry__lte=timezone.now()).delete()
    if valid_tokens(user).count() >= MAX_TOKENS:
        raise TooManyTokens
    _, token = AuthToken.objects.create(user, expiry=timedelta(days=days))
    audit.record(audit.Action.TOKEN, actor=user, subject=f"{days} days")
    return str(token)


@transaction.atomic
def revoke(*, user: User, beginning: str | None = None) -> int:
    """Revokes the token with this beginning, or all. How many there were."""
    tokens = AuthToken.objects.filter(user=user)
    if beginning is not None:
        tokens = tokens.filter(token_key=beginning)
    gone = list(tokens)
    for token in gone:
        forget_token(token, user.get_username())
        token.delete()
    if gone:
        audit.record(audit.Action.REVOKE, actor=user, subject=f"{len(gone)}")
    return len(gone)
