from __future__ import annotations

import threading
from unittest import mock

from django.test import SimpleTestCase

from cinema import figure_cache
from cinema.figure_cache import cached_figures


class FigureCacheTestCase(SimpleTestCase):
    def setUp(self) -> None:
        figure_cache.forget()
        self.addCleanup(figure_cache.forget)
        self.clock = 1_000.0
        clock = mock.patch("cinema.figure_cache.time", side_effect=lambda: self.clock)
        clock.start()
        self.addCleanup(clock.stop)
        self.computed = 0

    def compute(self) -> int:
        self.computed += 1
        return self.computed

    def slowly(self) -> int:
        self.clock += 60.0
        return self.compute()

    def test_figures_are_computed_once_for_some_minutes(self) -> None:
        self.assertEqual([cached_figures("a", int, self.compute) for _ in range(3)], [1, 1, 1])
        self.clock += 299
        self.assertEqual(cached_figures("a", int, self.compute), 1)
        self.clock += 2
        self.assertEqual(cached_figures("a", int, self.compute), 2)

    def computed_beside(self) -> None:
        """Waits for the threads that compute."""
        for thread in threading.enumerate():
            if thread.name == "figures":
                thread.join(10)
                self.assertFalse(thread.is_alive())

    def test_what_takes_long_is_kept_longer(self) -> None:
        cached_figures("a", int, self.slowly)
        self.clock += 1_190
        self.assertEqual(cached_figures("a", int, self.compute), 1)
        self.computed_beside()
        self.assertEqual(self.computed, 1)
        self.clock += 20
        cached_figures("a", int, self.compute)
        self.computed_beside()
        self.assertEqual(cached_figures("a", int, self.compute), 2)

    def test_nobody_waits_for_what_takes_long_once_there_is_something_to_show(self) -> None:
        cached_figures("a", int, self.slowly)
        self.clock += 2_000
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def held() -> int:
            go_on.wait(10)
            return self.slowly()

        self.assertEqual([cached_figures("a", int, held) for _ in range(3)], [1, 1, 1])
        go_on.set()
        self.computed_beside()
        self.assertEqual(cached_figures("a", int, held), 2)

    def test_what_is_computed_beside_is_made_of_nothing_old(self) -> None:
        def outer() -> int:
            self.clock += 60
            return cached_figures("inner", int, self.slowly) + 10

        self.assertEqual(cached_figures("outer", int, outer), 11)
        self.clock += 5_000
        self.assertEqual(cached_figures("outer", int, outer), 11)
        self.computed_beside()
        self.assertEqual(cached_figures("outer", int, outer), 12)

    def test_a_failure_beside_is_logged_and_the_next_one_tries_again(self) -> None:
        cached_figures("a", int, self.slowly)
        self.clock += 2_000
        with self.assertLogs("cinema.figure_cache", "ERROR"):
            self.assertEqual(cached_figures("a", int, lambda: 1 // 0), 1)
            self.computed_beside()
        cached_figures("a", int, self.compute)
        self.computed_beside()
        self.assertEqual(cached_figures("a", int, self.compute), 2)

    def test_without_a_thread_to_be_had_the_next_one_tries_again(self) -> None:
        cached_figures("a", int, self.slowly)
        self.clock += 2_000
        with mock.patch("threading.Thread.start", side_effect=RuntimeError("can't start new thread")):
            self.assertEqual(cached_figures("a", int, self.compute), 1)
        cached_figures("a", int, self.compute)
        self.computed_beside()
        self.assertEqual(cached_figures("a", int, self.compute), 2)

    def test_names_and_databases_are_kept_apart(self) -> None:
        cached_figures("a", int, self.compute)
        self.assertEqual(cached_figures("b", int, self.compute), 2)
        with mock.patch("cinema.figure_cache.connection") as other:
            other.settings_dict = {"ENGINE": "e", "HOST": "h", "PORT": "", "NAME": "another"}
            self.assertEqual(cached_figures("a", int, self.compute), 3)
        self.assertEqual(cached_figures("a", int, self.compute), 1)

    def test_figures_may_be_made_of_other_figures(self) -> None:
        self.assertEqual(cached_figures("outer", int, lambda: cached_figures("inner", int, self.compute) + 10), 11)

    def test_whoever_asks_while_it_is_computed_anew_gets_what_there_was(self) -> None:
        cached_figures("a", int, self.compute)
        self.clock += 1_000
        meanwhile: list[int] = []

        def compute() -> int:
            meanwhile.append(cached_figures("a", int, self.compute))
            return 7

        self.assertEqual(cached_figures("a", int, compute), 7)
        self.assertEqual(meanwhile, [1])

    def test_a_failure_is_not_kept_and_blocks_nobody(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            cached_figures("a", int, lambda: 1 // 0)
        self.assertEqual(cached_figures("a", int, self.compute), 1)
