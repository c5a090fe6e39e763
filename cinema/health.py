"""For whoever watches over the site: is it alive, and can it do its work?"""

from __future__ import annotations

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from mlops.runs import worker_alive
from recommender.serving import live_model


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers. Touches nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 once the database answers, a version is loaded and a worker is alive; else 503 and which of them is not.

    Where Redis is used the answer says whether it is up. Without it everything goes on, so that it makes no 503.
    """
    checks = {"db": "down", "model": "unknown", "worker": "unknown"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        checks["db"] = "up"
        checks["model"] = "up" if live_model() is not None else "none"
        checks["worker"] = "up" if worker_alive() else "down"
    except Error:
        connection.close()
    ready = set(checks.values()) == {"up"}
    if settings.REDIS_URL:
        from cinema import redis_store  # only where it is used: it takes a while to import

        checks["redis"] = "up" if redis_store.answers() else "down"
    response = JsonResponse({"status": "ready" if ready else "not ready", **checks}, status=200 if ready else 503)
    if not ready:
        response["Retry-After"] = "5"
    return response
