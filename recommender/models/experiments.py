"""Experiments: several versions, or several settings of one, serve different people at the same time.

They lie beside the versions because whoever serves must know them, and may not look up to who plans and judges them.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from recommender.models.versions import ModelVersion

ARM_NAMES = "ABCD"


def new_salt() -> str:
    return secrets.token_hex(8)


class Experiment(models.Model):
    """What is compared, and whether it is going on. Its arms are never changed once it has been started."""

    class Kind(models.TextChoices):
        AB = "ab", "each person sees one arm"
        INTERLEAVED = "interleaved", "each list mixes two versions"

    class Status(models.TextChoices):
        DRAFT = "draft", "not started"
        RUNNING = "running", "running"
        STOPPED = "stopped", "stopped"

    class Surface(models.TextChoices):
        FOR_YOU = "for-you", "one's own list"

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=11, choices=Kind.choices)
    surface = models.CharField(max_length=10, choices=Surface.choices, default=Surface.FOR_YOU)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DRAFT)
    salt = models.CharField(max_length=16, default=new_salt, editable=False)  # of who is in which arm
    # How many in a hundred people take part; the others see what is live.
    share = models.PositiveSmallIntegerField(default=100, validators=[MinValueValidator(1), MaxValueValidator(100)])
    # The smallest difference worth finding, in engaged lists of one list; intervals are narrowest when it is found.
    interest = models.FloatField(default=0.02, validators=[MinValueValidator(0.0005), MaxValueValidator(0.5)])
    # A guard rail: it ends by itself when an arm is surely worse than A by this much, or hides so many films more.
    harm = models.FloatField(default=0.05, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)])
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_by = models.ForeignKey(  # empty where a guard rail ended it
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    end_reason = models.CharField(max_length=200, blank=True, default="")
    verdict = models.JSONField(null=True, blank=True, default=None)  # what it had found when it was stopped

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["surface"], condition=Q(status="running"), name="one_running_experiment_per_surface"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.RUNNING


class Arm(models.Model):
    """One of an experiment's ways of making lists."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(max_length=1)  # of ARM_NAMES; A is what the others are held against
    version = models.ForeignKey(  # empty: whatever is live
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="arms"
    )
    # {discovery, popularity, novelty, recency, diversity}, those that are given; for who has chosen nothing else.
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["experiment", "name"]
        constraints = [models.UniqueConstraint(fields=["experiment", "name"], name="one_arm_of_each_name")]

    def __str__(self) -> str:
        return f"{self.name}: {self.told}"

    @property
    def told(self) -> str:
        """What it is, in words."""
        parts = [self.version.label if self.version is not None else "what is live"]
        parts += [f"{name} {value:g}" for name, value in _shown(self.settings)]
        return ", ".join(parts)


def _shown(given: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in given.items() if value is not None]
