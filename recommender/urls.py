"""Trained versions, and which of them is live."""

from __future__ import annotations

from django.urls import path

from recommender import views

app_name = "recommender"

urlpatterns = [
    path("roll-back", views.roll_back, name="roll-back"),
    path("lift-hold", views.lift_hold, name="lift-hold"),
    path("<str:label>", views.version_detail, name="version-detail"),
    path("<str:label>/annotate", views.annotate, name="annotate"),
    path("<str:label>/activate", views.activate, name="activate"),
]
