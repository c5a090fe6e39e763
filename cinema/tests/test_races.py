"""Many at once, on one thing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.test import Client, TransactionTestCase
from knox.models import AuthToken

from cinema.models import AuditEntry, Movie, Rating, User
from cinema.mydata.accounts import delete_account
from recommender import registry
from recommender.models import Activation
from recommender.tests.stored_versions import StoredVersionsMixin, store_version


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call answers; all begin at the same moment, each with a database connection of its own."""
    start = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def call(place: int) -> None:
        start.wait()
        try:
            answers[place] = calls[place]()
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


class OneFilmTestCase(TransactionTestCase):
    """Fifty answers of one person to one film."""

    def setUp(self) -> None:
        self.alice = User.objects.create_user("alice")
        self.film = Movie.objects.create(title="One")
        self.headers = {"Authorization": f"Token {AuthToken.objects.create(self.alice)[1]}"}

    def put(self, value: float) -> Callable[[], tuple[int, float]]:
        def send() -> tuple[int, float]:
            answer = Client().put(
                f"/api/ratings/{self.film.pk}", {"value": value}, "application/json", headers=self.headers
            )
            return answer.status_code, value

        return send

    def test_leave_one_rating_and_no_error(self) -> None:
        answers = at_once([self.put(0.5 + (n % 10) / 2) for n in range(50)])
        self.assertEqual(sorted(code for code, _ in answers), [200] * 49 + [201])
        rating = Rating.objects.get()
        self.assertIn(rating.value, [value for _, value in answers])

    def test_deleting_meanwhile_leaves_one_or_none(self) -> None:
        def delete() -> tuple[int, float]:
            return Client().delete(f"/api/ratings/{self.film.pk}", headers=self.headers).status_code, 0.0

        answers = at_once([self.put(4.0) if n % 2 else delete for n in range(30)])
        self.assertLessEqual({code for code, _ in answers}, {200, 201, 204})
        self.assertLessEqual(Rating.objects.count(), 1)

    def test_deleting_the_account_meanwhile_is_no_error(self) -> None:
        answers = at_once([*[self.put(4.0)] * 10, lambda: (delete_account(user=self.alice), 0.0)])
        self.assertLessEqual({code for code, _ in answers if code}, {200, 201, 401, 403})
        self.assertFalse(User.objects.exists() or Rating.objects.exists())


class ActivateAgainstRollBackTestCase(StoredVersionsMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.staff = User.objects.create_user("grace", is_staff=True)
        self.headers = {"Authorization": f"Token {AuthToken.objects.create(self.staff)[1]}"}
        self.versions = [store_version(), store_version(), store_version()]
        for version in self.versions[:2]:
            registry.activate(version)

    def post(self, path: str, generation: int) -> Callable[[], tuple[int, str]]:
        def send() -> tuple[int, str]:
            answer = Client().post(
                f"/api/ml/{path}", {"generation": generation}, "application/json", headers=self.headers
            )
            return answer.status_code, answer.json().get("code", "")

        return send

    def test_one_wins_and_the_other_is_told(self) -> None:
        for _ in range(5):
            before = registry.live()
            other = next(version for version in self.versions if version != before.version)
            paths = ["rollback", f"versions/{other.label}/activate"] if before.can_roll_back else ["rollback"] * 2
            if not before.can_roll_back:
                registry.activate(other)
                continue
            answers = at_once([self.post(path, before.generation) for path in paths])
            self.assertEqual(sorted(code for code, _ in answers), [200, 409])
            self.assertIn((409, "stale_generation"), answers)
            after = registry.live()
            self.assertEqual(after.generation, before.generation + 1)
            self.assertEqual(Activation.objects.count(), after.generation)
            entries = AuditEntry.objects.filter(action__in=["activate", "rollback"])
            self.assertEqual(entries.count(), after.generation)
