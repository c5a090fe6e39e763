from __future__ import annotations

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

    def test_what_takes_long_is_kept_longer(self) -> None:
        cached_figures("a", int, self.slowly)
        self.clock += 1_190
        self.assertEqual(cached_figures("a", int, self.compute), 1)
        self.clock += 20
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
