from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock, skipUnless

from django.db import OperationalError, connection, connections, transaction
from django.test import TransactionTestCase, override_settings

from cinema.durability import durable, forgettable
from cinema.models import Genre, Movie, ThrottleCount, User
from cinema.ratings import rate_movie
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


class Disk:
    """What of SQLite's log is on the disk: what was in it when it was synced last."""

    def __init__(self) -> None:
        self.log = b""
        self.at_sync: Callable[[], None] = lambda: None
        self._sync = os.fsync

    def fsync(self, descriptor: int) -> None:
        self._sync(descriptor)
        if os.fstat(descriptor).st_ino == self._log.stat().st_ino:
            self.log = self._log.read_bytes()
            self.at_sync()

    @property
    def _log(self) -> Path:
        return Path(f"{connection.settings_dict['NAME']}-wal")

    def after_a_power_cut(self, question: str) -> list[tuple[Any, ...]]:
        """The answer of a database that has lost what was not synced."""
        with tempfile.TemporaryDirectory() as folder:
            there = Path(folder) / "database"
            shutil.copy(connection.settings_dict["NAME"], there)
            there.with_name("database-wal").write_bytes(self.log)
            found = sqlite3.connect(there)
            try:
                return found.execute(question).fetchall()
            finally:
                found.close()


@skipUnless(connection.vendor == "sqlite", "PostgreSQL syncs for others by itself")
class DurableTestCase(TransactionTestCase):
    def setUp(self) -> None:
        self.disk = Disk()
        self.enterContext(mock.patch("os.fsync", self.disk.fsync))

    def test_an_acknowledged_rating_outlives_a_power_cut(self) -> None:
        alice, film = User.objects.create_user("alice"), Movie.objects.create(title="Heat")
        question = "SELECT user_id, movie_id, value FROM cinema_rating"
        for value in (3.0, 4.5):
            rate_movie(user=alice, movie=film, value=value)
            self.assertEqual(self.disk.after_a_power_cut(question), [(alice.pk, film.pk, value)])

    def test_it_outlives_it_after_the_log_was_begun_anew(self) -> None:
        alice, film = User.objects.create_user("alice"), Movie.objects.create(title="Heat")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(RESTART)")
        rate_movie(user=alice, movie=film, value=2.0)
        self.assertEqual(self.disk.after_a_power_cut("SELECT value FROM cinema_rating"), [(2.0,)])

    def test_nobody_waits_while_it_gets_to_the_disk(self) -> None:
        def write() -> None:
            other = connections.create_connection("default")
            try:
                with other.cursor() as cursor:
                    cursor.execute("PRAGMA busy_timeout = 0")
                    cursor.execute("INSERT INTO cinema_genre (name) VALUES ('meanwhile')")
            finally:
                other.close()

        self.disk.at_sync = write
        with durable():
            Genre.objects.create(name="first")
        self.assertEqual(set(Genre.objects.values_list("name", flat=True)), {"first", "meanwhile"})

    def test_a_disk_that_does_not_take_it_is_an_error_of_the_database(self) -> None:
        full = mock.patch("os.fsync", side_effect=OSError(errno.EIO, "Input/output error"))
        with full, self.assertRaisesMessage(OperationalError, "Input/output error"), durable():
            Genre.objects.create(name="first")
        self.assertTrue(waits_for_the_disk())
        with durable():
            Genre.objects.create(name="second")
        self.assertIn(("second",), self.disk.after_a_power_cut("SELECT name FROM cinema_genre"))

    def test_what_is_written_afterwards_waits(self) -> None:
        with durable():
            self.assertFalse(waits_for_the_disk())
        self.assertTrue(waits_for_the_disk())

    def test_it_is_all_or_nothing(self) -> None:
        with self.assertRaises(ZeroDivisionError), durable():
            Genre.objects.create(name="first")
            raise ZeroDivisionError
        self.assertFalse(Genre.objects.exists())
        self.assertTrue(waits_for_the_disk())

    def test_inside_of_another_transaction_it_waits_as_that_one_does(self) -> None:
        with transaction.atomic():
            with durable():
                Genre.objects.create(name="first")
            self.assertTrue(waits_for_the_disk())
        self.assertEqual(self.disk.log, b"")
        self.assertTrue(Genre.objects.filter(name="first").exists())

    def test_where_there_is_no_log_it_waits_as_any_transaction(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode = DELETE")
            self.addCleanup(connection.close)  # the next one asks for its log again
            self.assertEqual(cursor.fetchone()[0], "delete")
        for context in (durable(), forgettable()):
            with context:
                self.assertTrue(waits_for_the_disk())
                Genre.objects.get_or_create(name="first")
        self.assertEqual(Genre.objects.count(), 1)
