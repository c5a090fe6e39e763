"""Who rates films."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Q

from cinema.models.editions import new_edition

# Of ten places of a list, at most this many go to discoveries: what every version has prices for.
MAX_DISCOVERIES = 3


class UserManager(DjangoUserManager["User"]):
    def people(self) -> models.QuerySet[User]:
        """Those who can sign in, that is, who did not come from an import."""
        return self.filter(source="")


# Coarse, and only if they say so.
PLACES = ("home", "away", "on the way")


class User(AbstractUser):
    """Somebody who rates films: a person with an account, or one imported with a set of ratings.

    An imported person's name holds a colon, which no sign-up form accepts, and cannot sign in.
    """

    source = models.CharField(max_length=40, blank=True, default="", editable=False)
    source_id = models.BigIntegerField(null=True, blank=True, editable=False)
    # Places in ten that lists give to discoveries; null leaves the number to the live version.
    discovery = models.PositiveSmallIntegerField(
        "discoveries in ten",
        null=True,
        blank=True,
        choices=[(None, "auto"), (0, "none"), *((n, str(n)) for n in range(1, MAX_DISCOVERIES + 1))],
    )

    # Whether lists may go by the moment, and where they are, if they say so.
    uses_context = models.BooleanField("lists go by the moment", default=True)
    place = models.CharField(
        max_length=10, blank=True, default="", choices=[("", "not said"), *((name, name) for name in PLACES)]
    )

    # Another one whenever they write something: what was made for them holds for one edition.
    edition = models.BigIntegerField(default=new_edition, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], name="unique_user_source"),
            models.CheckConstraint(
                condition=Q(discovery__isnull=True) | Q(discovery__range=(0, MAX_DISCOVERIES)),
                name="discovery_within_its_range",
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Saved as a whole, a row that was read before somebody rated would bring their former edition back.
        if kwargs.get("update_fields") is None:
            self.edition = new_edition()
        super().save(*args, **kwargs)

    @property
    def is_imported(self) -> bool:
        return self.source != ""

    def choose_context(self, *, uses_context: bool, place: str) -> None:
        """Keeps whether lists go by the moment, and where the person says that they are. ValueError for no place."""
        if place and place not in PLACES:
            raise ValueError(f"{place!r} is none of {', '.join(PLACES)}.")
        if (self.uses_context, self.place) != (uses_context, place):
            self.uses_context, self.place, self.edition = uses_context, place, new_edition()
            self.save(update_fields=["uses_context", "place", "edition"])

    def choose_discovery(self, discovery: int | None) -> None:
        """Keeps how many discoveries the person wants. Nothing is written where nothing changes."""
        if self.discovery != discovery:
            self.discovery = discovery
            self.edition = new_edition()
            self.save(update_fields=["discovery", "edition"])
