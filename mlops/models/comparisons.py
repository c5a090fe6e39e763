"""Comparisons of versions, and what is known of the chance in them."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

# A comparison that has not been heard of for this long is taken for lost.
COMPARISON_LEASE = timedelta(seconds=60)


class Comparison(models.Model):
    """Versions judged on common ratings, the first being what the others are compared with. A job of the worker's."""

    class Status(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    key = models.CharField(max_length=120, unique=True)  # the labels, with commas between them
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    progress = models.FloatField(default=0)  # 0 to 1
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_at = models.DateTimeField()
    heard_at = models.DateTimeField()  # of whoever carries it out
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True, default=None)  # recommender.contest
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.key

    @property
    def labels(self) -> list[str]:
        return self.key.split(",")

    @property
    def is_active(self) -> bool:
        """Whether somebody is at it, or will be. What nobody has been heard of for a while can be asked for again."""
        waiting = self.status in {self.Status.WAITING, self.Status.RUNNING}
        return waiting and self.heard_at > timezone.now() - COMPARISON_LEASE


class SeedSpread(models.Model):
    """How far another seed alone moves a measure of a preset for everybody at once (``manage.py benchmark_seeds``)."""

    preset = models.CharField(max_length=30)
    measure = models.CharField(max_length=30)
    variance = models.FloatField()
    n_trainings = models.PositiveSmallIntegerField()
    dataset_fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["preset", "measure"], name="one_seed_spread_per_measure")]
        ordering = ["preset", "measure"]

    def __str__(self) -> str:
        return f"{self.preset}, {self.measure}"
