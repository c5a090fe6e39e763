"""Django's cache in Redis, for which a Redis that is gone is one that holds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.core.cache.backends.redis import RedisCache

from cinema import redis_store


class ForgivingRedisCache(RedisCache):
    """Never raises for Redis' sake: what cannot be read is not there, what cannot be written is forgotten."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._tried(super().add, False, *args, **kwargs))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._tried(super().get, default, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._tried(super().set, None, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._tried(super().touch, False, *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._tried(super().delete, False, *args, **kwargs))

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._tried(super().has_key, False, *args, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        found: dict[Any, Any] = self._tried(super().get_many, {}, *args, **kwargs)
        return found

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> list[Any]:
        failed: list[Any] = self._tried(super().set_many, list(data), data, *args, **kwargs)
        return failed

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._tried(super().delete_many, None, *args, **kwargs)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        # Values are signed, so Redis cannot add to them; what counts is counted by redis_store.count.
        raise NotImplementedError("Count with cinema.redis_store.count.")

    def clear(self) -> None:
        """Forgets what is this site's, counts of attempts too; the rest of a Redis that it shares is none of ours."""
        self._tried(self._clear, None)

    def _clear(self) -> None:
        client = self._cache.get_client(None, write=True)
        for key in client.scan_iter(match=f"{settings.REDIS_PREFIX}:*", count=1000):
            client.delete(key)

    @staticmethod
    def _tried(method: Callable[..., Any], otherwise: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            redis_store.check()
            return method(*args, **kwargs)
        except redis_store.Gone:
            return otherwise
        except redis.RedisError as error:
            redis_store.failed(error)
            return otherwise
