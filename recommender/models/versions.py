"""Trained versions, and the log of which of them was live when."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

MAX_NOTE = 2000
MAX_EXPLORATION = 50


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def ready(self) -> ModelVersionQuerySet:
        return self.filter(status=ModelVersion.Status.READY)

    def latest_ready(self) -> ModelVersion | None:
        """The newest by id: clocks may step back, ids do not."""
        return self.ready().order_by("-pk").first()


class ModelVersion(models.Model):
    """One trained model: its metrics and where its files lie.

    The row is written after the artifact was written and verified, so that a version without files cannot exist.
    """

    class Status(models.TextChoices):
        READY = "ready", "ready"
        DELETED = "deleted", "deleted"

    label = models.CharField(max_length=20, unique=True)  # v<UTC timestamp>, also the artifact's folder
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.READY)
    algorithm = models.CharField(max_length=60)
    preset = models.CharField(max_length=30)
    hyperparameters = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)  # name -> {value, interval, n, baseline, passport}
    diagnostics = models.JSONField(default=dict)  # groups of the breakdowns, reliability, parts of the dataset
    # What the gate said when it was finished: {passed, against, generation, at, checks}; null if it was never asked.
    verdict = models.JSONField(null=True, blank=True, default=None)
    dataset_fingerprint = models.CharField(max_length=64)
    data_until = models.DateTimeField()  # a rating changed later was not trained on
    n_ratings = models.PositiveIntegerField()
    n_users = models.PositiveIntegerField()
    n_movies = models.PositiveIntegerField()
    artifact_sha256 = models.CharField(max_length=64, blank=True, default="")  # of manifest.json
    artifact_bytes = models.BigIntegerField(default=0)
    training_seconds = models.FloatField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    note = models.TextField(blank=True, default="")
    pinned = models.BooleanField(default=False)  # never deleted by retention

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.label

    def metric(self, name: str) -> float | None:
        return (self.metrics.get(name) or {}).get("value")

    @property
    def is_refused(self) -> bool:
        """Whether the gate found it worse than what was live: staff may make it live all the same, saying why."""
        return self.verdict is not None and not self.verdict.get("passed", True)


class HeldOut(models.Model):
    """From which of a person's ratings on a version's twin knows nothing: what it may fairly be judged by.

    Not part of the model, which holds no people: it goes with the person, and with the version's files.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="held_out")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    from_time = models.BigIntegerField()  # seconds since 1970, when the first of these ratings was given
    from_movie = models.BigIntegerField()  # its film's id, for ties in time

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "user"], name="one_held_out_part_per_person")]

    def __str__(self) -> str:
        return f"version {self.version_id}, user {self.user_id}"


class AppendOnly(Exception):
    """Somebody tried to change or delete a row of the activation log."""


class ActivationQuerySet(models.QuerySet["Activation"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The activation log is append-only.")

    def delete(self) -> NoReturn:
        raise AppendOnly("The activation log is append-only.")


class Activation(models.Model):
    """One change of the live version. Rows are only ever added."""

    class Kind(models.TextChoices):
        AUTOMATIC = "automatic", "activated after training"
        MANUAL = "manual", "activated by staff"
        ROLLBACK = "rollback", "rolled back"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="activations")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    generation = models.PositiveIntegerField(unique=True)  # of the live pointer after this change
    # The activation that a rollback from here restores; empty for the first one.
    returns_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    objects = ActivationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"#{self.generation}: {self.version_id} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise AppendOnly("The activation log is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The activation log is append-only.")


class LivePointer(models.Model):
    """The one row that says which version serves. Changed by compare-and-set on its generation."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    activation = models.ForeignKey(Activation, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    generation = models.PositiveIntegerField(default=0)
    # Set by a rollback: until staff activates a version or lifts it, nothing is activated automatically.
    hold = models.BooleanField(default=False)
    # In so many of a hundred lists one place is given away by lot (recommender.exploration).
    exploration = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(MAX_EXPLORATION)])

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="only_one_live_pointer")]

    def __str__(self) -> str:
        return f"generation {self.generation}"
