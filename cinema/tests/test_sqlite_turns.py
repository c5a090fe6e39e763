"""Who wants to write to SQLite while somebody else does."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any
from unittest import mock, skipUnless

from django.db import OperationalError, connection, connections, transaction
from django.test import TransactionTestCase

from cinema.models import Genre
from cinema.sqlite.base import DatabaseWrapper
from cinema.tests.test_database_trouble import locked_elsewhere


class Writer(threading.Thread):
    """Writes one genre, in a thread and so with a connection of its own."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.genre = name
        self.error: OperationalError | None = None
        self.start()

    def run(self) -> None:
        try:
            with transaction.atomic():
                Genre.objects.create(name=self.genre)
        except OperationalError as error:
            self.error = error
        finally:
            connections.close_all()


@skipUnless(connection.vendor == "sqlite", "PostgreSQL lets them write side by side")
class TurnsTestCase(TransactionTestCase):
    def recorded(self, name: str, reached: Callable[[list[Any]], bool]) -> tuple[list[Any], threading.Event]:
        """The threads that call that method of the connection, in their order, and when they are as many as wanted."""
        callers: list[Any] = []
        enough, method = threading.Event(), getattr(DatabaseWrapper, name)

        def call(wrapper: DatabaseWrapper, *rest: Any, **named: Any) -> Any:
            callers.append(threading.current_thread())
            if reached(callers):
                enough.set()
            return method(wrapper, *rest, **named)

        patch = mock.patch.object(DatabaseWrapper, name, call)
        patch.start()
        self.addCleanup(patch.stop)
        return callers, enough

    def test_one_of_a_process_asks_and_the_others_stand_behind(self) -> None:
        with locked_elsewhere() as release:
            asking, first_asks = self.recorded("_has_begun", lambda callers: len(callers) >= 5)
            first = Writer("first")
            self.assertTrue(first_asks.wait(10))
            arrived, others_are_there = self.recorded("_wait_at_most", lambda callers: len(set(callers)) == 2)
            others = [Writer("second"), Writer("third")]
            self.assertTrue(others_are_there.wait(10))
            before = len(asking)
            while len(asking) < before + 5:
                first.join(0.001)
            self.assertEqual(set(asking[before:]), {first})
            release.set()
            for writer in (first, *others):
                writer.join(10)
        self.assertEqual(set(Genre.objects.values_list("name", flat=True)), {"first", "second", "third"})
        self.assertLessEqual({first, *others}, set(arrived))

    def test_whoever_stands_behind_waits_no_longer_than_who_asks(self) -> None:
        with locked_elsewhere(), mock.patch.dict(connection.settings_dict["OPTIONS"], timeout=0.2):
            writers = [Writer("first"), Writer("second"), Writer("third")]
            for writer in writers:
                writer.join(5)
                self.assertIsInstance(writer.error, OperationalError)
                cause = writer.error.__cause__ if writer.error else None
                self.assertEqual(getattr(cause, "sqlite_errorcode", None), sqlite3.SQLITE_BUSY)
        self.assertFalse(Genre.objects.exists())
        Writer("afterwards").join(5)
        self.assertTrue(Genre.objects.filter(name="afterwards").exists())

    def test_what_is_no_waiting_is_an_error_at_once(self) -> None:
        asked, _ = self.recorded("_has_begun", lambda callers: False)
        with transaction.atomic(), self.assertRaises(OperationalError):  # there is no beginning one within another
            connection._start_transaction_under_autocommit()  # type: ignore[attr-defined]
        self.assertEqual(len(asked), 2)
