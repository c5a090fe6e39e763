"""Measures every request and adds it to this process's counts."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from mlops.serving_counts import counts
from recommender.served import collecting
from recommender.serving import loaded_label


class ServingMiddleware:
    """Costs some microseconds and no query. Stands outside of whatever turns exceptions into answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with collecting() as served:
            response = self.get_response(request)
        served.version = served.version or loaded_label()
        counts.record(served, seconds=time.perf_counter() - began, failed=response.status_code >= 500)
        return response
