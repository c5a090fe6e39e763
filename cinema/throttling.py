"""How often somebody may do something, counted so that all processes on all hosts count together.

Where REDIS_URL is set they count in Redis, else in the database; there too while Redis is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils.timezone import now as current_time

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
    limit = settings.THROTTLE_RATES[scope]
    now = current_time()
    window = now.replace(second=0, microsecond=0)
    count = _count_in_redis(scope, key, window)
    if count is None:
        count = _count_in_database(scope, key, window)
    if count <= limit:
        return Verdict(True, 0)
    return Verdict(False, max(1, int((window + WINDOW - now).total_seconds()) + 1))


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
    key = key.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL
    with forgettable():
        row = {"scope": scope, "key": key[:200], "window": window}
        if not ThrottleCount.objects.filter(**row).update(count=F("count") + 1):
            _, opened = ThrottleCount.objects.get_or_create(**row, defaults={"count": 1})
            if opened:
                # Whoever opens a window sweeps those that no longer count.
                ThrottleCount.objects.filter(window__lt=window - WINDOW).delete()
            else:  # another process was first
                ThrottleCount.objects.filter(**row).update(count=F("count") + 1)
        # Gone in between: whoever it was has deleted the account.
        return ThrottleCount.objects.filter(**row).values_list("count", flat=True).first() or 1


def client_address(meta: dict[str, str]) -> str:
    """The address a request comes from. X-Forwarded-For is believed only as far as TRUSTED_PROXIES vouch for it."""
    forwarded = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    proxies = settings.TRUSTED_PROXIES
    if proxies and forwarded:
        return forwarded[-min(proxies, len(forwarded))]
    return meta.get("REMOTE_ADDR", "")
