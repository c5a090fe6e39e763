"""What a search may try, and that it holds what the presets are."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase

from recommender.algorithms.presets import PRESETS, configuration, search_space
from recommender.algorithms.search_space import Choice, Parameter, Real, SearchSpace, Whole


class ParametersTestCase(SimpleTestCase):
    def test_it_takes_numbers_within_its_bounds(self) -> None:
        cases: tuple[tuple[Parameter, tuple[Any, ...], tuple[Any, ...]], ...] = (
            (Real(0.1, 0.5), (0.1, 0.3, 0.5), (0.09, 0.51, float("nan"), True, "0.3")),
            (Whole(10, 80, step=5), (10, 15, 80), (5, 12, 85, 15.0, True)),
            (Choice((True, False)), (True, False), (1, 0, None, "true")),
        )
        for parameter, inside, outside in cases:
            for value in inside:
                self.assertTrue(parameter.contains(value), (parameter, value))
            for value in outside:
                self.assertFalse(parameter.contains(value), (parameter, value))

    def test_it_rounds_to_digits_that_matter_and_stays_within_the_bounds(self) -> None:
        self.assertEqual(Real(0.002, 0.05).rounded(0.0123456), 0.01235)
        self.assertEqual(Real(100, 90_000).rounded(12345.6), 12350)
        self.assertEqual(Real(0.0012351, 0.05).rounded(0.00123515), 0.0012351)
        self.assertEqual(Real(-1, 1).rounded(0.0), 0.0)

    def test_it_says_what_it_takes(self) -> None:
        self.assertEqual(Real(0.002, 0.05, log=True).described, "0.002 to 0.05, by logarithm")
        self.assertEqual(Whole(10, 80, step=5).described, "10 to 80 in steps of 5")
        self.assertEqual(Choice((True, False)).described, "true or false")


class SpaceTestCase(SimpleTestCase):
    space = SearchSpace({"a": Whole(1, 9), "b": Real(0, 1)}, comparable_from=0.5)

    def test_it_knows_what_belongs_to_it(self) -> None:
        self.assertEqual(self.space.of({"b": 0.5, "seed": 3, "a": 2}), {"a": 2, "b": 0.5})
        self.assertTrue(self.space.contains({"a": 2, "b": 0.5}))
        for values in ({"a": 2}, {"a": 2, "b": 0.5, "c": 1}, {"a": 0, "b": 0.5}):
            self.assertFalse(self.space.contains(values), values)

    def test_every_preset_lies_in_its_algorithms_space(self) -> None:
        for name in PRESETS:
            config = configuration(name, None)
            space = search_space(config)
            self.assertTrue(space.contains(space.of(config.as_dict())), name)

    def test_every_corner_is_a_config(self) -> None:
        for name in PRESETS:
            parameters = search_space(configuration(name, None)).parameters
            for end in (0, -1):
                corner: dict[str, Any] = {
                    key: one.options[end] if isinstance(one, Choice) else (one.low, one.high)[end]
                    for key, one in parameters.items()
                }
                configuration(name, corner)  # raises where it is out of the config's own bounds
