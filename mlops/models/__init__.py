"""How models come to be: runs, the workers that carry them out, and what an operator has decided for them."""

from __future__ import annotations

from mlops.models.policies import Policy
from mlops.models.runs import LEASE, TrainingRun, TrainingRunQuerySet
from mlops.models.searches import Search, Trial, parameters_digest
from mlops.models.workers import WORKER_LEASE, WorkerHeartbeat

__all__ = [
    "LEASE",
    "WORKER_LEASE",
    "Policy",
    "Search",
    "TrainingRun",
    "TrainingRunQuerySet",
    "Trial",
    "WorkerHeartbeat",
    "parameters_digest",
]
