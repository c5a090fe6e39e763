"""What somebody keeps beside ratings: films to watch, favourites, and films that they do not want to be shown."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cinema.models.people import User


class ShelfEntry(models.Model):
    """A film on one of somebody's shelves."""

    class Shelf(models.TextChoices):
        WATCHLIST = "watchlist", _("Watchlist")
        FAVOURITES = "favourites", _("Favourites")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="shelf_entries", db_index=False)
    movie = models.ForeignKey("cinema.Movie", on_delete=models.CASCADE, related_name="+")
    shelf = models.CharField(max_length=10, choices=Shelf.choices)
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["-added_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "shelf", "movie"], name="unique_shelf_entry")]

    def __str__(self) -> str:
        return f"user {self.user_id}, film {self.movie_id}: {self.shelf}"


class HiddenQuerySet(models.QuerySet["HiddenMovie"]):
    def of(self, user: User) -> HiddenQuerySet:
        return self.filter(user=user)


class HiddenMovie(models.Model):
    """A film that ``user`` does not want to be shown. No list on any path holds it until they take that back."""

    class Reason(models.TextChoices):
        SEEN = "seen", _("I have seen it")
        KIND = "kind", _("Not my kind of film")
        FILM = "film", _("Not this one")

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
