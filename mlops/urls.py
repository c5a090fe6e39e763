"""Training: the dashboard and its runs."""

from __future__ import annotations

from django.urls import path

from mlops import search_views, views

app_name = "mlops"

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("runs", views.train, name="train"),
    path("runs/<int:run_id>", views.run_detail, name="run-detail"),
    path("runs/<int:run_id>/cancel", views.cancel, name="run-cancel"),
    # Searches for hyper-parameters
    path("searches", search_views.search_list, name="searches"),
    path("searches/<int:search_id>", search_views.search_detail, name="search"),
    path("searches/<int:search_id>/cancel", search_views.cancel, name="search-cancel"),
    path("searches/<int:search_id>/resume", search_views.resume, name="search-resume"),
    path("searches/<int:search_id>/train", search_views.train, name="search-train"),
]
