"""/metrics, for a Prometheus server with the token of somebody on staff."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAdminUser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from mlops.prometheus import CONTENT_TYPE, exposition


class _OneAnswer(BaseContentNegotiation):
    """Whatever is asked for, the answer is text; only troubles are JSON."""

    def select_parser(self, request, parsers):  # type: ignore[no-untyped-def]
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):  # type: ignore[no-untyped-def]
        return renderers[0], renderers[0].media_type


class MetricsTextView(APIView):
    """The site's figures in Prometheus' text format. Staff only."""

    permission_classes = [IsAdminUser]
    renderer_classes: list[type[BaseRenderer]] = [JSONRenderer]
    content_negotiation_class = _OneAnswer

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE)
