"""Deleting an account: the only way in which a person's own wish to be gone is carried out."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken

from cinema import audit, lockout
from cinema.models import ResetRequest, ThrottleCount, User


class NotConfirmed(Exception):
    """``errors`` maps "username" and "password" to what is wrong with them."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(str(errors))
        self.errors = errors


class LastSuperuser(Exception):
    """Nobody would be left who can give rights."""

    message = _("You are the last administrator. Make somebody else one first, or nobody could look after the site.")


def confirm_deletion(*, user: User, username: str, password: str) -> None:
    """Raises NotConfirmed unless both are those of ``user``."""
    errors = {}
    if username != user.get_username():
        errors["username"] = str(_("This is not your user name. Mind capitals."))
    if not user.check_password(password):
        errors["password"] = str(_("This is not your password."))
    if errors:
        raise NotConfirmed(errors)


def is_last_superuser(user: User) -> bool:
    """``user`` is the only active one left."""
    if not (user.is_superuser and user.is_active):
        return False
    return not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk).exists()


@transaction.atomic
def delete_account(*, user: User, by: User | None = None) -> None:
    """Removes the account and every row that names it, all or nothing. ``by``: staff, where it is not the person's own
    wish. Raises LastSuperuser.

    Logs of the site (activations, trainings, the administration's) keep their entries without the name.
    """
    # Locked: of two last superusers who go at once, one stays; and nobody rates meanwhile under this account.
    list(User.objects.select_for_update().filter(Q(pk=user.pk) | Q(is_superuser=True, is_active=True)).order_by("pk"))
    person = User.objects.filter(pk=user.pk).first()
    if person is None:  # gone already, by another request
        return
    if is_last_superuser(person):
        raise LastSuperuser
    _forget_sessions(person)
    _forget_throttles(person)
    _forget_names_in_logs(person)
    lockout.forget(person)
    ResetRequest.objects.filter(name=lockout.normal_name(person.get_username())).delete()
    role = audit.Role.STAFF if person.is_staff else audit.Role.MEMBER
    person.delete()  # and by cascade all that is theirs, tokens too
    audit.record(audit.Action.DELETE_ACCOUNT, actor=by, role=None if by else role)


def _forget_sessions(person: User) -> None:
    """Signs them out everywhere. Sessions are opaque to queries, so those that still count are read one by one."""
    now = timezone.now()
    Session.objects.filter(expire_date__lte=now).delete()  # theirs may be among them
    # Keys first: deleting while a cursor is open over the same table is asking for trouble.
    theirs = [
        session.pk
        for session in Session.objects.filter(expire_date__gt=now).iterator()
        if session.get_decoded().get("_auth_user_id") == str(person.pk)
    ]
    for start in range(0, len(theirs), 500):
        Session.objects.filter(pk__in=theirs[start : start + 500]).delete()


def _forget_throttles(person: User) -> None:
    # Keys are a person's id, an address, or the name that was typed in.
    name = lockout.normal_name(person.get_username())
    ThrottleCount.objects.filter(Q(key=str(person.pk)) | Q(scope="sign-in-name", key=name)).delete()


def _forget_names_in_logs(person: User) -> None:
    types = ContentType.objects.get_for_models(User, AuthToken)
    about = Q(content_type=types[User], object_id=str(person.pk))
    # A token calls itself "digest : name", and no name holds a space or a colon.
    about |= Q(content_type=types[AuthToken], object_repr__endswith=f" : {person.get_username()}")
    LogEntry.objects.filter(about).update(object_repr="", object_id=None)
