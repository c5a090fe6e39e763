"""Every URL of the site. Pages of the three apps, the API (one list, ``cinema.api_urls``), the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from cinema import account_views
from cinema.health import healthz, readyz
from mlops.metrics_views import MetricsTextView

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("cinema.api_urls")),  # first: what comes before is tried at each of its requests
    path("", include("cinema.page_urls")),
    path("training", RedirectView.as_view(pattern_name="mlops:dashboard")),
    path("training/", include("mlops.urls")),
    path("models/", include("recommender.urls")),
    path("language", set_language, name="set_language"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", MetricsTextView.as_view(), name="metrics"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/login/", account_views.admin_sign_in),
    path("admin/", admin.site.urls),
]

handler400 = "cinema.http.bad_request"
handler403 = "cinema.http.permission_denied"
handler404 = "cinema.http.not_found"
handler500 = "cinema.http.server_error"
