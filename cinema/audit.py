"""The audit log's one writer: what was done to the site, and by whom in what role.

Written where the thing is done, in the same transaction where there is one, so that neither can be there alone.
"""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.utils import timezone

from cinema.models import AuditEntry, User

Action = AuditEntry.Action
Role = AuditEntry.Role


def record(
    action: AuditEntry.Action,
    *,
    actor: User | AnonymousUser | None = None,
    role: AuditEntry.Role | None = None,
    subject: str = "",
    before: str = "",
    after: str = "",
    done: bool = True,
) -> None:
    """Adds an entry. Without ``role`` it is the actor's, and that of somebody at the terminal where there is none."""
    person = actor if isinstance(actor, User) else None
    AuditEntry.objects.create(
        action=action,
        role=role or _role_of(actor),
        actor=person,
        subject=subject[:200],
        before=before[:100],
        after=after[:100],
        done=done,
        at=timezone.now(),
    )


def _role_of(actor: User | AnonymousUser | None) -> AuditEntry.Role:
    if actor is None:
        return Role.TERMINAL
    if not actor.is_authenticated:
        return Role.STRANGER
    return Role.STAFF if actor.is_staff else Role.MEMBER


@receiver(user_logged_in, dispatch_uid="cinema.audit.signed_in")
def _signed_in(sender: Any, user: User, **kwargs: Any) -> None:
    record(Action.SIGN_IN, actor=user)


@receiver(user_locked_out, dispatch_uid="cinema.audit.locked_out")
def _locked_out(sender: Any, request: Any, **kwargs: Any) -> None:
    # Sent again for every further try; the log is not to grow with an attacker's patience.
    if request.axes_failures_since_start is not None:
        record(Action.LOCKOUT, role=Role.STRANGER, done=False)
