"""Every URL of the site. Pages of the three apps, the API (one list, ``cinema.api_urls``), the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
]
