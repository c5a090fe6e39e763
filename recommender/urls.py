"""Trained versions, and which of them is live."""

from __future__ import annotations

from django.urls import path, register_converter

from recommender import views

app_name = "recommender"


class LabelConverter:
    """A version's label; nothing else ever reaches the database."""

    regex = "v[0-9]{8}_[0-9]{6}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: object) -> str:
        return str(value)


register_converter(LabelConverter, "label")

urlpatterns = [
    path("roll-back", views.roll_back, name="roll-back"),
    path("lift-hold", views.lift_hold, name="lift-hold"),
    path("<label:label>", views.version_detail, name="version-detail"),
    path("<label:label>/annotate", views.annotate, name="annotate"),
    path("<label:label>/activate", views.activate, name="activate"),
]
