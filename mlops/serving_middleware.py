"""Measures every request and hands what it served to what this process counts and keeps."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mlops.background_writing import BackgroundWriter
from mlops.engagement_log import log
from mlops.serving_counts import counts
from recommender.device_class import device_class
from recommender.moments import Moment, at_moment
from recommender.served import collecting
from recommender.serving import loaded_label

writer = BackgroundWriter(counts, log)


class ServingMiddleware:
    """Costs some microseconds and no query. Stands outside of whatever turns exceptions into answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        device = device_class(request.headers.get("User-Agent", ""))
        with collecting() as served, at_moment(Moment(timezone.now(), device)):
            response = self.get_response(request)
        served.version = served.version or loaded_label()
        failed = response.status_code >= 500
        writer.begin()
        counts.record(served, seconds=time.perf_counter() - began, failed=failed)
        if (served.shown or served.acts) and not failed:
            log.record(served, device=device)
        return response
