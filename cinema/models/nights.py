"""Movie nights: rooms in which a few people find a film together. ``cinema.nights`` is their only writer.

A room and everything in it is gone after NIGHT_LIFETIME: guests leave nothing behind.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from cinema.models.people import User
from cinema.models.ratings import RATING_VALUES

NIGHT_LIFETIME = timedelta(days=2)
MAX_PARTICIPANTS = 8
VETOES_EACH = 2
MAX_NAME_LENGTH = 40


class NightQuerySet(models.QuerySet["Night"]):
    def open(self, now: datetime | None = None) -> NightQuerySet:
        return self.filter(expires_at__gt=now or timezone.now())

    def expired(self, now: datetime | None = None) -> NightQuerySet:
        return self.filter(expires_at__lte=now or timezone.now())


class Night(models.Model):
    """A room. Whoever has its ``token`` or ``code`` can join; only those who joined can look inside."""

    host = models.ForeignKey(User, on_delete=models.CASCADE, related_name="hosted_nights")
    token = models.CharField(max_length=40, unique=True)  # of the invitation link, unguessable
    code = models.CharField(max_length=8, unique=True)  # the same, short enough to be read out
    allow_seen = models.BooleanField(default=False)  # films that some, but not all, have seen may be listed
    revision = models.PositiveIntegerField(default=0)  # counts the changes, so that a page knows whether it is current
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    objects = NightQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]

    def __str__(self) -> str:
        return f"night {self.pk}"


class NightParticipant(models.Model):
    """Somebody in a room: an account with its own ratings, or a guest who is known by a cookie alone."""

    # The unique constraints below lead with the night, so the foreign key needs no index of its own.
    night = models.ForeignKey(Night, on_delete=models.CASCADE, related_name="participants", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="night_participations")
    name = models.CharField(max_length=MAX_NAME_LENGTH)  # what the others in the room see
    guest_key = models.CharField(max_length=40, blank=True, default="")  # what a guest's cookie must hold
    joined_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["night", "user"], name="unique_night_user"),
            models.UniqueConstraint(fields=["night", "name"], name="unique_night_name"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, guest_key="") | (Q(user__isnull=True) & ~Q(guest_key="")),
                name="participant_is_account_or_guest",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_guest(self) -> bool:
        return self.user_id is None


class NightRating(models.Model):
    """A guest's rating. It counts in its room and goes with it: no training, no average and nobody else sees it."""

    participant = models.ForeignKey(NightParticipant, on_delete=models.CASCADE, related_name="ratings", db_index=False)
    movie = models.ForeignKey("cinema.Movie", on_delete=models.CASCADE, related_name="+")
    value = models.FloatField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["participant", "movie"], name="unique_night_rating"),
            models.CheckConstraint(condition=Q(value__in=RATING_VALUES), name="night_rating_in_half_stars"),
        ]

    def __str__(self) -> str:
        return f"participant {self.participant_id}, film {self.movie_id}: {self.value}"


class NightVeto(models.Model):
    """A film that a participant does not want to watch. While it stands, the room's list does not hold the film."""

    participant = models.ForeignKey(NightParticipant, on_delete=models.CASCADE, related_name="vetoes", db_index=False)
    movie = models.ForeignKey("cinema.Movie", on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "night vetoes"
        constraints = [models.UniqueConstraint(fields=["participant", "movie"], name="unique_night_veto")]

    def __str__(self) -> str:
        return f"participant {self.participant_id}, film {self.movie_id}"


class NightPick(models.Model):
    """A film that the room watched. Fair turns remember for whom it was the better choice."""

    night = models.ForeignKey(Night, on_delete=models.CASCADE, related_name="picks", db_index=False)
    movie = models.ForeignKey("cinema.Movie", on_delete=models.CASCADE, related_name="+")
    picked_at = models.DateTimeField()

    class Meta:
        ordering = ["picked_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["night", "movie"], name="unique_night_pick")]

    def __str__(self) -> str:
        return f"night {self.night_id}, film {self.movie_id}"
