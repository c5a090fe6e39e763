from __future__ import annotations

import random
from datetime import UTC, datetime

from django.test import TestCase

from cinema.models import User
from recommender import artifacts, registry
from recommender.models import Activation, AppendOnly, LivePointer, ModelVersion
from recommender.tests.stored_versions import StoredVersionsMixin, store_version


class RegistryTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.a, self.b, self.c = store_version(), store_version(), store_version()
        self.grace = User.objects.create_user("grace", is_staff=True)

    def live(self) -> ModelVersion | None:
        return registry.live().version

    def test_it_has_nothing_live_at_first(self) -> None:
        self.assertEqual(registry.live(), registry.LiveState(None, 0, False, False))

    def test_it_activates_and_logs_who_and_why(self) -> None:
        registry.activate(self.a, actor=self.grace, reason="first")
        entry = Activation.objects.get()
        self.assertEqual((entry.version, entry.actor, entry.reason, entry.generation), (self.a, self.grace, "first", 1))
        self.assertEqual(self.live(), self.a)

    def test_it_rolls_back_one_step_at_a_time_and_never_toggles(self) -> None:
        for version in (self.a, self.b, self.c):
            registry.activate(version)
        registry.roll_back(actor=self.grace)
        self.assertEqual(self.live(), self.b)
        registry.roll_back(actor=self.grace)
        self.assertEqual(self.live(), self.a)
        with self.assertRaises(registry.NothingToRollBackTo):
            registry.roll_back(actor=self.grace)
        self.assertEqual(self.live(), self.a)

    def test_it_rolls_back_to_what_was_live_before_after_a_new_activation(self) -> None:
        registry.activate(self.a)
        registry.activate(self.b)
        registry.roll_back(actor=None)
        registry.activate(self.c)
        registry.roll_back(actor=None)
        self.assertEqual(self.live(), self.a)

    def test_it_walks_like_a_stack_through_any_sequence(self) -> None:
        rng = random.Random(7)
        stack: list[ModelVersion] = []
        for _ in range(40):
            if rng.random() < 0.6:
                version = rng.choice([self.a, self.b, self.c])
                registry.activate(version)
                if not stack or stack[-1] != version:
                    stack.append(version)
            elif len(stack) > 1:
                registry.roll_back(actor=None)
                stack.pop()
            else:
                with self.assertRaises(registry.NothingToRollBackTo):
                    registry.roll_back(actor=None)
            self.assertEqual(self.live(), stack[-1] if stack else None)

    def test_it_skips_deleted_versions_on_the_way_back(self) -> None:
        for version in (self.a, self.b, self.c):
            registry.activate(version)
        ModelVersion.objects.filter(pk=self.b.pk).update(status=ModelVersion.Status.DELETED)
        registry.roll_back(actor=None)
        self.assertEqual(self.live(), self.a)

    def test_it_holds_automatic_activation_after_a_rollback(self) -> None:
        registry.activate(self.a)
        registry.activate(self.b)
        registry.roll_back(actor=self.grace)
        with self.assertRaises(registry.AutomaticActivationHeld):
            registry.activate(self.c, kind=Activation.Kind.AUTOMATIC)
        registry.lift_hold(actor=self.grace)
        registry.activate(self.c, kind=Activation.Kind.AUTOMATIC)
        self.assertEqual(self.live(), self.c)

    def test_it_lifts_the_hold_when_staff_activates(self) -> None:
        registry.activate(self.a)
        registry.activate(self.b)
        registry.roll_back(actor=None)
        self.assertTrue(registry.live().hold)
        registry.activate(self.a, actor=self.grace)
        self.assertFalse(registry.live().hold)

    def test_it_refuses_a_generation_that_is_no_longer_current(self) -> None:
        registry.activate(self.a)
        registry.activate(self.b)
        for change in (
            lambda: registry.activate(self.c, generation=1),
            lambda: registry.roll_back(actor=None, generation=1),
        ):
            with self.assertRaises(registry.StaleGeneration):
                change()
        self.assertEqual(self.live(), self.b)
        registry.activate(self.c, generation=2)

    def test_it_refuses_a_rotten_artifact_and_stays_as_it_was(self) -> None:
        registry.activate(self.a)
        registry.activate(self.b)
        artifacts.delete(self.a.label)
        artifacts.delete(self.c.label)
        with self.assertRaises(registry.ArtifactCorrupt):
            registry.roll_back(actor=None)
        with self.assertRaises(registry.ArtifactCorrupt):
            registry.activate(self.c)
        self.assertEqual(registry.live().version, self.b)
        self.assertEqual(Activation.objects.count(), 2)

    def test_it_does_nothing_for_what_is_live_already(self) -> None:
        registry.activate(self.a)
        registry.activate(self.a)
        self.assertEqual(Activation.objects.count(), 1)

    def test_it_takes_the_next_free_second_for_a_label(self) -> None:
        now = datetime(2026, 11, 23, 10, 15, 59, tzinfo=UTC)
        self.assertEqual(registry.new_label(now), "v20261123_101559")
        ModelVersion.objects.filter(pk=self.a.pk).update(label="v20261123_101559")
        self.assertEqual(registry.new_label(now), "v20261123_101600")


class ActivationLogTestCase(StoredVersionsMixin, TestCase):
    def test_it_only_grows(self) -> None:
        entry = registry.activate(store_version())
        entry.reason = "other"
        for change in (
            entry.save,
            entry.delete,
            Activation.objects.all().delete,
            lambda: Activation.objects.update(reason=""),
        ):
            with self.assertRaises(AppendOnly):
                change()

    def test_it_forgets_the_person_but_not_the_entry(self) -> None:
        grace = User.objects.create_user("grace")
        registry.activate(store_version(), actor=grace, reason="mine")
        grace.delete()
        self.assertEqual([(a.actor, a.reason) for a in Activation.objects.all()], [(None, "mine")])

    def test_it_has_one_live_pointer_only(self) -> None:
        registry.activate(store_version())
        self.assertEqual(LivePointer.objects.count(), 1)
