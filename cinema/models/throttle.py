"""How often somebody did something."""

from __future__ import annotations

from django.db import models


class ThrottleCount(models.Model):
    """How often ``key`` did ``scope`` in the minute that began at ``window``. In the database, so that all
    processes count together."""

    scope = models.CharField(max_length=20)
    key = models.CharField(max_length=200)
    window = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key", "window"], name="unique_throttle_window")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}: {self.count}"
