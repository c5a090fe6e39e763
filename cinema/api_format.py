"""How the API reads and writes bytes: a strict JSON parser and forgiving content negotiation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from csp.constants import SELF, UNSAFE_INLINE
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request

from cinema.problems import Problem

# The largest thing this API takes is a set of hyper-parameters.
MAX_BODY_BYTES = 64 * 1024


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


class StrictJSONParser(BaseParser):
    """JSON in UTF-8, at most MAX_BODY_BYTES, of any depth that Python can read; all else is 400 or 413."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise Problem(status=413, code="too_large", detail=f"The body is larger than {MAX_BODY_BYTES // 1024} KiB.")
        try:
            data = json.loads(body.decode("utf-8"), parse_constant=_reject_constant)
            json.dumps(data).encode("utf-8")  # a number of 5,000 digits or a lone surrogate fails here, not in a view
        except (ValueError, RecursionError) as error:
            raise ParseError("The body is not valid JSON.") from error
        return data


# Swagger UI and the browsable API carry inline styles. Scripts stay bound to our own origin there too.
INLINE_STYLES = {"style-src": [SELF, UNSAFE_INLINE]}


class BrowsableRenderer(BrowsableAPIRenderer):
    """The browsable API without HTML forms: they would send what the API does not take."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> Any:
        renderer_context["response"]._csp_update = INLINE_STYLES  # what csp's decorator would do for a view
        return super().render(data, accepted_media_type, renderer_context)

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        if method in {"DELETE", "OPTIONS"}:
            return super().get_rendered_html_form(data, view, method, request)
        return None


class LenientNegotiation(DefaultContentNegotiation):
    """HTML for a client that asked for text/html, JSON for every other, whatever its Accept header says."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        for accepted in self.get_accept_list(request):
            if accepted.split(";")[0].strip().lower() == "text/html":
                for renderer in renderers:
                    if renderer.media_type == "text/html":
                        return renderer, f"{renderer.media_type}; charset=utf-8"
        return renderers[0], renderers[0].media_type
