"""Training: the dashboard and its runs."""

from __future__ import annotations

from django.urls import path

from mlops import views

app_name = "mlops"

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("runs", views.train, name="train"),
    path("runs/<int:run_id>", views.run_detail, name="run-detail"),
    path("runs/<int:run_id>/cancel", views.cancel, name="run-cancel"),
]
