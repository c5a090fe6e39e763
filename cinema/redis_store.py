"""Redis, where REDIS_URL names one: for what may be lost at any moment. Without it the site does the same, slower.

Nobody waits for a Redis that is gone: after a failure this process leaves it alone for some seconds.
"""

from __future__ import annotations

import functools
import hmac
import json
import logging
import time
from typing import Any

import redis
from django.conf import settings

from cinema.redis_settings import REDIS_OPTIONS

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0

_retry_at = 0.0  # by the clock that nobody sets


class Gone(Exception):
    """Redis does not answer, or not as it should, or did not a moment ago."""


class SignedSerializer:
    """Values as JSON, never a pickle; whoever can write into Redis could otherwise make us show what they wrote."""

    def dumps(self, obj: Any) -> bytes:
        data = json.dumps(obj).encode()
        return _signature(data) + data

    def loads(self, data: Any) -> Any:
        """Raises Gone for what we have not signed."""
        signature, rest = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, _signature(rest)):
            raise Gone("a value in the cache carries another signature")
        return json.loads(rest)


_SIGNATURE_BYTES = 32


def _signature(data: bytes) -> bytes:
    return hmac.digest(b"cinema.redis_store" + settings.SECRET_KEY.encode(), data, "sha256")


@functools.lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, **REDIS_OPTIONS)


def count(name: str, seconds: int) -> int:
    """Adds one to the counter ``name``, which is forgotten after ``seconds``; what it is now. Raises Gone.

    One transaction in Redis: any number of processes on any number of hosts count together, exactly.
    """
    check()
    nameless = _signature(name.encode(errors="surrogatepass")).hex()  # neither names nor addresses
    key = f"{settings.REDIS_PREFIX}:count:{nameless}"
    try:
        with _client(settings.REDIS_URL).pipeline(transaction=True) as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, seconds)
            return int(pipeline.execute()[0])
    except redis.RedisError as error:
        failed(error)
        raise Gone(type(error).__name__) from error


def check() -> None:
    """Raises Gone while Redis is left alone."""
    if time.monotonic() < _retry_at:
        raise Gone("it did not answer a moment ago")


def failed(error: redis.RedisError) -> None:
    """Redis is left alone for a while."""
    global _retry_at
    if time.monotonic() >= _retry_at:
        logger.warning("Redis does not serve (%s): going on without it for %.0f s", type(error).__name__, PAUSE_SECONDS)
    _retry_at = time.monotonic() + PAUSE_SECONDS


def forget_failure() -> None:
    """Redis is asked again at once."""
    global _retry_at
    _retry_at = 0.0


def answers() -> bool:
    """Whether Redis answers at this moment."""
    try:
        _client(settings.REDIS_URL).ping()
    except redis.RedisError:
        return False
    forget_failure()
    return True
