"""Fields and pages that the API's serializers share, and the checks that DRF leaves to us."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.utils import html

from cinema.models import MAX_DISCOVERIES, RATING_VALUES, SINCE_RANGE, User
from cinema.throttling import admission

# A path's id: up to 18 digits, which every database holds. Longer ones are not routed, and so are 404.
ID_PATTERN = "[1-9][0-9]{0,17}"
MAX_ID = 10**18 - 1


class IdConverter:
    """``<id:name>`` in paths."""

    regex = ID_PATTERN

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


@extend_schema_field({"type": "number", "minimum": 0.5, "maximum": 5, "multipleOf": 0.5})
class StarsField(serializers.Field[float, Any, float, Any]):
    """A rating from 0.5 to 5 in steps of 0.5: a JSON number, so neither true nor "4"."""

    default_error_messages = {"invalid": "Give a number from 0.5 to 5 in steps of 0.5."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)) or data not in RATING_VALUES:
            self.fail("invalid")
        return float(data)

    def to_representation(self, value: float) -> float:
        return value


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": MAX_DISCOVERIES})
class DiscoveryField(serializers.Field[int, Any, int, Any]):
    """How many places in ten go to discoveries: a JSON integer, so neither true nor "2" nor 2.0."""

    default_error_messages = {"invalid": f"Give a whole number from 0 to {MAX_DISCOVERIES}, or null for auto."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int) or not 0 <= data <= MAX_DISCOVERIES:
            self.fail("invalid")
        return data

    def to_representation(self, value: int) -> int:
        return value


class _PlainNumberField(serializers.Field[Any, Any, Any, Any]):
    """A number as JSON has it, so neither true nor "2"; in a query, its plain digits, so neither nan nor 1_0 nor ٢."""

    text: re.Pattern[str]
    kinds: tuple[type[Any], ...]
    low: float
    high: float

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and html.is_html_input(self.root.initial_data):
            if not self.text.fullmatch(data):
                self.fail("invalid")
            data = self.kinds[0](data)
        # NaN is within no range; comparing an int of any length does not overflow, converting it would.
        if isinstance(data, bool) or not isinstance(data, self.kinds) or not self.low <= data <= self.high:
            self.fail("invalid")
        return self.kinds[0](data)

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "number", "minimum": 0, "maximum": 1})
class ControlField(_PlainNumberField):
    """A control of lists that goes from neutral to all of it."""

    default_error_messages = {"invalid": "Give a number from 0 to 1."}
    text, kinds, low, high = (
        re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?"),
        (float, int),
        0.0,
        1.0,
    )


@extend_schema_field({"type": "number", "minimum": -1, "maximum": 1})
class TwoWayControlField(ControlField):
    """One that goes both ways from neutral."""

    default_error_messages = {"invalid": "Give a number from -1 to 1."}
    low = -1.0


@extend_schema_field({"type": "integer", "minimum": SINCE_RANGE[0], "maximum": SINCE_RANGE[1]})
class SinceField(_PlainNumberField):
    """The first year whose ratings count."""

    default_error_messages = {
        "invalid": f"Give a year from {SINCE_RANGE[0]} to {SINCE_RANGE[1]}, or null for all ratings."
    }
    text, kinds, low, high = re.compile(r"[0-9]{4}"), (int,), *SINCE_RANGE


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": SINCE_RANGE[0], "maximum": SINCE_RANGE[1]},
            {"type": "string", "enum": [""]},
        ]
    }
)
class SinceInQueryField(SinceField):
    """The same behind a question mark, where an empty ``since=`` is what null is in JSON."""


# The same question marks come again and again, and reading one costs as much as a query to the database.
MAX_READ_BEFORE = 1_000
_read_before: dict[tuple[type[Query], str], dict[str, Any]] = {}


class Query(serializers.Serializer[Any]):
    """What stands behind the question mark, read more strictly than a form: nothing twice, nothing empty.

    Its fields see nothing but the query, so that the same text always says the same.
    """

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The validated values. Raises ValidationError."""
        text = request.META.get("QUERY_STRING", "")
        values = _read_before.get((cls, text))
        if values is None:
            values = cls._read(request)
            if len(_read_before) < MAX_READ_BEFORE:
                _read_before[cls, text] = values
        return dict(values)

    @classmethod
    def _read(cls, request: Request) -> dict[str, Any]:
        query = cls(data=request.query_params)
        errors = {
            name: problem
            for name, field in query.fields.items()
            if (problem := _not_given_once(request, name, may_be_empty=_may_be_empty(field)))
        }
        if errors:
            raise exceptions.ValidationError(errors)
        query.is_valid(raise_exception=True)
        values: dict[str, Any] = query.validated_data
        return values


def _may_be_empty(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    return isinstance(field, SinceInQueryField) or getattr(field, "allow_blank", False)


def _not_given_once(request: Request, name: str, *, may_be_empty: bool = False) -> list[str]:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        return ["Give this once."]
    return ["This may not be empty."] if values == [""] and not may_be_empty else []


class ControlsMixin(serializers.Serializer[Any]):
    """The controls of lists. What is left out stays as the person saved it."""

    popularity = TwoWayControlField(required=False, help_text="From -1, obscure films, to 1, well known ones.")
    novelty = ControlField(required=False, help_text="To 1, far from what the person rated.")
    recency = TwoWayControlField(required=False, help_text="From -1, older films, to 1, newer ones.")
    diversity = ControlField(required=False, help_text="To 1, each film unlike those before it.")
    since = SinceField(
        required=False, allow_null=True, help_text="Ratings of earlier years do not count; null: all of them do."
    )


class StrictTextField(serializers.CharField):
    """A JSON string, not a number that is taken for one; its length is what was sent, before spaces are cut."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON integer, so neither true nor "2" nor 2.0."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false, not "yes" or 1."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IdListField(serializers.CharField):
    """Film ids separated by commas, as ``exclude=1,2,3``."""

    default_error_messages = {"invalid_ids": "Give film ids separated by commas, at most 1000."}

    def to_internal_value(self, data: Any) -> list[int]:  # type: ignore[override]
        text = super().to_internal_value(data)
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if len(parts) > 1000 or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in parts):
            self.fail("invalid_ids")
        return [int(part) for part in parts]


class YearRangeMixin(serializers.Serializer[Any]):
    """``genre``, ``year_min`` and ``year_max`` of a query."""

    genre = serializers.CharField(required=False, default="", allow_blank=True, max_length=60)
    year_min = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=9999)
    year_max = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=9999)


class Pages(PageNumberPagination):
    """Lists as ``{count, next, previous, results}``. A page size that is none is 400, and a large one cut down."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_number(self, request: Request, paginator: Any) -> Any:
        if problem := _not_given_once(request, self.page_query_param):
            raise exceptions.ValidationError({self.page_query_param: problem})
        return super().get_page_number(request, paginator)

    def get_page_size(self, request: Request) -> int | None:
        if problem := _not_given_once(request, self.page_size_query_param):
            raise exceptions.ValidationError({self.page_size_query_param: problem})
        asked = request.query_params.get(self.page_size_query_param)
        if asked is not None and not (asked.isascii() and asked.isdigit() and int(asked[:20]) > 0):
            raise exceptions.ValidationError(
                {self.page_size_query_param: ["A whole number of at least 1 is required."]}
            )
        size: int | None = super().get_page_size(request)
        return size


def signed_in(request: Request) -> User:
    """The user behind a request that the permission classes have let through."""
    assert isinstance(request.user, User)
    return request.user


def throttle(scope: str, key: str) -> None:
    """Counts one attempt and raises Throttled, which becomes 429 with Retry-After."""
    throttled(scope, key)()


def throttled(scope: str, key: str) -> Callable[[], None]:
    """What does the same when it is called, in the transaction in which it is called."""
    admitted = admission(scope, key)

    def admit() -> None:
        verdict = admitted()
        if not verdict.allowed:
            raise exceptions.Throttled(wait=verdict.retry_after)

    return admit
