"""Moments in statements written by hand, for which the ORM does not convert them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import connection


def to_database(moment: datetime) -> Any:
    """As a parameter."""
    return connection.ops.adapt_datetimefield_value(moment)


def from_database(value: Any) -> datetime:
    """What a column said: SQLite knows no zone, and of what is computed only the text."""
    moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
