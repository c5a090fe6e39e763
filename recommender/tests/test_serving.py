from __future__ import annotations

from unittest import mock

import numpy as np
from django.test import TestCase

from recommender import artifacts, registry, serving
from recommender.algorithms import shortlist
from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.score_moments import Moments
from recommender.algorithms.shortlist import Barred
from recommender.models import LivePointer
from recommender.tests.stored_versions import StoredVersionsMixin, store_version


class ServingTestCase(StoredVersionsMixin, TestCase):
    def label(self) -> str | None:
        live = serving.live_model()
        return live.label if live else None

    def test_it_has_no_model_before_the_first_version(self) -> None:
        self.assertIsNone(serving.live_model())

    def test_it_follows_the_pointer(self) -> None:
        a, b = store_version(), store_version()
        registry.activate(a)
        self.assertEqual(self.label(), a.label)
        registry.activate(b)
        self.assertEqual(self.label(), b.label)
        registry.roll_back(actor=None)
        self.assertEqual(self.label(), a.label)

    def test_it_loads_a_version_once(self) -> None:
        registry.activate(store_version())
        with mock.patch("recommender.artifacts.load", wraps=artifacts.load) as load:
            for _ in range(5):
                serving.live_model()
        self.assertEqual(load.call_count, 1)

    def test_what_does_not_depend_on_the_person_is_worked_out_while_loading(self) -> None:
        registry.activate(store_version())
        with mock.patch.object(shortlist, "WIDE", 0):
            live = serving.live_model()
        assert live is not None
        history = live.model.history(np.array([10, 20]), np.array([5.0, 1.0]), np.zeros(2, np.bool_), np.arange(2))
        person = live.model.solve(history)
        with (
            mock.patch.object(FilmModel, "characters", side_effect=AssertionError("once for all")),
            mock.patch.object(Moments, "of", side_effect=AssertionError("once for all")),
        ):
            self.assertTrue(len(live.model.wide.shortlist(person, Barred(history.item), 10).rows))

    def test_it_asks_the_database_once_a_request(self) -> None:
        registry.activate(store_version())
        serving.live_model()
        with self.assertNumQueries(1):
            serving.live_model()

    def test_it_keeps_the_model_in_memory_when_the_files_rot(self) -> None:
        a, b = store_version(), store_version()
        registry.activate(a)
        serving.live_model()
        registry.activate(b)
        artifacts.delete(b.label)
        with self.assertLogs("recommender.serving", "ERROR"):
            self.assertEqual(self.label(), a.label)

    def test_it_serves_the_newest_whole_version_after_a_restart(self) -> None:
        a, b, c = store_version(), store_version(), store_version()
        for version in (a, b, c):
            registry.activate(version)
        artifacts.delete(c.label)
        with self.assertLogs("recommender.serving", "ERROR"):
            live = serving.live_model()
        assert live is not None
        self.assertEqual((live.label, live.generation), (b.label, 3))

    def test_it_serves_nothing_when_all_versions_are_rotten(self) -> None:
        version = store_version()
        registry.activate(version)
        artifacts.delete(version.label)
        with self.assertLogs("recommender.serving", "ERROR"):
            self.assertIsNone(serving.live_model())

    def test_it_takes_the_live_version_as_soon_as_it_is_whole_again(self) -> None:
        version = store_version()
        registry.activate(version)
        folder = artifacts.root() / version.label
        away = folder.with_name(".away")
        folder.rename(away)
        with self.assertLogs("recommender.serving", "ERROR"):
            self.assertIsNone(serving.live_model())
        away.rename(folder)
        with mock.patch("recommender.serving.RETRY_SECONDS", 0.0):
            self.assertEqual(self.label(), version.label)

    def test_it_reports_the_generation_of_the_pointer(self) -> None:
        registry.activate(store_version())
        live = serving.live_model()
        assert live is not None
        self.assertEqual(live.generation, LivePointer.objects.get().generation)

    def test_an_answer_is_wholly_from_one_version(self) -> None:
        first, second = store_version(), store_version()
        registry.activate(first)
        with serving.one_version():
            self.assertEqual(self.label(), first.label)
            registry.activate(second)
            with self.assertNumQueries(0):
                self.assertEqual(self.label(), first.label)
        self.assertEqual(self.label(), second.label)
