"""Who cannot get in and asked for help."""

from __future__ import annotations

from django.db import models


class ResetRequest(models.Model):
    """Somebody typed ``name`` where one says that one has forgotten the password. There may be no such account:
    the row is written all the same, so that neither the answer nor its time tells."""

    name = models.CharField(max_length=150, unique=True)
    asked_at = models.DateTimeField()

    class Meta:
        ordering = ["-asked_at"]
        verbose_name = "forgotten password"

    def __str__(self) -> str:
        return self.name
