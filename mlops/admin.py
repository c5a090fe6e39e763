from __future__ import annotations

import django_q.admin  # noqa: F401  registers django-q's models, so that they can be taken out below for good
from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

from cinema.read_only_admin import ReadOnlyAdmin
from mlops.models import Search, TrainingRun, Trial, WorkerHeartbeat

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
