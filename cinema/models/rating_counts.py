"""How many ratings each film has, kept where counting them takes too long for a page."""

from __future__ import annotations

from django.db import models


class RatingCount(models.Model):
    """As of some minutes ago. Without a row there is no rating; without any row pages count for themselves.
    ``cinema.rating_counts`` is the only writer."""

    movie = models.OneToOneField("cinema.Movie", on_delete=models.CASCADE, primary_key=True, related_name="+")
    n = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.movie_id}: {self.n}"
