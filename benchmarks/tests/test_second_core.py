from __future__ import annotations

from django.test import SimpleTestCase

from benchmarks import second_core
from benchmarks.second_core import ALONE, TOGETHER


class SecondCoreTestCase(SimpleTestCase):
    def test_two_threads_that_take_no_longer_than_one_do_twice_as_much(self) -> None:
        times = {ALONE: [1.0, 2.0, 1.0], TOGETHER: [1.0, 2.0, 1.6], "a sweep": [3.0, 3.0, 3.0]}
        self.assertEqual(second_core.gain(times), 2.0)
        self.assertEqual(list(times), ["a sweep"])

    def test_both_are_timed(self) -> None:
        for one in second_core.contestants().values():
            self.assertGreater(one(), 0)
