"""How models come to be: runs, the workers that carry them out, and what an operator has decided for them."""

from __future__ import annotations

from mlops.models.policies import Policy
from mlops.models.runs import LEASE, TrainingRun, TrainingRunQuerySet
from mlops.models.workers import WORKER_LEASE, WorkerHeartbeat

__all__ = ["LEASE", "WORKER_LEASE", "Policy", "TrainingRun", "TrainingRunQuerySet", "WorkerHeartbeat"]
