"""Training: the dashboard and its runs."""

from __future__ import annotations

from django.urls import path

from mlops import (
    compare_views,
    engagement_views,
    experiment_views,
    gate_views,
    health_views,
    retention_views,
    run_views,
    schedule_views,
    search_views,
    timeline_views,
    views,
)

app_name = "mlops"

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("runs", run_views.run_list, name="runs"),
    path("runs/new", run_views.new_run, name="new-run"),
    path("runs/<int:run_id>", run_views.run_detail, name="run-detail"),
    path("runs/<int:run_id>/cancel", run_views.cancel, name="run-cancel"),
    path("gate", gate_views.gate, name="gate"),
    path("retention", retention_views.retention, name="retention"),
    path("retention/prune", retention_views.prune_now, name="prune"),
    path("schedules", schedule_views.schedule, name="schedules"),
    path("health", health_views.health, name="health"),
    path("health/thresholds", health_views.thresholds, name="thresholds"),
    path("health/lists", engagement_views.engagement_log, name="engagement-log"),
    path("health/lists/forget", engagement_views.forget_engagement, name="forget-engagement"),
    path("timeline", timeline_views.timeline_page, name="timeline"),
    # Versions beside each other
    path("compare", compare_views.compare, name="compare"),
    path("compare/start", compare_views.start, name="compare-start"),
    path("compare/<int:comparison_id>", compare_views.comparison, name="comparison"),
    # Experiments
    path("experiments", experiment_views.experiment_list, name="experiments"),
    path("experiments/<int:experiment_id>", experiment_views.experiment, name="experiment"),
    path("experiments/<int:experiment_id>/start", experiment_views.start, name="experiment-start"),
    path("experiments/<int:experiment_id>/stop", experiment_views.stop, name="experiment-stop"),
    path("experiments/<int:experiment_id>/discard", experiment_views.discard, name="experiment-discard"),
    path("experiments/<int:experiment_id>/promote", experiment_views.promote, name="experiment-promote"),
    # Searches for hyper-parameters
    path("searches", search_views.search_list, name="searches"),
    path("searches/<int:search_id>", search_views.search_detail, name="search"),
    path("searches/<int:search_id>/cancel", search_views.cancel, name="search-cancel"),
    path("searches/<int:search_id>/resume", search_views.resume, name="search-resume"),
    path("searches/<int:search_id>/train", search_views.train, name="search-train"),
]
