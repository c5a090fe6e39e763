from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from unittest import mock

from django.db import connection
from django.test import TestCase, TransactionTestCase
from django.utils import timezone

from cinema.models import User
from mlops import schedules
from mlops.models import RetrainPolicy, TrainingRun
from recommender import registry
from recommender.models import ModelVersion
from recommender.tests.stored_versions import DRAMA_FAN, StoredVersionsMixin, make_catalogue, rate, store_version

EVENING = datetime(2026, 5, 3, 20, 0, tzinfo=UTC)
THREE = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)


class ScheduleMixin(StoredVersionsMixin):
    def schedule(self, **rules) -> RetrainPolicy:
        policy = RetrainPolicy.current()
        for name, value in rules.items():
            setattr(policy, name, value)
        schedules.save(policy, EVENING)
        return policy

    def started(self, now: datetime) -> str | None:
        run = schedules.retrain_if_due(now)
        return None if run is None else run.trigger

    def end_run(self, status: str = "failed") -> None:
        TrainingRun.objects.active().update(status=status)


class SetTimesTestCase(ScheduleMixin, TestCase):
    def test_nothing_starts_that_nobody_has_set(self) -> None:
        self.assertIsNone(self.started(THREE))
        self.schedule()
        self.assertIsNone(self.started(THREE))

    def test_it_starts_once_at_its_time(self) -> None:
        self.schedule(nightly=True, preset="classic")
        self.assertIsNone(self.started(THREE - timedelta(minutes=1)))
        self.assertEqual(self.started(THREE), "set for 4 May 2026, 03:00")
        run = TrainingRun.objects.get()
        self.assertEqual((run.preset, run.activate, run.requested_by), ("classic", True, None))
        self.end_run()
        for minutes in (0, 1, 9, 30):
            self.assertIsNone(self.started(THREE + timedelta(minutes=minutes)))
        self.assertEqual(self.started(THREE + timedelta(days=1)), "set for 5 May 2026, 03:00")

    def test_a_look_that_comes_a_little_late_is_not_too_late(self) -> None:
        self.schedule(nightly=True)
        self.assertIsNotNone(self.started(THREE + timedelta(minutes=9)))

    def test_a_night_without_a_worker_is_not_made_up_for(self) -> None:
        self.schedule(nightly=True)
        morning = THREE + timedelta(days=3, hours=5)
        with self.assertLogs("mlops.schedules", "WARNING"):
            self.assertIsNone(self.started(morning))
        policy = RetrainPolicy.current()
        self.assertEqual(policy.missed_at, THREE + timedelta(days=3))
        self.assertIsNone(self.started(morning + timedelta(minutes=1)))
        self.assertIsNotNone(self.started(THREE + timedelta(days=4)))

    def test_times_before_it_was_set_are_none_of_its(self) -> None:
        schedules.save(RetrainPolicy(nightly=True), THREE + timedelta(minutes=1))
        self.assertIsNone(self.started(THREE + timedelta(minutes=2)))

    def test_a_clock_that_is_set_back_starts_nothing_twice(self) -> None:
        self.schedule(nightly=True)
        self.assertIsNotNone(self.started(THREE))
        self.end_run()
        self.assertIsNone(self.started(THREE - timedelta(hours=1)))
        self.assertIsNone(self.started(THREE))

    def test_it_waits_for_the_run_that_is_going_on(self) -> None:
        self.schedule(nightly=True)
        TrainingRun.objects.create(preset="fast")
        self.assertIsNone(self.started(THREE))
        self.end_run()
        self.assertIsNotNone(self.started(THREE + timedelta(minutes=5)))

    def test_a_moment_is_not_used_up_by_what_did_not_begin(self) -> None:
        self.schedule(nightly=True)
        with mock.patch("mlops.runs.async_task", side_effect=OSError), self.assertRaises(OSError):
            self.started(THREE)
        self.assertFalse(TrainingRun.objects.exists())
        self.assertIsNotNone(self.started(THREE + timedelta(minutes=1)))

    def test_its_times_are_those_of_cron(self) -> None:
        times = schedules.next_times("30 4 * * 1", EVENING)
        self.assertEqual(times[0], datetime(2026, 5, 4, 4, 30, tzinfo=UTC))
        self.assertEqual(times[1] - times[0], timedelta(days=7))
        for wrong in (
            "",
            "soon",
            "61 * * * *",
            "* * * *",
            "* * * * * *",
            "0 3 31 2 *",
            "@hourly",
            "* * * * *",
            "0,30 3 * * *",
            "R R * * *",
            "H 3 * * *",
            "0 r(1-5) * * *",
        ):
            with self.subTest(wrong), self.assertRaises(schedules.InvalidCron):
                schedules.next_times(wrong, EVENING)


class RatingsTestCase(ScheduleMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        self.live = store_version(data_until=timezone.now() - timedelta(hours=1))
        registry.activate(self.live)

    def ratings(self, people: int) -> None:
        for _ in range(people):
            rate(User.objects.create_user(f"p{User.objects.count()}"), DRAMA_FAN)

    def test_it_starts_when_enough_have_come(self) -> None:
        self.schedule(after_ratings=10)
        self.ratings(1)
        self.assertIsNone(self.started(EVENING))
        self.ratings(1)
        self.assertEqual(self.started(EVENING), "14 new or changed ratings")

    def test_what_failed_or_was_refused_is_not_tried_again_for_the_same_ratings(self) -> None:
        self.schedule(after_ratings=10)
        self.ratings(2)
        self.assertIsNotNone(self.started(EVENING))
        self.end_run()
        self.ratings(1)
        self.assertIsNone(self.started(EVENING))
        self.ratings(1)
        self.assertEqual(self.started(EVENING), "28 new or changed ratings")

    def test_a_new_live_version_counts_anew(self) -> None:
        self.schedule(after_ratings=10)
        self.ratings(2)
        self.started(EVENING)
        self.end_run("succeeded")
        registry.activate(store_version(data_until=timezone.now()))
        self.assertIsNone(self.started(EVENING))

    def test_without_a_live_version_there_is_nothing_to_renew(self) -> None:
        self.assertIsNone(
            schedules.due(
                RetrainPolicy(after_ratings=1, after_days=1),
                now=EVENING,
                live=registry.LiveState(None, 0, False, False),
                newer_ratings=9,
            )
        )


class AgeTestCase(ScheduleMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        version = store_version()
        ModelVersion.objects.update(created_at=EVENING - timedelta(days=7))
        version.refresh_from_db()
        registry.activate(version)

    def test_it_starts_when_the_live_version_is_old(self) -> None:
        self.schedule(after_days=8)
        self.assertIsNone(self.started(EVENING))
        self.schedule(after_days=7)
        self.assertEqual(self.started(EVENING), "the live version is 7 days old")

    def test_it_tries_again_a_day_later_and_not_before(self) -> None:
        self.schedule(after_days=7)
        self.started(EVENING)
        self.end_run()
        self.assertIsNone(self.started(EVENING + timedelta(hours=23)))
        self.assertIsNotNone(self.started(EVENING + timedelta(hours=25)))


class TwoWorkersTestCase(ScheduleMixin, TransactionTestCase):
    def test_they_start_one_run(self) -> None:
        self.schedule(nightly=True)
        together = threading.Barrier(4)

        def look() -> None:
            together.wait()
            try:
                schedules.retrain_if_due(THREE)
            finally:
                connection.close()

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(TrainingRun.objects.count(), 1)


class SchedulePageTestCase(ScheduleMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(User.objects.create_user("grace", is_staff=True))

    def save(self, **values):
        rules = {"cron": "0 3 * * *", "after_ratings": "0", "after_days": "0", "preset": "balanced", **values}
        return self.client.post("/training/schedules", rules)

    def test_it_shows_what_comes_next_and_what_came(self) -> None:
        self.save(nightly="on", after_ratings="500")
        TrainingRun.objects.create(preset="fast", status="succeeded", trigger="set for <now>")
        page = self.client.get("/training/schedules")
        self.assertEqual(len(page.context["next_times"]), 3)
        self.assertContains(page, "by itself: set for &lt;now&gt;")
        self.assertContains(page, "No worker is running")

    def test_what_is_no_time_is_refused_in_words(self) -> None:
        response = self.save(nightly="on", cron="at night")
        self.assertContains(response, "Five fields are needed", status_code=422)
        self.assertFalse(RetrainPolicy.objects.exists())

    def test_saving_leaves_what_the_schedule_has_done(self) -> None:
        RetrainPolicy.objects.create(tried_ratings=7, revision=3)
        self.save(after_days="9")
        policy = RetrainPolicy.current()
        self.assertEqual((policy.tried_ratings, policy.revision, policy.after_days), (7, 4, 9))

    def test_it_is_for_staff(self) -> None:
        self.client.force_login(User.objects.create_user("alice"))
        self.assertEqual(self.client.get("/training/schedules").status_code, 403)
        self.assertEqual(self.save().status_code, 403)
