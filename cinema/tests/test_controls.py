"""Keeping the controls of lists."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.test import TestCase

from cinema.controls import InvalidControls, controls_of, neutral, reset_controls, save_controls
from cinema.models import ListControls, User


class KeepControlsTestCase(TestCase):
    def setUp(self) -> None:
        self.alice = User.objects.create_user("alice")
        self.bob = User.objects.create_user("bob")

    def test_whoever_has_changed_nothing_has_no_row(self) -> None:
        self.assertEqual(controls_of(self.alice), neutral())
        save_controls(user=self.alice, novelty=0.0, since=None)
        self.assertFalse(ListControls.objects.exists())

    def test_it_changes_what_is_named_and_leaves_the_rest(self) -> None:
        save_controls(user=self.alice, popularity=-1.0, since=1999)
        before = save_controls(user=self.alice, popularity=0.25, diversity=1)
        self.assertEqual((before["popularity"], before["since"]), (-1.0, 1999))
        self.assertEqual(
            controls_of(self.alice),
            {"popularity": 0.25, "novelty": 0.0, "recency": 0.0, "diversity": 1.0, "since": 1999},
        )
        self.assertEqual(controls_of(self.bob), neutral())

    def test_a_reset_leaves_no_row_and_tells_what_was(self) -> None:
        save_controls(user=self.alice, recency=0.5)
        save_controls(user=self.bob, recency=0.7)
        before = reset_controls(user=self.alice)
        self.assertEqual(before["recency"], 0.5)
        self.assertEqual(list(ListControls.objects.values_list("user", flat=True)), [self.bob.pk])
        save_controls(user=self.alice, **before)
        self.assertEqual(controls_of(self.alice), before)

    def test_setting_everything_back_leaves_no_row_either(self) -> None:
        save_controls(user=self.alice, recency=0.5)
        save_controls(user=self.alice, recency=-0.0)
        self.assertFalse(ListControls.objects.exists())

    def test_it_takes_nothing_out_of_range(self) -> None:
        wrong: list[dict[str, Any]] = [
            {"popularity": 1.01},
            {"popularity": float("nan")},
            {"recency": -float("inf")},
            {"novelty": -0.1},
            {"diversity": 10**400},
            {"diversity": True},
            {"novelty": "0.5"},
            {"since": 1899},
            {"since": 2000.0},
            {"since": True},
            {"colour": 1.0},
            {"recency": 0.5, "novelty": None},
        ]
        for changes in wrong:
            with self.subTest(str(changes)[:30]), self.assertRaises(InvalidControls):
                save_controls(user=self.alice, **changes)
        self.assertFalse(ListControls.objects.exists())

    def test_the_database_takes_nothing_out_of_range_either(self) -> None:
        for changes in ({"popularity": 2.0}, {"novelty": -0.5}, {"recency": float("nan")}, {"since": 3000}):
            with self.subTest(str(changes)), self.assertRaises(IntegrityError), transaction.atomic():
                ListControls.objects.create(user=self.alice, **changes)

    def test_they_go_with_the_person(self) -> None:
        save_controls(user=self.alice, recency=0.5)
        self.alice.delete()
        self.assertFalse(ListControls.objects.exists())
