from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import numpy as np
from django.test import SimpleTestCase
from numpy.testing import assert_allclose, assert_array_equal

from recommender.algorithms.context import (
    CELLS,
    DEVICES,
    HOUR_BANDS,
    KINDS,
    NOT_JUDGED,
    PLACES,
    Context,
    ContextEffects,
    Verdict,
    cells_of,
    time_cells,
)
from recommender.algorithms.genre_affinity import GenreTable
from recommender.device_class import Device

WEEKEND_EVENING = CELLS.index("weekend evening")
PHONE = CELLS.index("device: phone")
AWAY = CELLS.index("place: away")


def seconds(year: int, month: int, day: int, hour: int) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def some_effects(weight: float = 0.5, verdict: Verdict = NOT_JUDGED) -> ContextEffects:
    """Of three films and two genres; the second film has effects of its own, the third no genre."""
    rng = np.random.default_rng(0)
    return ContextEffects(
        genres=GenreTable(("Comedy", "Horror"), np.array([[1, 1], [0, 1], [0, 0]], np.uint8)),
        genre_effects=rng.normal(size=(len(CELLS), 2)).astype(np.float32),
        film_rows=np.array([1]),
        film_effects=rng.normal(size=(len(CELLS), 1)).astype(np.float32),
        prior_sd=0.2,
        weight=weight,
        verdict=verdict,
    )


class ContextTestCase(SimpleTestCase):
    def test_a_day_has_four_bands_from_midnight(self) -> None:
        hours = np.array([seconds(2024, 5, 15, hour) for hour in (0, 5, 6, 11, 12, 17, 18, 23)])  # a Wednesday
        names = [CELLS[cell] for cell in time_cells(hours)]
        self.assertEqual(names, [f"weekday {band}" for band in HOUR_BANDS for _ in range(2)])

    def test_the_weekend_begins_on_friday_evening_and_ends_on_sunday_night(self) -> None:
        moments = [(17, 17), (17, 18), (18, 3), (19, 23), (20, 0)]  # Friday afternoon, Friday evening … Monday 0:00
        days = [Context.at(seconds(2024, 5, day, hour)).is_weekend for day, hour in moments]
        self.assertEqual(days, [False, True, True, True, False])

    def test_the_clock_is_the_local_one(self) -> None:
        moment = seconds(2024, 5, 20, 1)  # Monday in UTC, Sunday evening in New York
        self.assertEqual(Context.at(moment).cells, (CELLS.index("weekday night"),))
        self.assertEqual(Context.at(moment, utc_offset=-4 * 3600).cells, (WEEKEND_EVENING,))

    def test_times_before_1970_and_small_unsigned_ones_are_read(self) -> None:
        self.assertEqual(CELLS[time_cells(np.array([-1]))[0]], "weekday evening")  # Wednesday, 23:59:59
        self.assertEqual(CELLS[time_cells(np.array([0], np.uint32), -3600)[0]], "weekday evening")

    def test_a_device_and_a_place_count_only_where_they_are_known(self) -> None:
        self.assertEqual(len(Context(3, True).cells), 1)
        context = Context(3, True, DEVICES.index("phone"), PLACES.index("away"))
        self.assertEqual(context.cells, (WEEKEND_EVENING, PHONE, AWAY))
        self.assertEqual(Context.at(seconds(2024, 5, 17, 20), device="phone", place="away"), context)

    def test_many_moments_have_the_cells_that_each_has_alone(self) -> None:
        time = np.array([seconds(2024, 5, 17, 20), seconds(2024, 5, 20, 1)])
        offset, device, place = np.array([0, -14_400]), np.array([0, 1]), np.array([3, 0])
        cells = cells_of(time, offset, device=device, place=place)
        for number, row in enumerate(cells.tolist()):
            alone = Context.at(
                int(time[number]),
                utc_offset=int(offset[number]),
                device=DEVICES[device[number]],
                place=PLACES[place[number]],
            )
            self.assertEqual(tuple(cell for cell in row if cell >= 0), alone.cells)
        self.assertEqual(cells_of(time).tolist(), [[WEEKEND_EVENING, -1, -1], [CELLS.index("weekday night"), -1, -1]])

    def test_every_device_that_a_request_can_come_from_has_a_code(self) -> None:
        self.assertEqual(set(DEVICES) - {"unknown"}, set(get_args(Device)))

    def test_every_cell_belongs_to_one_kind(self) -> None:
        self.assertEqual([row for kind in KINDS for row in kind], list(range(len(CELLS))))

    def test_a_code_that_there_is_not_is_refused(self) -> None:
        for wrong in ((4, False), (-1, False), (0, False, len(DEVICES)), (0, False, 0, len(PLACES))):
            with self.subTest(wrong=wrong), self.assertRaises(ValueError):
                Context(*wrong)
        with self.assertRaises(ValueError):
            Context.at(0, device="fridge")


class ContextEffectsTestCase(SimpleTestCase):
    context = Context(3, True, DEVICES.index("phone"))

    def test_the_parts_sum_to_what_is_added(self) -> None:
        effects = some_effects()
        added = effects.added(self.context)
        for item in range(3):
            self.assertAlmostEqual(sum(part.amount for part in effects.parts(self.context, item)), added[item], 12)
        self.assertTrue(added[0] and added[1])

    def test_a_part_names_its_cell_and_its_genre(self) -> None:
        names = [part.name for part in some_effects().parts(self.context, 1)]
        expected = [f"{cell}: {of}" for cell in ("weekend evening", "device: phone") for of in ("Horror", "this film")]
        self.assertEqual(names, expected)

    def test_the_weight_scales_what_is_added(self) -> None:
        once, twice = some_effects(0.5).added(self.context), some_effects(1.0).added(self.context)
        assert_allclose(2 * once, twice)

    def test_off_adds_nothing_and_says_nothing(self) -> None:
        effects = ContextEffects.off(some_effects().genres, Verdict(0.2, 0.19, (-0.02, 0.0), 50))
        self.assertFalse(effects.is_on or effects.added(self.context).any() or effects.parts(self.context, 0))
        self.assertAlmostEqual(effects.verdict.difference, -0.01)

    def test_stored_effects_come_back_as_they_were(self) -> None:
        before = some_effects(verdict=Verdict(0.1, 0.2, (0.05, 0.15), 70, True))
        after = ContextEffects.from_arrays(before.arrays(), before.settings(), before.genres)
        assert_array_equal(before.added(self.context), after.added(self.context))
        self.assertEqual((after.verdict, after.prior_sd), (before.verdict, before.prior_sd))
        off = ContextEffects.off(before.genres)
        self.assertFalse(ContextEffects.from_arrays(off.arrays(), off.settings(), off.genres).is_on)

    def test_what_no_training_writes_is_refused(self) -> None:
        effects = some_effects()
        arrays, settings = effects.arrays(), effects.settings()
        rows = "context_film_rows"
        for wrong in (
            {"context_genre_effects": effects.genre_effects[1:]},
            {"context_genre_effects": effects.genre_effects.astype(np.float64)},
            {"context_film_effects": effects.film_effects * np.float32(np.nan)},
            {rows: np.array([3])},
            {rows: np.array([-1])},
            {rows: np.array([0, 1])},
        ):
            with self.subTest(wrong=wrong), self.assertRaises(ValueError):
                ContextEffects.from_arrays(arrays | wrong, settings, effects.genres)
        for name, value in (("weight", -1.0), ("weight", True), ("people", None), ("helps", 1), ("prior_sd", np.inf)):
            with self.subTest(name=name, value=value), self.assertRaises(ValueError):
                ContextEffects.from_arrays(arrays, settings | {f"context_{name}": value}, effects.genres)
