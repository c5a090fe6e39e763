"""How models come to be: runs, the workers that carry them out, and what an operator has decided for them."""

from __future__ import annotations

from mlops.models.comparisons import COMPARISON_LEASE, Comparison, SeedSpread
from mlops.models.engagement import Engagement, EngagementDay, EngagementPolicy, PolicyValue, ServedList
from mlops.models.gate import GatePolicy
from mlops.models.health import HealthPolicy, ShuffleTestResult, Watch, WatchPolicy
from mlops.models.policies import Policy
from mlops.models.retention import RetentionPolicy
from mlops.models.retraining import RetrainPolicy
from mlops.models.runs import LEASE, TrainingRun, TrainingRunQuerySet
from mlops.models.searches import Search, Trial, parameters_digest
from mlops.models.serving import ServingMinute
from mlops.models.workers import WORKER_LEASE, WorkerHeartbeat

__all__ = [
    "COMPARISON_LEASE",
    "LEASE",
    "WORKER_LEASE",
    "Comparison",
    "Engagement",
    "EngagementDay",
    "EngagementPolicy",
    "GatePolicy",
    "HealthPolicy",
    "Policy",
    "PolicyValue",
    "RetentionPolicy",
    "RetrainPolicy",
    "Search",
    "SeedSpread",
    "ServedList",
    "ServingMinute",
    "ShuffleTestResult",
    "TrainingRun",
    "TrainingRunQuerySet",
    "Trial",
    "Watch",
    "WatchPolicy",
    "WorkerHeartbeat",
    "parameters_digest",
]
