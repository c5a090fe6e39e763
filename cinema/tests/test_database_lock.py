from __future__ import annotations

import threading
from unittest import mock

from django.db import connection, connections
from django.test import TransactionTestCase

from cinema.database_lock import only_one
from cinema.importing.loading import only_one_import
from cinema.importing.sources import ImportRejected


class DatabaseLockTestCase(TransactionTestCase):
    def setUp(self) -> None:
        if connection.vendor != "postgresql":
            self.skipTest("On SQLite there is one host, and locks on files do.")

    def test_only_one_holds_it(self) -> None:
        with only_one("a") as first, only_one("a") as second, only_one("b") as other:
            self.assertEqual((first, second, other), (True, False, True))
        with only_one("a") as again:
            self.assertTrue(again)

    def test_whoever_waits_has_it_next(self) -> None:
        waiting, got = threading.Event(), threading.Event()

        def wait() -> bool:
            waiting.set()
            return True

        def second() -> None:
            with only_one("a", wait=wait) as held:
                if held:
                    got.set()

        thread = threading.Thread(target=second)
        with only_one("a"):
            thread.start()
            self.assertTrue(waiting.wait(20))
            self.assertFalse(got.is_set())
        thread.join(20)
        self.assertTrue(got.is_set())

    def test_it_goes_with_the_connection_of_whoever_dies(self) -> None:
        holder = connections.create_connection("default")
        with mock.patch.object(connections, "create_connection", return_value=holder), only_one("a") as held:
            self.assertTrue(held)
            with holder.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (process,) = cursor.fetchone()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
            found = connection.copy("default")
            with mock.patch.object(connections, "create_connection", return_value=found), only_one("a") as again:
                self.assertTrue(again)

    def test_an_import_on_another_host_is_waited_out(self) -> None:
        with (
            only_one("import"),
            self.assertRaisesMessage(ImportRejected, "running on another host"),
            only_one_import(),
        ):
            self.fail("two imports at once")
