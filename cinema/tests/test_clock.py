"""A clock that jumps a day ahead or back disturbs for a moment and breaks nothing for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from unittest import mock

from django.utils import timezone

from cinema import throttling
from cinema.models import Rating
from cinema.tests.api_clients import ApiTestCase
from mlops import runs
from mlops.models import TrainingRun
from recommender import registry
from recommender.tests.stored_versions import store_version

DAY = timedelta(days=1)


@contextmanager
def clock_off_by(jump: timedelta) -> Iterator[None]:
    real = timezone.now

    def now() -> datetime:
        return real() + jump

    with ExitStack() as stack:
        stack.enter_context(mock.patch("django.utils.timezone.now", now))
        stack.enter_context(mock.patch("cinema.throttling.current_time", now))
        yield


class ClockTestCase(ApiTestCase):
    def put(self, film: int) -> int:
        return self.api("PUT", f"/api/ratings/{film}", json={"value": 4.0}, by=self.alice).status_code

    def test_ratings_go_on_and_lists_follow_them(self) -> None:
        for film, jump in ((200, DAY), (210, -DAY), (220, timedelta(0))):
            with clock_off_by(jump):
                self.assertEqual(self.put(film), 201)
                answer = self.api("GET", f"/api/ml/recommendations/{self.alice.pk}?n=60", by=self.alice).json()
                self.assertNotIn(film, [item["movie_id"] for item in answer["items"]])
        self.assertEqual(Rating.objects.of(self.alice).count(), 3)

    def test_nobody_stays_shut_out_by_a_throttle(self) -> None:
        with self.settings(THROTTLE_RATES={"rating": 1}):
            with clock_off_by(DAY):
                self.assertEqual([self.put(200), self.put(210)], [201, 429])
            self.assertEqual([self.put(210), self.put(220)], [201, 429])
            with clock_off_by(-DAY):
                self.assertTrue(throttling.allow("rating", str(self.alice.pk)).allowed)

    def test_a_training_that_is_taken_for_dead_can_be_started_again(self) -> None:
        run, owner = runs.start_in_foreground()
        with clock_off_by(-DAY):
            runs.sweep()
            self.assertTrue(runs.beat(run.pk, owner), "a clock set back kills nobody")
        with clock_off_by(DAY):
            runs.sweep()
        self.assertFalse(runs.finish(run.pk, owner, TrainingRun.Status.SUCCEEDED), "it is fenced off")
        again, owner = runs.start_in_foreground()
        self.assertTrue(runs.beat(again.pk, owner))

    def test_the_live_version_is_the_last_one_activated_whatever_the_clock_said(self) -> None:
        first, second = store_version(), store_version()
        with clock_off_by(DAY):
            registry.activate(first)
        registry.activate(second)
        self.assertEqual(registry.live().version, second)
        registry.roll_back(actor=None)
        self.assertEqual(registry.live().version, first)
