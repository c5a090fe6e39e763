"""What an operator sets once and everybody obeys: one row per policy, and its defaults where nobody has set it."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q


class Policy(models.Model):
    """A table of one row. Reading it never writes: without a row, the fields' defaults hold."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)

    class Meta:
        abstract = True
        constraints = [models.CheckConstraint(condition=Q(id=1), name="only_one_%(class)s")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @classmethod
    def current(cls) -> Self:
        return cls._default_manager.filter(pk=1).first() or cls()
