"""Throttles and caches in Redis, and a Redis that is gone, frozen, full or lied to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime

import numpy as np
import redis
from django.conf import settings
from django.core.cache import cache
from django.test import Client, SimpleTestCase, TestCase, override_settings

from cinema import figure_cache, redis_store
from cinema.crowd import Crowd
from cinema.figure_cache import cached_figures
from cinema.models import ThrottleCount, User
from cinema.tests.redis_servers import RedisMixin, RedisServer
from cinema.throttling import allow

SMALL_CROWD = Crowd(
    datetime(2026, 1, 1, 12, tzinfo=UTC), 7, np.array([3, 8]), np.arange(20).reshape(2, 10), np.full(10, 5)
)

ATTEMPTS = """
import os, sys, django
from unittest import mock
from datetime import datetime, timezone
django.setup()
from cinema import throttling
sys.stdin.readline()
with mock.patch("cinema.throttling.current_time", return_value=datetime(2026, 1, 1, 12, 0, 20, tzinfo=timezone.utc)):
    print(sum(throttling.allow("rating", "1").allowed for _ in range(25)))
"""


@override_settings(THROTTLE_RATES={"rating": 2, "sign-in": 1})
class CountingTestCase(RedisMixin, TestCase):
    def test_it_allows_up_to_the_rate_within_a_minute_and_leaves_the_database_alone(self) -> None:
        with self.assertNumQueries(0):
            verdicts = [allow("rating", "1") for _ in range(4)]
        self.assertEqual([verdict.allowed for verdict in verdicts], [True, True, False, False])
        self.assertIn(verdicts[-1].retry_after, range(1, 62))

    def test_it_counts_each_key_and_scope_for_itself(self) -> None:
        self.assertTrue(allow("sign-in", "1").allowed)
        self.assertFalse(allow("sign-in", "1").allowed)
        self.assertTrue(allow("sign-in", "2").allowed)
        self.assertTrue(allow("rating", "1").allowed)
        self.assertTrue(allow("sign-in", "1\n\0é" * 1000).allowed)
        self.assertTrue(allow("sign-in", "\ud800").allowed)

    def test_what_it_keeps_names_nobody_and_goes_by_itself(self) -> None:
        allow("sign-in", "192.0.2.1")
        allow("sign-in", "alice")
        keys = self.server.client.keys("*")
        self.assertEqual(len(keys), 2)
        for key in keys:
            self.assertTrue(key.startswith(settings.REDIS_PREFIX.encode()))
            self.assertNotRegex(key.decode(), r"192\.0\.2|alice|sign-in")
            self.assertLessEqual(self.server.client.ttl(key), 120)
            self.assertGreater(self.server.client.ttl(key), 60)

    @override_settings(THROTTLE_RATES={"rating": 60})
    def test_processes_count_together_to_the_last_attempt(self) -> None:
        with tempfile.TemporaryDirectory() as var:
            environment = {
                **os.environ, "CINEMA_VAR": var, "DJANGO_SETTINGS_MODULE": "cinema.settings",
                "REDIS_URL": self.server.url, "RATINGS_PER_MINUTE": "60", "SECRET_KEY": settings.SECRET_KEY,
            }  # fmt: skip
            processes = [
                subprocess.Popen(
                    [sys.executable, "-c", ATTEMPTS], env=environment, cwd=settings.BASE_DIR, text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                )
                for _ in range(4)
            ]  # fmt: skip
            for process in processes:  # all of them at once, when the last one is there
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
            allowed = [int(process.communicate(timeout=60)[0]) for process in processes]
        self.assertEqual(sum(allowed), 60)

    def test_threads_count_together(self) -> None:
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.extend(redis_store.count("x", 60) for _ in range(50)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(found), list(range(1, 401)))


@override_settings(THROTTLE_RATES={"rating": 2})
class GoneTestCase(RedisMixin, TestCase):
    """Each with a server of its own, since it does not survive."""

    def setUp(self) -> None:
        super().setUp()
        self.own = RedisServer()
        self.own.start()
        self.addCleanup(self.own.close)
        self.use(self.own)

    def attempts(self) -> list[bool]:
        return [allow("rating", "1").allowed for _ in range(4)]

    def test_the_database_counts_while_it_is_gone(self) -> None:
        self.own.stop()
        with self.assertLogs("cinema.redis_store", "WARNING") as logs:
            self.assertEqual(self.attempts(), [True, True, False, False])
        self.assertEqual(len(logs.records), 1)
        self.assertEqual(ThrottleCount.objects.get().count, 4)

    def test_nobody_waits_for_one_that_is_frozen(self) -> None:
        self.own.freeze()
        began = time.monotonic()
        with self.assertLogs("cinema.redis_store", "WARNING"):
            self.assertEqual(self.attempts(), [True, True, False, False])
            self.assertIsNone(cache.get("a"))
        self.assertLess(time.monotonic() - began, 1.5)

    def test_the_database_counts_while_it_is_full_or_read_only(self) -> None:
        self.own.client.config_set("maxmemory", 1)
        with self.assertLogs("cinema.redis_store", "WARNING"):
            self.assertEqual(self.attempts(), [True, True, False, False])
        self.own.client.config_set("maxmemory", 0)
        self.own.client.replicaof("127.0.0.1", "1")
        self.come_back()
        with self.assertLogs("cinema.redis_store", "WARNING"):
            self.assertFalse(allow("rating", "1").allowed)

    def test_it_counts_again_when_it_is_back(self) -> None:
        allow("rating", "1")
        self.own.stop()
        with self.assertLogs("cinema.redis_store", "WARNING"):
            allow("rating", "1")
        self.own.start()
        self.come_back()
        with self.assertNumQueries(0):
            self.assertEqual(self.attempts(), [True, True, False, False])

    def test_a_cache_that_is_gone_holds_nothing_and_harms_nobody(self) -> None:
        cached_figures("a", int, lambda: 1)
        self.own.stop()
        figure_cache.forget()
        with self.assertLogs("cinema.redis_store", "WARNING"):
            self.assertEqual(cached_figures("a", int, lambda: 2), 2)
        self.assertEqual(cache.get("b", "nothing"), "nothing")
        self.assertFalse(cache.add("b", 1))
        self.assertFalse(cache.delete("b"))
        self.assertEqual(cache.get_many(["b"]), {})
        self.assertEqual(cache.set_many({"b": 1}), ["b"])
        cache.clear()

    def test_pages_and_sign_in_go_on_without_it(self) -> None:
        User.objects.create_user("alice", password="a-long-password")
        self.own.stop()
        with (
            self.assertLogs("cinema.redis_store", "WARNING"),
            override_settings(THROTTLE_RATES={"sign-in": 2, "sign-in-name": 2}),
        ):
            form = {"username": "alice", "password": "a-long-password"}
            self.assertEqual(Client().post("/sign-in", form).status_code, 302)
            self.assertEqual(Client().post("/sign-in", form).status_code, 302)
            self.assertEqual(Client().post("/sign-in", form).status_code, 429)
            self.assertEqual(Client().get("/").status_code, 200)

    def test_readiness_says_so_and_asks_nobody_to_stay_away(self) -> None:
        before = Client().get("/readyz")
        self.own.stop()
        after = Client().get("/readyz")
        self.assertEqual((before.json()["redis"], after.json()["redis"]), ("up", "down"))
        self.assertEqual(before.status_code, after.status_code)


def count_nobody() -> Crowd:
    raise AssertionError("counted again")


class CachingTestCase(RedisMixin, SimpleTestCase):
    def test_what_one_process_has_computed_serves_the_others(self) -> None:
        counted = cached_figures("crowd", Crowd, lambda: SMALL_CROWD)
        figure_cache.forget()  # another process
        kept = cached_figures("crowd", Crowd, count_nobody)
        for figures in (counted, kept):
            self.assertEqual((figures.as_of, figures.n_people), (SMALL_CROWD.as_of, 7))
            np.testing.assert_array_equal(figures.tallies, SMALL_CROWD.tallies)
            self.assertEqual(figures.movie_ids.dtype, np.int64)
        self.assertEqual(len(self.server.client.keys(f"{settings.REDIS_PREFIX}:*")), 1)

    def test_what_somebody_else_wrote_there_is_not_read(self) -> None:
        cache.set("a", "ours")
        (key,) = self.server.client.keys("*")
        value = self.server.client.get(key)
        for other in (b"", b"1", value[:-1], value[:40] + b"X" + value[41:], b"\0" * 32 + value[32:]):
            self.server.client.set(key, other)
            self.assertEqual(cache.get("a", "nothing"), "nothing")
        self.server.client.set(key, value)
        self.assertEqual(cache.get("a"), "ours")
        with override_settings(SECRET_KEY="another one"):
            self.assertIsNone(cache.get("a"))

    def test_what_was_kept_under_another_name_is_computed_anew(self) -> None:
        cached_figures("crowd", Crowd, lambda: SMALL_CROWD)
        cached_figures("a", int, lambda: 1)
        crowd, number = sorted(self.server.client.keys("*"), key=self.server.client.strlen, reverse=True)
        self.server.client.copy(crowd, number, replace=True)
        figure_cache.forget()
        self.assertEqual(cached_figures("a", int, lambda: 2), 2)

    def test_it_holds_json_and_no_pickle(self) -> None:
        cache.set("a", [1, None, "é"])
        (key,) = self.server.client.keys("*")
        self.assertEqual(json.loads(self.server.client.get(key)[32:]), [1, None, "é"])
        with self.assertRaises(TypeError):
            cache.set("a", SMALL_CROWD)

    def test_clearing_leaves_alone_what_is_not_ours(self) -> None:
        self.server.client.set("somebody's", 1)
        cache.set_many({"a": 1, "b": None})
        self.assertEqual(cache.get_many(["a", "b", "c"]), {"a": 1, "b": None})
        self.assertTrue(cache.has_key("a") and cache.touch("a") and cache.delete("a") and cache.add("a", 2))
        cache.delete_many(["b"])
        cache.clear()
        self.assertEqual(self.server.client.keys("*"), [b"somebody's"])

    def test_counts_are_not_kept_in_the_cache(self) -> None:
        with self.assertRaises(NotImplementedError):
            cache.incr("a")


class AddressTestCase(SimpleTestCase):
    def started_with(self, url: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as var:
            return subprocess.run(
                [sys.executable, "-c", "import django; django.setup()"],
                env={**os.environ, "CINEMA_VAR": var, "REDIS_URL": url, "DJANGO_SETTINGS_MODULE": "cinema.settings"},
                cwd=settings.BASE_DIR, capture_output=True, text=True,
            )  # fmt: skip

    def test_an_address_that_is_none_stops_the_start_and_is_not_shown(self) -> None:
        for url, told in (
            ("http://user:secret@localhost", "REDIS_URL must begin with redis://"),
            ("redis://:secret@localhost:port/0", "REDIS_URL cannot be understood"),
            ("redis://:secret@localhost/0?colour=red", "REDIS_URL cannot be understood"),
        ):
            outcome = self.started_with(url)
            self.assertIn(told, outcome.stderr)
            self.assertNotIn("secret@", outcome.stderr)

    def test_no_answer_is_asked_for_at_the_start(self) -> None:
        self.assertEqual(self.started_with("redis://127.0.0.1:1/0").returncode, 0)

    def test_errors_of_redis_are_known_by_one_name(self) -> None:
        for error in (redis.ConnectionError, redis.TimeoutError, redis.ResponseError, redis.AuthenticationError):
            self.assertTrue(issubclass(error, redis.RedisError))
