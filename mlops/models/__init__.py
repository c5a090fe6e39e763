"""How models come to be: runs, the workers that carry them out, and what an operator has decided for them."""

from __future__ import annotations

from mlops.models.comparisons import COMPARISON_LEASE, Comparison, SeedSpread
from mlops.models.gate import GatePolicy
from mlops.models.policies import Policy
from mlops.models.retention import RetentionPolicy
from mlops.models.retraining import RetrainPolicy
from mlops.models.runs import LEASE, TrainingRun, TrainingRunQuerySet
from mlops.models.serving import ServingMinute
from mlops.models.workers import WORKER_LEASE, WorkerHeartbeat

__all__ = [
    "COMPARISON_LEASE",
    "LEASE",
    "WORKER_LEASE",
    "Comparison",
    "GatePolicy",
    "Policy",
    "RetentionPolicy",
    "RetrainPolicy",
    "SeedSpread",
    "ServingMinute",
    "TrainingRun",
    "TrainingRunQuerySet",
    "WorkerHeartbeat",
]
