"""How often somebody may do something, counted so that all processes on all hosts count together.

Where REDIS_URL is set they count in Redis, else in the database; there too while Redis is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils.timezone import now as current_time

from cinema.database_moments import to_database
from cinema.durability import forgettable
from cinema.models import ThrottleCount

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    retry_after: int  # seconds until the next attempt may succeed; 0 if allowed


def allow(scope: str, key: str) -> Verdict:
    """Counts one attempt of ``key`` at ``scope`` and says whether it is within settings.THROTTLE_RATES.

    Fixed windows of a minute: exact, cheap, and easy to explain to whoever is turned away.
    """
    return admission(scope, key)()


def admission(scope: str, key: str) -> Callable[[], Verdict]:
    """The same for somebody who is about to write: counted in Redis now, or else in the database by what is returned,
    in the transaction in which it is called. One that is rolled back because the attempt was refused counts none, which
    refuses the next one just as well."""
    now = current_time()
    window = now.replace(second=0, microsecond=0)
    count = _count_in_redis(scope, key, window)

    def verdict() -> Verdict:
        n = _count_in_database(scope, key, window) if count is None else count
        if n <= settings.THROTTLE_RATES[scope]:
            return Verdict(True, 0)
        return Verdict(False, max(1, int((window + WINDOW - now).total_seconds()) + 1))

    return verdict


def _count_in_redis(scope: str, key: str, window: datetime) -> int | None:
    """The attempts in this window, with this one; None where Redis does not count."""
    if not settings.REDIS_URL:
        return None
    from cinema import redis_store  # only where it is used: it takes a while to import

    try:
        return redis_store.count(f"{scope}\n{window:%Y-%m-%dT%H:%M}\n{key}", 2 * int(WINDOW.total_seconds()))
    except redis_store.Gone:
        return None


def _count_in_database(scope: str, key: str, window: datetime) -> int:
    # No database keeps half of a surrogate pair, PostgreSQL no NUL either.
    key = key.encode(errors="replace").decode().replace("\0", "\ufffd")[:200]
    opened = to_database(window)
    with forgettable():
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [scope, key, opened])
            count: int = cursor.fetchone()[0]
        if count == 1:
            # Whoever opens a window sweeps those that no longer count.
            ThrottleCount.objects.filter(window__lt=window - WINDOW).delete()
    return count


# Every rating asks for it, so it is one statement that is not composed anew. Our own table.
_TABLE = f'"{ThrottleCount._meta.db_table}"'
_COUNT = (
    f'INSERT INTO {_TABLE} (scope, key, "window", count) VALUES (%s, %s, %s, 1) '  # nosec B608
    f'ON CONFLICT (scope, key, "window") DO UPDATE SET count = {_TABLE}.count + 1 RETURNING count'
)


def client_address(meta: dict[str, str]) -> str:
    """The address a request comes from. X-Forwarded-For is believed only as far as TRUSTED_PROXIES vouch for it."""
    forwarded = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    proxies = settings.TRUSTED_PROXIES
    if proxies and forwarded:
        return forwarded[-min(proxies, len(forwarded))]
    return meta.get("REMOTE_ADDR", "")
