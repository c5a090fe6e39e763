from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings

from cinema.durability import forgettable
from cinema.models import ThrottleCount
from cinema.throttling import allow


def waits_for_the_disk() -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous")
            return bool(cursor.fetchone()[0] == 2)
        cursor.execute("SHOW synchronous_commit")
        return bool(cursor.fetchone()[0] == "on")


class ForgettableTestCase(TransactionTestCase):
    def test_it_does_not_wait_for_the_disk(self) -> None:
        with forgettable():
            self.assertFalse(waits_for_the_disk())

    def test_what_is_written_afterwards_waits(self) -> None:
        with forgettable():
            pass
        self.assertTrue(waits_for_the_disk())

    def test_it_waits_again_after_an_error_too(self) -> None:
        with self.assertRaises(ZeroDivisionError), forgettable():
            raise ZeroDivisionError
        self.assertTrue(waits_for_the_disk())

    def test_it_makes_nobody_else_forgettable(self) -> None:
        with transaction.atomic():
            with forgettable():
                self.assertTrue(waits_for_the_disk())
            self.assertTrue(waits_for_the_disk())

    def test_it_is_all_or_nothing(self) -> None:
        with self.assertRaises(ZeroDivisionError), forgettable():
            ThrottleCount.objects.create(scope="rating", key="1", window="2026-01-01T00:00Z", count=1)
            raise ZeroDivisionError
        self.assertFalse(ThrottleCount.objects.exists())

    @override_settings(REDIS_URL="")
    def test_attempts_are_counted_like_that(self) -> None:
        waiting: list[bool] = []

        def look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            answer = execute(sql, *rest)
            if sql.startswith("INSERT"):
                waiting.append(waits_for_the_disk())
            return answer

        with connection.execute_wrapper(look):
            self.assertTrue(allow("rating", "1").allowed)
        self.assertEqual(waiting, [False])
