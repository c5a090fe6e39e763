from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

from django.test import TestCase

from mlops import watch
from mlops.histograms import EMPTY, bucket
from mlops.models import ServingMinute, Watch, WatchPolicy
from mlops.watch import Behaviour, findings
from recommender import registry
from recommender.models import ModelVersion
from recommender.tests.stored_versions import StoredVersionsMixin, store_version

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
POLICY = WatchPolicy(minutes=30, min_lists=50)


def served(version: ModelVersion, minute: datetime, *, lists: int = 20, ms: float = 30, **counts: int) -> None:
    latency = list(EMPTY)
    latency[bucket(ms)] = lists
    values = {"handled": lists, "lists": lists, "places": 10 * lists, "popular_places": 3 * lists, **counts}
    ServingMinute.objects.create(minute=minute, version=version.label, latency=latency, **values)


class FindingsTestCase(TestCase):
    CALM = Behaviour(1000, 500, 0.1, 0.0, 0.3, 40.0)

    def failed(self, **changes: float) -> list[str]:
        after = Behaviour(**{**{name: getattr(self.CALM, name) for name in Behaviour.__slots__}, **changes})
        return [one.name for one in findings(POLICY, self.CALM, after) if not one.passed]

    def test_the_same_is_well(self) -> None:
        self.assertEqual(self.failed(), [])

    def test_each_thing_that_grows_worse_is_found(self) -> None:
        self.assertEqual(self.failed(fallback_share=0.16), ["fallback"])
        self.assertEqual(self.failed(error_share=0.02), ["errors"])
        self.assertEqual(self.failed(popular_share=0.5), ["popularity"])
        self.assertEqual(self.failed(p95_ms=61.0), ["latency"])
        self.assertEqual(self.failed(fallback_share=0.14, error_share=0.009, popular_share=0.44, p95_ms=59.0), [])

    def test_better_is_never_an_alarm(self) -> None:
        self.assertEqual(self.failed(fallback_share=0.0, popular_share=0.0, p95_ms=1.0), [])


class WatchTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.old, self.new = store_version(), store_version()
        self.at(NOON - timedelta(days=1), self.old)
        self.at(NOON, self.new)
        for minute in range(30):
            served(self.old, NOON - timedelta(minutes=minute + 1))

    def at(self, moment: datetime, version: ModelVersion) -> None:
        with mock.patch("recommender.registry.timezone.now", return_value=moment):
            registry.activate(version)

    def serve(self, minutes: int, **counts: int) -> None:
        for minute in range(minutes):
            served(self.new, NOON + timedelta(minutes=minute), **counts)

    def look(self, minutes: int) -> Watch:
        found = watch.look(NOON + timedelta(minutes=minutes))
        assert found is not None
        found.refresh_from_db()
        return found

    def test_a_version_that_behaves_as_before_passes_when_its_time_is_over(self) -> None:
        self.serve(31)
        self.assertEqual(self.look(10).state, "watching")
        self.assertEqual(len(self.look(10).findings), 4)
        found = self.look(31)
        self.assertEqual((found.state, registry.live().version), ("passed", self.new))
        self.assertEqual(self.look(60).ended_at, found.ended_at)

    def test_an_alarm_comes_at_once_and_only_offers(self) -> None:
        self.serve(5, fallbacks=10)
        found = self.look(5)
        self.assertEqual((found.state, found.rolled_back), ("alarm", False))
        self.assertIn("Impersonal lists: 50.0 %", next(one["text"] for one in found.findings if not one["passed"]))
        self.assertEqual(registry.live().version, self.new)

    def test_set_so_it_rolls_back_once_and_says_why(self) -> None:
        WatchPolicy.objects.create(action="roll back")
        self.serve(5, errors=10)
        found = self.look(5)
        self.assertEqual((found.state, found.rolled_back), ("alarm", True))
        state = registry.live()
        self.assertEqual((state.version, state.hold, state.generation), (self.old, True, 3))
        # The one it went back to is not watched in turn, or two bad versions would take turns for ever.
        self.assertIsNone(watch.look(NOON + timedelta(minutes=6)))
        self.assertEqual(registry.live().generation, 3)

    def test_what_staff_has_changed_meanwhile_stays(self) -> None:
        WatchPolicy.objects.create(action="roll back")
        self.serve(5, errors=10)
        third = store_version()
        original = watch._end

        def changed_meanwhile(*args) -> bool:
            self.at(NOON + timedelta(minutes=5), third)
            return original(*args)

        with (
            mock.patch("mlops.watch._end", side_effect=changed_meanwhile),
            self.assertLogs("mlops.watch", "WARNING"),
        ):
            watch.look(NOON + timedelta(minutes=5))
        self.assertEqual(registry.live().version, third)
        self.assertFalse(Watch.objects.get(activation__version=self.new).rolled_back)

    def test_two_workers_roll_back_once(self) -> None:
        WatchPolicy.objects.create(action="roll back")
        self.serve(5, errors=10)
        found = self.look(1)
        activation = found.activation
        self.look(5)
        stale = Watch.objects.get(pk=found.pk)
        stale.state = "watching"
        watch._go_on(stale, activation, WatchPolicy.current(), NOON + timedelta(minutes=5))
        self.assertEqual(registry.live().generation, 3)

    def test_few_lists_are_waited_for_and_then_it_says_so(self) -> None:
        self.serve(2, lists=3)
        self.assertEqual(self.look(31).state, "watching")
        found = self.look(120)
        self.assertEqual(found.state, "too few")
        self.assertIn("6 lists since", found.findings[0]["text"])

    def test_a_newer_activation_ends_it(self) -> None:
        self.look(1)
        self.at(NOON + timedelta(minutes=2), store_version())
        watch.look(NOON + timedelta(minutes=3))
        self.assertEqual(Watch.objects.get(activation__version=self.new).state, "replaced")

    def test_the_first_version_and_what_was_rolled_back_to_are_not_watched(self) -> None:
        with mock.patch("recommender.registry.timezone.now", return_value=NOON + timedelta(minutes=1)):
            registry.roll_back(actor=None, reason="a test")
        self.assertIsNone(watch.look(NOON + timedelta(minutes=2)))
        self.assertFalse(Watch.objects.filter(state="watching").exists())
