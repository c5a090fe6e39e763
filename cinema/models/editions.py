"""Editions: numbers drawn anew whenever something changes, so that what was made from it can be told to be out of date.

Drawn by chance, not counted: a number never comes back, neither after a roll-back nor from a backup.
"""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q


def new_edition() -> int:
    return secrets.randbits(62)


class CatalogueEdition(models.Model):
    """The one row that says whether films or genres are as they were. Changed by ``cinema.catalogue_edition``."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    number = models.BigIntegerField(default=new_edition)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="only_one_catalogue_edition")]

    def __str__(self) -> str:
        return f"edition {self.number}"
