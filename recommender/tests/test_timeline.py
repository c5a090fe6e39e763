from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

from django.test import TestCase
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from recommender import registry, timeline
from recommender.models import Activation, LivePointer, ModelVersion
from recommender.tests.stored_versions import StoredVersionsMixin

BEGIN = datetime(2026, 5, 3, 14, tzinfo=UTC)


def some_versions(n: int) -> list[ModelVersion]:
    """Rows without files: whether those are whole is another matter."""
    return [
        ModelVersion.objects.create(
            label=f"v20260503_0000{number:02d}", algorithm="test", preset="tuned", dataset_fingerprint="0" * 64,
            data_until=BEGIN, n_ratings=1, n_users=1, n_movies=1,
        )
        for number in range(n)
    ]  # fmt: skip


def at(moment: datetime):
    return mock.patch("recommender.registry.timezone.now", return_value=moment)


step = st.tuples(
    # Moments may be equal; the clock does not step back here.
    st.integers(0, 3),
    st.sampled_from(["activate", "automatic", "roll back", "lift the hold"]),
    st.integers(0, 3),
)


class LiveAtPropertyTestCase(StoredVersionsMixin, HypothesisTestCase):
    @settings(max_examples=60, deadline=None)
    @given(st.lists(step, min_size=50, max_size=50), st.lists(st.integers(-2, 160), max_size=20))
    def test_it_is_right_through_fifty_activations_and_rollbacks(
        self, steps: list[tuple[int, str, int]], asked: list[int]
    ) -> None:
        versions = some_versions(4)
        now = BEGIN
        # What one would write down standing beside it: from when on which version served.
        served: list[tuple[datetime, str]] = []
        trail: list[str] = []
        hold = False
        with mock.patch("recommender.registry.verify"):
            for seconds, what, which in steps:
                now += timedelta(seconds=seconds)
                version = versions[which]
                with at(now):
                    if what == "lift the hold":
                        registry.lift_hold(actor=None)
                        hold = False
                    elif what == "roll back":
                        if len(trail) > 1:
                            registry.roll_back(actor=None, reason="a test")
                            trail.pop()
                            served.append((now, trail[-1]))
                            hold = True
                        else:
                            with self.assertRaises(registry.NothingToRollBackTo):
                                registry.roll_back(actor=None, reason="a test")
                    elif what == "automatic" and hold:
                        with self.assertRaises(registry.AutomaticActivationHeld):
                            registry.activate(version, kind=Activation.Kind.AUTOMATIC)
                    else:
                        kind = Activation.Kind.AUTOMATIC if what == "automatic" else Activation.Kind.MANUAL
                        registry.activate(version, kind=kind)
                        hold = False
                        if not trail or trail[-1] != version.label:
                            trail.append(version.label)
                            served.append((now, version.label))
        self.assertEqual(Activation.objects.count(), len(served))
        moments = [BEGIN + timedelta(seconds=second) for second in asked]
        moments += [moment for when, _ in served for moment in (when, when - timedelta(microseconds=1))]
        for moment in moments:
            expected = [label for when, label in served if when <= moment]
            found = timeline.live_at(moment)
            self.assertEqual(found.version.label if found else None, expected[-1] if expected else None, moment)
        live = LivePointer.objects.filter(pk=1).first()
        if live is not None and live.activation is not None:
            self.assertEqual(timeline.live_at(now), live.activation)


class PeriodsTestCase(TestCase):
    def log(self, *seconds: int) -> list[Activation]:
        (version,) = some_versions(1)
        return [
            Activation.objects.create(
                version=version, kind="manual", generation=n + 1, at=BEGIN + timedelta(seconds=second)
            )
            for n, second in enumerate(seconds)
        ]

    def spans(self, log: list[Activation]) -> list[tuple[int, int | None]]:
        return [
            (
                int((one.start - BEGIN).total_seconds()),
                None if one.end is None else int((one.end - BEGIN).total_seconds()),
            )
            for one in timeline.periods(log)
        ]

    def test_they_follow_each_other_without_gaps(self) -> None:
        self.assertEqual(self.spans(self.log(0, 5, 9)), [(0, 5), (5, 9), (9, None)])

    def test_nothing_is_a_period(self) -> None:
        self.assertEqual(timeline.periods([]), [])
        self.assertIsNone(timeline.live_at(BEGIN))

    def asked(self, *seconds: int) -> list[int]:
        answers = []
        for second in seconds:
            found = timeline.live_at(BEGIN + timedelta(seconds=second))
            assert found is not None
            answers.append(found.generation)
        return answers

    def test_a_clock_that_was_set_back_turns_nothing_round(self) -> None:
        log = self.log(0, 50, 20, 60)
        self.assertEqual(self.spans(log), [(0, 20), (50, 50), (20, 60), (60, None)])
        self.assertEqual(self.asked(0, 19, 20, 55, 60), [1, 1, 3, 3, 4])

    def test_a_clock_that_ran_years_ahead_hides_nothing_that_came_after(self) -> None:
        log = self.log(0, 10**8, 30, 90)
        self.assertEqual(self.spans(log), [(0, 30), (10**8, 10**8), (30, 90), (90, None)])
        self.assertEqual(self.asked(10, 30, 89, 90, 2 * 10**8), [1, 3, 3, 4, 4])

    def test_periods_and_answers_agree_whatever_the_clock_did(self) -> None:
        log = self.log(5, 3, 9, 9, 1, 40, 12, 12)
        now = BEGIN + timedelta(seconds=100)
        for second in range(1, 60):
            moment = BEGIN + timedelta(seconds=second)
            inside = [one for one in timeline.periods(log) if one.start <= moment < (one.end or now)]
            self.assertEqual([one.activation.generation for one in inside], self.asked(second))

    def test_it_says_how_long_each_lasted(self) -> None:
        first, last = timeline.periods(self.log(0, 5))
        now = BEGIN + timedelta(seconds=65)
        self.assertEqual((first.lasted(now).seconds, last.lasted(now).seconds), (5, 60))
        # Asked with a clock that lies before its beginning.
        self.assertEqual(last.lasted(BEGIN), timedelta())
