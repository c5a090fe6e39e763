"""Training: the dashboard and its runs."""

from __future__ import annotations

from django.urls import path

from mlops import compare_views, views

app_name = "mlops"

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("runs", views.train, name="train"),
    path("runs/<int:run_id>", views.run_detail, name="run-detail"),
    path("runs/<int:run_id>/cancel", views.cancel, name="run-cancel"),
    # Versions beside each other
    path("compare", compare_views.compare, name="compare"),
    path("compare/start", compare_views.start, name="compare-start"),
    path("compare/<int:comparison_id>", compare_views.comparison, name="comparison"),
]
