"""Training runs."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from recommender.models import ModelVersion

# A running training that has not been heard of for this long is taken for lost.
LEASE = timedelta(seconds=30)


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def active(self) -> TrainingRunQuerySet:
        return self.filter(status__in=TrainingRun.ACTIVE)


class TrainingRun(models.Model):
    """One training, from the click to its end. This row is the truth; the queue only carries its id."""

    class Status(models.TextChoices):
        QUEUED = "queued", "waiting"
        RUNNING = "running", "running"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"
        INTERRUPTED = "interrupted", "interrupted"
        CANCELLED = "cancelled", "cancelled"

    ACTIVE: ClassVar[list[str]] = [Status.QUEUED, Status.RUNNING]

    class Kind(models.TextChoices):
        TRAINING = "training", "training"
        SEARCH = "search", "search"

    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.TRAINING)
    # What a run of the kind ``search`` carries out; it may take several.
    search = models.ForeignKey("mlops.Search", null=True, blank=True, on_delete=models.CASCADE, related_name="runs")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    preset = models.CharField(max_length=30)
    hyperparameters = models.JSONField(default=dict)
    activate = models.BooleanField(default=True)  # activate the version when it is ready
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    trigger = models.CharField(max_length=100, blank=True, default="")  # why it was started by itself

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    owner = models.UUIDField(null=True, blank=True)  # whoever claimed the run; every later write names it
    pid = models.PositiveIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)

    phase = models.CharField(max_length=60, blank=True, default="")
    epoch = models.PositiveIntegerField(default=0)
    n_epochs = models.PositiveIntegerField(default=0)
    progress = models.FloatField(default=0)  # 0 to 1
    n_ratings = models.PositiveIntegerField(null=True, blank=True)
    dataset_fingerprint = models.CharField(max_length=64, blank=True, default="")
    ratings_per_second = models.FloatField(null=True, blank=True)  # of the last epoch
    memory_bytes = models.BigIntegerField(null=True, blank=True)  # its process's, resident, when it last reported
    history = models.JSONField(default=list)  # one entry per epoch of the measured model: epoch, loss, validation RMSE
    metrics = models.JSONField(default=dict)
    error = models.TextField(blank=True, default="")
    version = models.OneToOneField(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="training_run"
    )

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            # Twenty clicks at once make one training: the database says so, not a check before the insert. Whatever
            # its kind, a run has the machine to itself.
            models.UniqueConstraint(Value(1), condition=Q(status__in=["queued", "running"]), name="one_active_run"),
        ]

    def __str__(self) -> str:
        return f"training run {self.pk} ({self.status})"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def elapsed_seconds(self) -> float:
        if self.started_at is None:
            return 0.0
        # A clock that was set back must not make a training last less than nothing.
        return max(0.0, ((self.finished_at or timezone.now()) - self.started_at).total_seconds())
