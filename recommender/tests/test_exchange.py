"""The old version serves while the new one is being loaded, and not for longer than it may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.db import connections
from django.test import TestCase
from django.utils import timezone

from recommender import artifacts, registry, serving
from recommender.algorithms.ensemble import TrainedModel
from recommender.models import ModelVersion
from recommender.tests.stored_versions import StoredVersionsMixin, store_version

PATIENCE = 1.5
SECONDS = 30  # for what happens at once unless something is wrong


class _Clock:
    """The clocks of the process and of whoever activates, which go only when told to."""

    def __init__(self) -> None:
        self.seconds, self._began = 1000.0, timezone.now()

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.seconds)


class _Door:
    """Versions are loaded as far as this door, and on once it is open."""

    def __init__(self) -> None:
        self.open, self.reached = threading.Event(), threading.Event()
        self.asked: list[str] = []
        self.connections: list[Any] = []

    def load(self, pointer: Any) -> TrainedModel:
        self.asked.append(pointer.label)
        self.connections += connections.all(initialized_only=True)
        self.reached.set()
        assert self.open.wait(SECONDS)
        return self._load(pointer)

    _load = staticmethod(serving._loaded)


class ExchangeTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock, self.door = _Clock(), _Door()
        self.old, self.new, self.newest = store_version(), store_version(), store_version()
        stack = ExitStack()
        stack.enter_context(mock.patch.object(serving, "PATIENCE_SECONDS", PATIENCE))
        stack.enter_context(mock.patch.object(serving, "time", self.clock))
        stack.enter_context(mock.patch.object(serving.timezone, "now", self.clock.now))
        self.activate(self.old)
        self.assertEqual(self.label(), self.old.label)
        stack.enter_context(mock.patch.object(serving, "_loaded", self.door.load))
        self.addCleanup(stack.close)
        self.addCleanup(self.let_it_load)

    def activate(self, version: ModelVersion) -> None:
        registry.activate_verified(version)

    def label(self) -> str | None:
        live = serving.live_model()
        return live.label if live else None

    def let_it_load(self) -> None:
        """Opens the door and waits until what was on its way has arrived."""
        load = serving._cache._load
        self.door.open.set()
        if load is not None:
            self.assertTrue(load.ended.wait(SECONDS))

    def label_of_who_waits(self, meanwhile: Callable[[], None] = lambda: None) -> str | None:
        """What somebody is told who finds the door shut: it is opened once they wait."""
        load = serving._cache._load
        assert load is not None
        wait = load.ended.wait

        def waits() -> bool:
            meanwhile()
            self.door.open.set()
            return wait(SECONDS)

        with mock.patch.object(load.ended, "wait", side_effect=waits) as waited:
            label = self.label()
        self.assertTrue(waited.called, "nobody waited")
        return label

    def test_the_old_one_serves_until_the_new_one_is_there(self) -> None:
        self.activate(self.new)
        for _ in range(3):
            live = serving.live_model()
            assert live is not None
            self.assertEqual((live.label, live.generation), (self.old.label, 1), "both are the old one's")
        self.let_it_load()
        live = serving.live_model()
        assert live is not None
        self.assertEqual((live.label, live.generation), (self.new.label, 2))
        self.assertEqual(self.door.asked, [self.new.label], "it is loaded once")

    def test_whoever_asks_meanwhile_asks_the_database_once(self) -> None:
        self.activate(self.new)
        self.label()
        with self.assertNumQueries(1):
            self.label()

    def test_the_thread_that_loads_has_no_connection_to_the_database(self) -> None:
        self.activate(self.new)
        self.label()
        self.let_it_load()
        self.assertEqual((self.door.asked, self.door.connections), ([self.new.label], []))

    def test_an_answer_is_from_one_version_though_it_is_exchanged_meanwhile(self) -> None:
        self.activate(self.new)
        with serving.one_version():
            self.assertEqual(self.label(), self.old.label)
            self.let_it_load()
            self.assertEqual(self.label(), self.old.label)
        self.assertEqual(self.label(), self.new.label)

    def test_when_it_takes_long_requests_wait_for_it(self) -> None:
        self.activate(self.new)
        self.clock.seconds += PATIENCE - 0.1
        self.assertEqual(self.label(), self.old.label)
        self.clock.seconds += 0.1
        self.assertEqual(self.label_of_who_waits(), self.new.label)

    def test_a_process_that_nobody_asked_for_long_does_not_answer_from_the_old_one(self) -> None:
        self.activate(self.new)
        self.clock.seconds += PATIENCE
        self.door.open.set()
        self.assertEqual(self.label(), self.new.label)

    def test_a_process_that_nobody_asked_for_long_may_if_the_change_is_fresh(self) -> None:
        self.clock.seconds += 3600
        self.activate(self.new)
        self.assertEqual(self.label(), self.old.label)

    def test_where_clocks_differ_it_goes_by_when_the_old_one_was_live_last(self) -> None:
        with mock.patch("recommender.registry.timezone.now", return_value=self.clock.now() - timedelta(hours=1)):
            self.activate(self.new)
        self.assertEqual(self.label(), self.old.label)

    def test_a_second_change_does_not_give_the_oldest_more_time(self) -> None:
        self.activate(self.new)
        self.label()
        self.assertTrue(self.door.reached.wait(SECONDS))
        self.clock.seconds += 1.0
        self.activate(self.newest)
        self.assertEqual(self.label(), self.old.label)
        self.clock.seconds += PATIENCE - 1.0
        self.assertEqual(self.label_of_who_waits(), self.newest.label)
        self.assertEqual(self.door.asked, [self.new.label, self.newest.label], "one after the other")

    def test_who_waits_for_what_is_out_of_date_meanwhile_gets_the_newest(self) -> None:
        def another() -> None:
            self.activate(self.newest)
            self.clock.seconds += PATIENCE

        self.activate(self.new)
        self.label()
        self.clock.seconds += PATIENCE
        self.assertEqual(self.label_of_who_waits(another), self.newest.label)

    def test_going_back_to_what_serves_needs_no_loading(self) -> None:
        self.activate(self.new)
        self.label()
        self.activate(self.old)
        live = serving.live_model()
        assert live is not None
        self.assertEqual((live.label, live.generation), (self.old.label, 3))
        self.let_it_load()
        self.assertEqual(self.label(), self.old.label, "what was loaded in vain does not come after it")

    def test_the_version_before_comes_back_from_memory(self) -> None:
        self.activate(self.new)
        self.label()
        self.let_it_load()
        self.assertEqual(self.label(), self.new.label)
        registry.roll_back(actor=None)
        live = serving.live_model()
        assert live is not None
        self.assertEqual((live.label, live.generation), (self.old.label, 3))
        self.assertEqual(self.door.asked, [self.new.label])

    def test_a_large_version_before_is_not_kept(self) -> None:
        with mock.patch.object(serving, "MAX_KEPT_BYTES", 10):
            self.activate(self.new)
            self.label()
            self.let_it_load()
        self.activate(self.old)
        self.assertEqual(self.label(), self.new.label, "the old one has to be loaded first")
        self.let_it_load()
        self.assertEqual(self.label(), self.old.label)

    def test_what_cannot_be_read_leaves_the_old_one_serving(self) -> None:
        artifacts.delete(self.new.label)
        self.activate(self.new)
        with self.assertLogs("recommender.serving", "ERROR"):
            self.label()
            self.let_it_load()
        self.clock.seconds += PATIENCE
        self.assertEqual(self.label(), self.old.label)
        self.assertEqual(self.door.asked, [self.new.label], "it is left alone for a while")

    def test_what_could_not_be_read_is_tried_again_while_nobody_waits(self) -> None:
        folder = artifacts.root() / self.new.label
        folder.rename(folder.with_name(".away"))
        self.activate(self.new)
        with self.assertLogs("recommender.serving", "ERROR"):
            self.label()
            self.let_it_load()
        folder.with_name(".away").rename(folder)
        self.door.open.clear()
        self.clock.seconds += serving.RETRY_SECONDS
        self.assertEqual(self.label(), self.old.label)
        self.let_it_load()
        self.assertEqual(self.label(), self.new.label)

    def test_a_failure_that_nobody_foresaw_leaves_the_old_one_serving(self) -> None:
        self.activate(self.new)
        self.clock.seconds += PATIENCE
        with (
            mock.patch.object(serving, "_loaded", side_effect=MemoryError),
            self.assertLogs("recommender.serving", "ERROR"),
        ):
            self.assertEqual(self.label(), self.old.label)

    def test_what_was_forgotten_meanwhile_does_not_come_back(self) -> None:
        self.activate(self.new)
        self.label()
        self.assertTrue(self.door.reached.wait(SECONDS))
        serving.forget()
        self.assertEqual(serving.loaded_label(), "")
        self.door.open.set()
        self.assertEqual(self.label(), self.new.label)

    def test_a_process_without_a_model_loads_it_in_the_request(self) -> None:
        serving.forget()
        self.activate(self.new)
        self.door.open.set()
        self.assertEqual(self.label(), self.new.label)
