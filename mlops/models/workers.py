"""The heartbeat of the workers that carry out what is queued."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models

# A worker that has not been heard of for this long is taken for gone.
WORKER_LEASE = timedelta(seconds=20)


class WorkerHeartbeat(models.Model):
    """A running qcluster writes its row every few seconds; /readyz and the dashboard read it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"worker {self.pid} on {self.host}"
