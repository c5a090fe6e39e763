from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta
from unittest import mock

import django
from django.db import OperationalError, connection
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from hypothesis import given
from hypothesis import strategies as st

from mlops import serving_counts
from mlops.histograms import BOUNDS_MS, EMPTY, added, bucket, quantile
from mlops.models import ServingMinute
from mlops.serving_counts import ServingCounts, roll_up
from recommender import registry
from recommender.served import Served
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version

NOON = datetime(2026, 5, 3, 12, 0, 30, tzinfo=UTC)


def a_list(version: str = "v1", *, fallback: bool = False) -> Served:
    return Served(version=version, lists=1, fallbacks=int(fallback), places=10, popular_places=3)


class HistogramTestCase(SimpleTestCase):
    def test_a_time_is_in_the_first_bucket_that_reaches_it(self) -> None:
        self.assertEqual((bucket(0.0), bucket(1.0), bucket(1.01), bucket(1e9)), (0, 0, 1, len(BOUNDS_MS)))

    @given(st.lists(st.floats(0, 10_000), min_size=1, max_size=50), st.floats(0.01, 0.99))
    def test_a_quantile_lies_in_the_bucket_of_the_true_one(self, times: list[float], share: float) -> None:
        counts = list(EMPTY)
        for time in times:
            counts[bucket(time)] += 1
        rank = max(1, -(-share * len(times) // 1))
        true = sorted(times)[min(len(times), int(rank)) - 1]
        found = quantile(counts, share)
        assert found is not None
        here = bucket(true)
        self.assertLessEqual(BOUNDS_MS[here - 1] if here else 0.0, found + 1e-9)
        self.assertLessEqual(found, BOUNDS_MS[min(here, len(BOUNDS_MS) - 1)] + 1e-9)

    def test_nothing_has_none(self) -> None:
        self.assertIsNone(quantile(EMPTY, 0.5))

    def test_they_add_up(self) -> None:
        one = [1] * len(EMPTY)
        self.assertEqual(added(one, one), [2] * len(EMPTY))


class ServingCountsTestCase(TestCase):
    def test_requests_are_added_up_by_minute_and_version(self) -> None:
        counts = ServingCounts()
        counts.record(a_list(), seconds=0.012, failed=False, now=NOON)
        counts.record(a_list(fallback=True), seconds=0.2, failed=False, now=NOON + timedelta(seconds=20))
        counts.record(a_list("v2"), seconds=0.01, failed=True, now=NOON)
        counts.record(Served(version="v1", learned_ms=[7.0]), seconds=0.05, failed=False, now=NOON)
        self.assertEqual(counts.flush(), 2)
        row = ServingMinute.objects.get(version="v1")
        self.assertEqual(row.minute, NOON.replace(second=0))
        self.assertEqual((row.handled, row.lists, row.fallbacks, row.errors), (3, 2, 1, 0))
        self.assertEqual((row.places, row.popular_places, row.learnings), (20, 6, 1))
        self.assertEqual((sum(row.latency), row.latency[bucket(12)], sum(row.learning)), (2, 1, 1))
        self.assertAlmostEqual(row.seconds, 0.212)
        self.assertEqual(ServingMinute.objects.get(version="v2").errors, 1)

    def test_the_next_flush_adds(self) -> None:
        counts = ServingCounts()
        for _ in range(3):
            counts.record(a_list(), seconds=0.01, failed=False, now=NOON)
            counts.flush()
        self.assertEqual(counts.flush(), 0)
        self.assertEqual(ServingMinute.objects.get().lists, 3)

    def test_what_cannot_be_written_is_written_later(self) -> None:
        counts = ServingCounts()
        counts.record(a_list(), seconds=0.01, failed=False, now=NOON)
        with mock.patch("mlops.serving_counts._add", side_effect=OperationalError("disk full")):
            with self.assertLogs("mlops.serving_counts", "WARNING"), mock.patch.object(connection, "close"):
                self.assertEqual(counts.flush(), 0)
            counts.record(a_list(), seconds=0.01, failed=False, now=NOON)
        counts.flush()
        self.assertEqual(ServingMinute.objects.get().lists, 2)

    def test_what_is_kept_is_bounded(self) -> None:
        counts = ServingCounts()
        failing = mock.patch("mlops.serving_counts._add", side_effect=OperationalError("disk full"))
        with mock.patch.object(serving_counts, "MAX_KEPT", 3), failing, mock.patch.object(connection, "close"):
            for minute in range(6):
                counts.record(a_list(), seconds=0.01, failed=False, now=NOON + timedelta(minutes=minute))
            with self.assertLogs("mlops.serving_counts", "WARNING"):
                counts.flush()
        self.assertEqual(counts.flush(), 3)


class RollUpTestCase(TestCase):
    def test_old_minutes_become_hours_and_lose_nothing(self) -> None:
        counts = ServingCounts()
        for minutes in range(0, 180, 7):
            counts.record(a_list(), seconds=0.01, failed=False, now=NOON + timedelta(minutes=minutes))
        counts.flush()
        n = sum(ServingMinute.objects.values_list("lists", flat=True))
        self.assertEqual(roll_up(NOON + timedelta(hours=5)), 0)
        self.assertGreater(roll_up(NOON + timedelta(days=3)), 15)
        rows = list(ServingMinute.objects.all())
        self.assertEqual({row.minute.minute for row in rows}, {0})
        self.assertEqual((sum(row.lists for row in rows), sum(sum(row.latency) for row in rows)), (n, n))

    def test_very_old_hours_are_forgotten(self) -> None:
        counts = ServingCounts()
        counts.record(a_list(), seconds=0.01, failed=False, now=NOON)
        counts.flush()
        roll_up(NOON + timedelta(days=41))
        self.assertFalse(ServingMinute.objects.exists())


class RequestsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        serving_counts.counts.flush()
        ServingMinute.objects.all().delete()
        self.client.force_login(self.alice)

    def rows(self) -> dict[str, ServingMinute]:
        serving_counts.counts.flush()
        return {row.version: row for row in ServingMinute.objects.all()}

    def test_a_list_is_counted_with_its_version(self) -> None:
        rate(self.alice, DRAMA_FAN)
        self.client.get(f"/api/ml/recommendations/{self.alice.pk}")
        row = self.rows()[self.version.label]
        self.assertEqual((row.handled, row.lists, row.fallbacks, row.places), (1, 1, 0, 10))
        self.assertTrue(0 < row.popular_places <= 10)

    def test_a_list_for_somebody_unknown_is_a_fallback(self) -> None:
        self.client.get("/")
        self.assertEqual(self.rows()[self.version.label].fallbacks, 1)

    def test_a_rating_is_counted_as_learned(self) -> None:
        self.client.put("/api/ratings/10", {"value": 5}, content_type="application/json")
        row = self.rows()[self.version.label]
        self.assertEqual((row.learnings, row.lists, sum(row.learning)), (1, 0, 1))

    def test_an_answer_of_500_is_an_error(self) -> None:
        self.client.raise_request_exception = False
        with mock.patch("cinema.home_views._lists", side_effect=RuntimeError):
            self.client.get("/")
        self.assertEqual(sum(row.errors for row in self.rows().values()), 1)

    def test_looking_at_two_versions_side_by_side_counts_as_nobodys_list(self) -> None:
        from recommender.side_by_side import side_by_side

        registry.activate(store_version())
        side_by_side(self.alice, [self.version])
        self.assertEqual(self.rows(), {})

    def test_counting_needs_no_query(self) -> None:
        self.client.get("/healthz")
        with self.assertNumQueries(0):
            self.client.get("/healthz")


def _serve(n: int, start: multiprocessing.synchronize.Barrier) -> None:
    django.setup()
    counts = ServingCounts()
    start.wait(30)
    for _ in range(n):
        counts.record(a_list(), seconds=0.01, failed=False, now=NOON)
        counts.flush()


class TwoProcessesTestCase(TransactionTestCase):
    def test_they_lose_nothing(self) -> None:
        connection.close()
        context = multiprocessing.get_context("fork")
        start = context.Barrier(2)
        processes = [context.Process(target=_serve, args=(20, start)) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
            self.assertEqual(process.exitcode, 0)
        row = ServingMinute.objects.get()
        self.assertEqual((row.lists, row.handled, sum(row.latency)), (40, 40, 40))
