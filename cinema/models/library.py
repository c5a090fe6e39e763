"""What somebody keeps beside ratings: the films that they do not want to be shown."""

from __future__ import annotations

from django.db import models

from cinema.models.people import User


class HiddenQuerySet(models.QuerySet["HiddenMovie"]):
    def of(self, user: User) -> HiddenQuerySet:
        return self.filter(user=user)


class HiddenMovie(models.Model):
    """A film that ``user`` does not want to be shown. No list on any path holds it until they take that back."""

    class Reason(models.TextChoices):
        SEEN = "seen", "I have seen it"
        KIND = "kind", "Not my kind of film"
        FILM = "film", "Not this one"

    # The unique constraint below leads with the user, so the foreign key needs no index of its own.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="hidden_movies", db_index=False)
    movie = models.ForeignKey("cinema.Movie", on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=10, choices=Reason.choices, default=Reason.FILM)
    hidden_at = models.DateTimeField()

    objects = HiddenQuerySet.as_manager()

    class Meta:
        ordering = ["-hidden_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "movie"], name="unique_hidden_movie")]

    def __str__(self) -> str:
        return f"user {self.user_id}, film {self.movie_id}: {self.reason}"
