"""What was served, minute by minute and version by version."""

from __future__ import annotations

from django.db import models


class ServingMinute(models.Model):
    """Counts of a minute, added up over all processes. Older ones are hours."""

    COUNTS = ("handled", "errors", "lists", "fallbacks", "places", "popular_places", "learnings")
    SUMS = ("seconds", "learning_seconds")
    HISTOGRAMS = ("latency", "learning")

    minute = models.DateTimeField()
    version = models.CharField(max_length=20, blank=True, default="")  # its label; empty where none was there
    handled = models.PositiveIntegerField(default=0)  # requests of any kind, answered by this version if by one
    errors = models.PositiveIntegerField(default=0)  # answers of 500 and above
    lists = models.PositiveIntegerField(default=0)  # requests that a list was made for
    fallbacks = models.PositiveIntegerField(default=0)  # lists that were not personal
    places = models.PositiveIntegerField(default=0)
    popular_places = models.PositiveIntegerField(default=0)
    learnings = models.PositiveIntegerField(default=0)  # ratings that were learned from
    seconds = models.FloatField(default=0)  # of the requests with a list, in sum
    learning_seconds = models.FloatField(default=0)
    latency = models.JSONField(default=list)  # of the requests with a list; buckets of mlops.histograms
    learning = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["minute", "version"], name="one_row_per_minute_and_version")]
        ordering = ["minute"]

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M} {self.version}"
