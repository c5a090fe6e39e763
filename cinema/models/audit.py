"""What was done to the site, by whom in what role, for good."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models


class AppendOnly(Exception):
    """The audit log only grows."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The audit log is append-only.")

    def delete(self) -> NoReturn:
        raise AppendOnly("The audit log is append-only.")


class AuditEntry(models.Model):
    """One act. The person behind it goes with their account; what was done, when and in what role stays.

    ``subject``, ``before`` and ``after`` name versions, runs and files' kinds, never people.
    """

    class Action(models.TextChoices):
        TRAIN = "train", "training asked for"
        CANCEL = "cancel", "training cancelled"
        ACTIVATE = "activate", "version activated"
        ROLLBACK = "rollback", "rolled back"
        EXPERIMENT = "experiment", "experiment changed"
        FORGET_LISTS = "forget-lists", "log of lists taken away"
        IMPORT = "import", "ratings imported"
        EXPORT = "export", "data exported"
        SIGN_IN = "sign-in", "signed in"
        LOCKOUT = "lockout", "locked out after wrong passwords"
        PASSWORD = "password", "password changed"
        RESET_LINK = "reset-link", "reset link handed out"
        TOKEN = "token", "API token made"
        REVOKE = "revoke", "API tokens revoked"
        DELETE_ACCOUNT = "delete-account", "account deleted"

    class Role(models.TextChoices):
        STAFF = "staff", "staff"
        MEMBER = "member", "member"
        TERMINAL = "terminal", "at the terminal"
        SITE = "site", "the site itself"
        STRANGER = "stranger", "not signed in"

    action = models.CharField(max_length=16, choices=Action.choices)
    role = models.CharField(max_length=8, choices=Role.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    subject = models.CharField(max_length=200, blank=True, default="")
    before = models.CharField(max_length=100, blank=True, default="")
    after = models.CharField(max_length=100, blank=True, default="")
    done = models.BooleanField(default=True)  # False: it was refused
    at = models.DateTimeField(db_index=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "audit log"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.role} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise AppendOnly("The audit log is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The audit log is append-only.")
