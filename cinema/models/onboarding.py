"""What somebody said in their first minutes, so that they can go on where they stopped, on any device."""

from __future__ import annotations

from django.db import models

from cinema.models.people import User


class FirstMinutes(models.Model):
    """One person's way through the first questions. Their answers are ratings, and are kept where ratings are."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="first_minutes")
    # Ids of the films of the groups that they picked: groups belong to a version, films stay. For choosing questions
    # alone; nothing here is a rating.
    liked_films = models.JSONField(default=list, blank=True)
    started_at = models.DateTimeField()
    skipped_at = models.DateTimeField(null=True, blank=True)  # null again once they go on
    finished_at = models.DateTimeField(null=True, blank=True)  # when their first list was there

    class Meta:
        verbose_name_plural = "first minutes"

    def __str__(self) -> str:
        return f"user {self.user_id}"


class UnseenQuerySet(models.QuerySet["UnseenMovie"]):
    def of(self, user: User) -> UnseenQuerySet:
        return self.filter(user=user)


class UnseenMovie(models.Model):
    """``user`` said that they have not seen ``movie``, and is not asked again. Lists may hold it."""

    # The unique constraint below leads with the user, so the foreign key needs no index of its own.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="unseen_movies", db_index=False)
    movie = models.ForeignKey("cinema.Movie", on_delete=models.CASCADE, related_name="+")
    said_at = models.DateTimeField()

    objects = UnseenQuerySet.as_manager()

    class Meta:
        ordering = ["-said_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "movie"], name="unique_unseen_movie")]

    def __str__(self) -> str:
        return f"user {self.user_id}, film {self.movie_id}"
