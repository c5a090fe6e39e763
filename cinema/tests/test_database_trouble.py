"""A database that is locked, full or gone: reads go on where they can, writes wait or are told to come again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections
from django.test import Client, TransactionTestCase, override_settings
from knox.models import AuthToken

from cinema.models import Movie, Rating, User
from recommender import registry
from recommender.tests.stored_versions import DRAMA_FAN, StoredVersionsMixin, make_catalogue, rate, store_version

UNLIMITED = 1_073_741_823  # pages, SQLite's own bound


class DatabaseTroubleTestCase(StoredVersionsMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        self.alice = User.objects.create_user("alice")
        rate(self.alice, DRAMA_FAN)
        registry.activate(store_version())
        self.headers = {"Authorization": f"Token {AuthToken.objects.create(self.alice)[1]}"}
        self.films = list(Movie.objects.exclude(ratings__user=self.alice).values_list("pk", flat=True))

    def put(self, film: int, value: float = 4.0) -> Any:
        return Client().put(f"/api/ratings/{film}", {"value": value}, "application/json", headers=self.headers)

    def list_status(self) -> int:
        path = f"/api/ml/recommendations/{self.alice.pk}"
        return Client(raise_request_exception=False).get(path, headers=self.headers).status_code

    def assert_comes_again(self, response: Any) -> None:
        self.assertEqual(response.status_code, 503)
        self.assertEqual(response.json()["code"], "database_unavailable")
        self.assertGreater(int(response["Retry-After"]), 0)


@contextmanager
def locked_elsewhere() -> Iterator[threading.Event]:
    """The lock of writers, in the hands of another connection until the event is set."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                if other.vendor == "sqlite":
                    cursor.execute("BEGIN IMMEDIATE")
                else:
                    other.set_autocommit(False)
                    cursor.execute("LOCK TABLE cinema_rating IN EXCLUSIVE MODE")
                held.set()
                release.wait(60)
                cursor.execute("ROLLBACK")
        finally:
            other.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        yield release
    finally:
        release.set()
        thread.join()


class LockedTestCase(DatabaseTroubleTestCase):
    def test_a_writer_waits_ten_seconds_and_readers_not_at_all(self) -> None:
        with locked_elsewhere() as release:
            timer = threading.Timer(10, release.set)
            timer.start()
            began = time.monotonic()
            self.assertEqual(self.list_status(), 200)
            self.assertLess(time.monotonic() - began, 5)
            response = self.put(self.films[0])
            waited = time.monotonic() - began
        self.assertEqual(response.status_code, 201)
        self.assertTrue(8 < waited < 14, waited)
        self.assertTrue(Rating.objects.filter(user=self.alice, movie=self.films[0]).exists())

    def test_one_that_would_wait_a_minute_is_told_to_come_again(self) -> None:
        with locked_elsewhere():
            began = time.monotonic()
            self.assert_comes_again(self.put(self.films[0]))
            self.assertLess(time.monotonic() - began, 20)
            self.assertEqual(self.list_status(), 200)
        self.assertEqual(self.put(self.films[0]).status_code, 201)


class GoneTestCase(DatabaseTroubleTestCase):
    """The server ends every connection and takes no new one, as one that is restarted."""

    def setUp(self) -> None:
        super().setUp()
        if connection.vendor == "sqlite":
            self.skipTest("SQLite has no server that could go.")
        self.name = connection.settings_dict["NAME"]
        self.addCleanup(self.back)

    def at_the_server(self, *statements: str) -> None:
        other = connections.create_connection("default")
        other.settings_dict = {**other.settings_dict, "NAME": "postgres"}
        try:
            with other.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            other.close()

    def go(self) -> None:
        self.at_the_server(
            f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS false',
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'",
        )

    def back(self) -> None:
        self.at_the_server(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS true')

    def test_it_is_told_to_come_again_and_comes_back_by_itself(self) -> None:
        acknowledged: dict[int, float] = {}
        for film in self.films[:3]:
            self.assertEqual(self.put(film).status_code, 201)
            acknowledged[film] = 4.0
        self.go()
        for _ in range(3):
            began = time.monotonic()
            self.assert_comes_again(self.put(self.films[3]))
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(self.list_status(), 503)
        for path, status in (("/healthz", 200), ("/readyz", 503), ("/movies/1", 503), ("/", 503)):
            with self.subTest(path):
                self.assertEqual(Client(raise_request_exception=False).get(path).status_code, status)
        self.assertEqual(Client().get("/readyz").json()["db"], "down")
        self.back()
        self.assertEqual(self.put(self.films[4]).status_code, 201)
        self.assertEqual(self.list_status(), 200)
        kept = dict(Rating.objects.filter(user=self.alice, movie__in=self.films).values_list("movie_id", "value"))
        self.assertEqual(kept, {**acknowledged, self.films[4]: 4.0})


class FullTestCase(DatabaseTroubleTestCase):
    def setUp(self) -> None:
        super().setUp()
        if connection.vendor != "sqlite":
            self.skipTest("PostgreSQL keeps its own disk; a site cannot fill it for a test.")

    def limit(self, pages: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count={pages}")

    @override_settings(THROTTLE_RATES={"rating": 10_000})
    def test_writes_come_again_reads_go_on_and_nothing_acknowledged_is_lost(self) -> None:
        films = [film.pk for film in Movie.objects.bulk_create(Movie(title=f"More {n}") for n in range(600))]
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")  # pages that other tests have freed would hold many ratings yet
            cursor.execute("PRAGMA page_count")
            (pages,) = cursor.fetchone()
        self.addCleanup(self.limit, UNLIMITED)
        self.limit(pages)
        acknowledged: dict[int, float] = {}
        for number, film in enumerate(films):
            value = 0.5 + (number % 10) / 2
            answer = self.put(film, value)
            if answer.status_code != 201:
                break
            acknowledged[film] = value
        self.assert_comes_again(answer)
        self.assertEqual(self.list_status(), 200)
        self.assertEqual(Client().get(f"/movies/{films[0]}").status_code, 200)
        self.limit(UNLIMITED)
        self.assertEqual(self.put(film).status_code, 201)
        kept = dict(Rating.objects.filter(movie__in=films).values_list("movie_id", "value"))
        self.assertEqual(kept, {**acknowledged, film: 4.0})
