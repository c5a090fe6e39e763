"""Ratings. One is written by ``cinema.ratings`` and by the importers, and nowhere else."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from cinema.models.people import User

# Halves are exact in binary floating point, so equality and the check constraint below are safe.
RATING_VALUES = tuple(step / 2 for step in range(1, 11))


class RatingQuerySet(models.QuerySet["Rating"]):
    def of(self, user: User) -> RatingQuerySet:
        return self.filter(user=user)

    def changed_after(self, moment: datetime) -> RatingQuerySet:
        return self.filter(changed_at__gt=moment)


class Rating(models.Model):
    # The unique constraint below leads with the user, so the foreign key needs no index of its own.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ratings", db_index=False)
    movie = models.ForeignKey("cinema.Movie", on_delete=models.CASCADE, related_name="ratings")
    value = models.FloatField()
    rated_at = models.DateTimeField()  # when the person first rated the film; an edit keeps it
    changed_at = models.DateTimeField(db_index=True)  # when this row was last written here

    objects = RatingQuerySet.as_manager()

    class Meta:
        ordering = ["-rated_at", "-pk"]
        indexes = [models.Index(fields=["rated_at"])]  # for what is popular lately
        constraints = [
            models.UniqueConstraint(fields=["user", "movie"], name="unique_rating"),
            models.CheckConstraint(condition=Q(value__in=RATING_VALUES), name="rating_in_half_stars"),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id}, film {self.movie_id}: {self.value}"
