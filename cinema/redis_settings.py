"""What the settings say of Redis and of the caches."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

REDIS_OPTIONS: dict[str, Any] = {
    # What a request waits for an answer at most, in seconds; on a local network it takes less than a millisecond.
    "socket_connect_timeout": 0.25,
    "socket_timeout": 0.25,
    "retry": None,  # redis-py would try again by itself, with pauses
}


def redis_prefix(secret_key: str, database: object) -> str:
    """What keys begin with: the same on all hosts of a site, another one on every other site."""
    return f"cinema-{hmac.digest(secret_key.encode(), str(database).encode(), 'sha256').hex()[:16]}"


def caches(url: str, prefix: str) -> dict[str, Any]:
    """Settings of the caches: in Redis at ``url`` (redis://, rediss:// or unix://), or in each process's memory.

    Raises ImproperlyConfigured.
    """
    if not url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or unix://. Leave it empty for none.")
    from redis import ConnectionPool  # only where it is used: it takes a while to import

    try:
        ConnectionPool.from_url(url, **REDIS_OPTIONS).make_connection()  # it connects when it is used
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured("REDIS_URL cannot be understood: see docs/operations.md.") from error
    return {
        "default": {
            "BACKEND": "cinema.redis_cache.ForgivingRedisCache",
            "LOCATION": url,
            "KEY_PREFIX": prefix,
            "VERSION": _code(),
            "OPTIONS": {**REDIS_OPTIONS, "serializer": "cinema.redis_store.SignedSerializer"},
        }
    }


def _code() -> str:
    """A digest of our sources: what other code has cached may have another form."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for package in ("cinema", "recommender", "mlops"):
        for source in sorted((root / package).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
