from __future__ import annotations

import django_q.admin  # noqa: F401  registers django-q's models, so that they can be taken out below for good
from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

from cinema.read_only_admin import ReadOnlyAdmin
from mlops.models import (
    Comparison,
    Engagement,
    EngagementDay,
    EngagementPolicy,
    GatePolicy,
    HealthPolicy,
    PolicyValue,
    RetentionPolicy,
    RetrainPolicy,
    Search,
    SeedSpread,
    ServedList,
    ServingMinute,
    ShuffleTestResult,
    TrainingRun,
    Trial,
    Watch,
    WatchPolicy,
    WorkerHeartbeat,
)

# A schedule runs any function by its name, and a task's row is unpickled when it is shown.
admin.site.unregister([Schedule, Success, Failure, OrmQ])


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    list_display = ("pk", "kind", "status", "preset", "requested_by", "created_at", "finished_at", "version")
    list_filter = ("kind", "status", "preset")
    list_select_related = ("requested_by", "version")


@admin.register(Search)
class SearchAdmin(ReadOnlyAdmin):
    list_display = ("pk", "preset", "objective", "max_trials", "max_minutes", "requested_by", "created_at")
    list_filter = ("preset", "objective")
    list_select_related = ("requested_by",)


@admin.register(Trial)
class TrialAdmin(ReadOnlyAdmin):
    list_display = ("search", "number", "state", "value", "rmse", "ndcg", "seconds", "started_at")
    list_filter = ("state",)
    list_select_related = ("search",)


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("host", "pid", "started_at", "seen_at")


@admin.register(Comparison)
class ComparisonAdmin(ReadOnlyAdmin):
    list_display = ("key", "status", "requested_by", "requested_at", "finished_at")
    list_select_related = ("requested_by",)


@admin.register(GatePolicy)
class GatePolicyAdmin(ReadOnlyAdmin):
    """Changed on the control room's own page."""

    list_display = ("enabled", "ndcg_margin", "rmse_margin", "newcomer_margin", "coverage_margin", "latency_factor")


@admin.register(SeedSpread)
class SeedSpreadAdmin(ReadOnlyAdmin):
    list_display = ("preset", "measure", "variance", "n_trainings", "at")


@admin.register(RetentionPolicy)
class RetentionPolicyAdmin(ReadOnlyAdmin):
    """Changed on the control room's own page."""

    list_display = ("keep_newest", "keep_best", "best_by", "automatic")


@admin.register(RetrainPolicy)
class RetrainPolicyAdmin(ReadOnlyAdmin):
    """Changed on the control room's own page."""

    list_display = ("nightly", "cron", "after_ratings", "after_days", "preset", "tried_at")


@admin.register(ServingMinute)
class ServingMinuteAdmin(ReadOnlyAdmin):
    list_display = ("minute", "version", "handled", "lists", "fallbacks", "errors", "learnings")


@admin.register(HealthPolicy)
class HealthPolicyAdmin(ReadOnlyAdmin):
    """Changed on the control room's own page."""

    list_display = ("mean_drift", "genre_drift", "fallback_share", "error_share", "slow_ms", "shuffle_ratings")


@admin.register(WatchPolicy)
class WatchPolicyAdmin(ReadOnlyAdmin):
    """Changed on the control room's own page."""

    list_display = ("minutes", "min_lists", "fallback_margin", "error_margin", "latency_factor", "action")


@admin.register(Watch)
class WatchAdmin(ReadOnlyAdmin):
    list_display = ("activation", "state", "rolled_back", "began_at", "ended_at")
    list_select_related = ("activation",)


@admin.register(ShuffleTestResult)
class ShuffleTestResultAdmin(ReadOnlyAdmin):
    list_display = ("version", "at", "n", "people")
    list_select_related = ("version",)


@admin.register(ServedList)
class ServedListAdmin(ReadOnlyAdmin):
    list_display = ("user", "at", "surface", "version", "device", "experiment", "arms")
    list_filter = ("surface", "device", "personal")
    list_select_related = ("user", "experiment")


@admin.register(Engagement)
class EngagementAdmin(ReadOnlyAdmin):
    list_display = ("user", "movie", "kind", "value", "at", "place")
    list_filter = ("kind",)
    list_select_related = ("user", "movie")


@admin.register(EngagementDay)
class EngagementDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "version", "lists", "films", "opened_lists", "rated", "liked", "hidden")


@admin.register(PolicyValue)
class PolicyValueAdmin(ReadOnlyAdmin):
    list_display = ("version", "at", "n_lists", "refusal")
    list_select_related = ("version",)


@admin.register(EngagementPolicy)
class EngagementPolicyAdmin(ReadOnlyAdmin):
    list_display = ("record", "keep_days")
