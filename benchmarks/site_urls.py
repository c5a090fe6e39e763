"""The site, and beside it the least that an API with the same authentication can do."""

from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cinema.urls import handler400, handler403, handler404, handler500
from cinema.urls import urlpatterns as site_urls

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

_TEN = [
    {
        "movie_id": number, "title": f"Film number {number}", "year": 1990 + number, "genres": ["Drama", "Crime"],
        "predicted_rating": 4.25, "score": 3.5, "rank": number, "slot": "ranked",
        "parts": {"ranker": 1.0, "rating_model": 2.5},
    }
    for number in range(1, 11)
]  # fmt: skip


class BareView(APIView):
    def get(self, request: Request) -> Response:
        return Response({"items": _TEN})


urlpatterns = [path("bare", BareView.as_view()), *site_urls]
