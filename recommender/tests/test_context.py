from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime
from functools import partial
from typing import get_args
from unittest import mock

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
from recommender.algorithms.context_fit import (
    MIN_PEOPLE,
    OFF,
    ContextJudges,
    ContextSettings,
    choose_context,
    fit_context,
)
from recommender.algorithms.context_learning import MIN_CHOICES, Choices, choices_of, learn_effects
from recommender.algorithms.genre_affinity import GenreTable
from recommender.benchmarks import context as benchmark
from recommender.benchmarks import datasets
from recommender.benchmarks.people_in_context import GENRES, N_FILMS, PLANTED_CELL, PLANTED_GENRE, World, world
from recommender.device_class import Device

WEEKEND_EVENING = CELLS.index("weekend evening")
PHONE = CELLS.index("device: phone")
AWAY = CELLS.index("place: away")


def seconds(year: int, month: int, day: int, hour: int) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def chosen(rows: list[tuple[int, int, int]], n_users: int, n_items: int, kind: int = 0) -> Choices:
    """Of (user, item, cell)."""
    table = np.array(rows)
    cells = np.full((len(table), len(KINDS)), -1, np.int8)
    cells[:, kind] = table[:, 2]
    return Choices(table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), cells, n_users, n_items)


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


class LearningTestCase(SimpleTestCase):
    planted: World

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.planted = world(400, effect=1.0, seed=1)

    def effects_of(self, one: World, prior_sd: float = 0.4) -> ContextEffects:
        return learn_effects(choices_of(one.interactions), one.genres, prior_sd=prior_sd, weight=1.0)

    def test_a_planted_effect_is_found_with_its_sign_and_size(self) -> None:
        effects = self.effects_of(self.planted).genre_effects
        elsewhere = np.delete(effects[: len(KINDS[0]), PLANTED_GENRE], PLANTED_CELL)
        # Of 1.0 in that cell against the others; what it lacks in all of them is what centring took off.
        self.assertAlmostEqual(effects[PLANTED_CELL, PLANTED_GENRE] - elsewhere.mean(), 1.0, delta=0.3)
        others = np.delete(effects, PLANTED_GENRE, axis=1)
        self.assertLess(np.abs(others).max(), effects[PLANTED_CELL, PLANTED_GENRE] / 2)

    def test_people_who_come_at_night_and_like_horror_anyway_make_no_effect(self) -> None:
        confounded = world(400, confounded=True, seed=1)
        ratings, in_cell = confounded.interactions, choices_of(confounded.interactions).cells[:, 0] == PLANTED_CELL
        is_horror = confounded.genres.membership[ratings.item, PLANTED_GENRE] > 0
        naive = np.log(is_horror[in_cell].mean() / is_horror[~in_cell].mean())
        self.assertGreater(naive, 0.2)
        self.assertLess(abs(self.effects_of(confounded).genre_effects[PLANTED_CELL, PLANTED_GENRE]), 0.12)

    def test_effects_sum_to_zero_over_cells_by_how_much_is_chosen_in_each(self) -> None:
        effects = self.effects_of(self.planted)
        activity = np.bincount(choices_of(self.planted.interactions).cells[:, 0], minlength=len(KINDS[0]))
        for one in (effects.genre_effects, effects.film_effects):
            assert_allclose(activity @ one[: len(KINDS[0])] / activity.sum(), 0, atol=1e-6)

    def test_a_tighter_prior_shrinks(self) -> None:
        found = [
            self.effects_of(self.planted, sd).genre_effects[PLANTED_CELL, PLANTED_GENRE] for sd in (0.01, 0.1, 0.4)
        ]
        self.assertEqual(found, sorted(found))
        self.assertLess(found[0], 0.1)

    def test_for_one_genre_and_a_flat_prior_it_is_petos_estimate(self) -> None:
        # Two people, two genres that exclude each other, two cells.
        rows = [(0, 0, 0)] * 6 + [(0, 1, 0)] * 2 + [(0, 0, 1)] * 3 + [(0, 1, 1)] * 5 + [(1, 0, 0)] * 2 + [(1, 1, 1)] * 4
        genres = GenreTable(("Horror",), np.array([[1], [0]], np.uint8))
        effects = learn_effects(chosen(rows, 2, 2), genres, prior_sd=1e4, weight=1.0)
        observed, expected = 6 + 2, 9 * 8 / 16 + 2 * 2 / 6
        variance = 8 * 8 * 9 * 7 / (16**2 * 15) + 2 * 4 * 2 * 4 / (6**2 * 5)
        log_ratio = (observed - expected) / variance
        # With two cells the second is the mirror image; the activity is 10 and 12.
        assert_allclose(effects.genre_effects[:2, 0], [log_ratio * 24 / 22, -log_ratio * 20 / 22], rtol=1e-4)

    def test_whoever_came_in_one_cell_alone_says_nothing(self) -> None:
        rows = [(user, item, 7 if user % 2 else 1) for user in range(40) for item in range(user % 2, 20, 2)]
        genres = GenreTable(("Horror",), (np.arange(20) % 2).astype(np.uint8)[:, None])
        effects = learn_effects(chosen(rows, 40, 20), genres, prior_sd=0.4, weight=1.0)
        self.assertFalse(effects.genre_effects.any() or effects.film_effects.any())

    def test_what_many_choose_in_one_sitting_by_genre_counts_for_less(self) -> None:
        # Everybody has a sitting of either genre, one at night and one in the morning, by the toss of a coin.
        rng = np.random.default_rng(0)
        coin = rng.random(60) < 0.6
        rows = [(user, 2 * n + (coin[user] ^ cell), cell) for user in range(60) for n in range(10) for cell in (0, 1)]
        genres = GenreTable(("Horror",), (np.arange(20) % 2).astype(np.uint8)[:, None])
        together = learn_effects(chosen(rows, 60, 20), genres, prior_sd=0.2, weight=1.0).genre_effects[0, 0]
        rows = [(10 * user + item // 2, item, cell) for user, item, cell in rows]  # ten people in place of each
        apart = learn_effects(chosen(rows, 600, 20), genres, prior_sd=0.2, weight=1.0).genre_effects[0, 0]
        self.assertLess(abs(together), 0.5 * abs(apart))

    def test_a_film_of_its_own_hour_has_an_effect_and_a_rare_one_has_none(self) -> None:
        rng = np.random.default_rng(0)
        rows = []
        for user in range(300):
            for item in rng.choice(29, 8, replace=False).tolist():
                cell = 7 if item == 0 and rng.random() < 0.8 else int(rng.integers(8))
                rows.append((user, item, cell))
        rows += [(user, 29, 7) for user in range(MIN_CHOICES - 1)]
        genres = GenreTable(("Horror",), np.ones((30, 1), np.uint8))
        effects = learn_effects(chosen(rows, 300, 30), genres, prior_sd=0.2, weight=1.0)
        assert_array_equal(effects.film_rows, np.arange(29))
        self.assertEqual(int(effects.film_effects[7].argmax()), 0)
        self.assertGreater(effects.film_effects[7, 0], 3 * np.abs(effects.film_effects[7, 1:]).max())

    def test_films_that_differ_by_chance_alone_have_next_to_no_effects(self) -> None:
        effects = self.effects_of(world(300, seed=2))
        self.assertLess(np.abs(effects.film_effects).max(), 0.1)

    def test_what_the_genres_explain_is_no_effect_of_films(self) -> None:
        effects = self.effects_of(self.planted)
        of_horror = self.planted.genres.membership[effects.film_rows, PLANTED_GENRE] > 0
        self.assertLess(np.abs(effects.film_effects[PLANTED_CELL, of_horror]).max(), 0.1)

    def test_devices_and_places_are_learned_beside_the_time(self) -> None:
        rng = np.random.default_rng(0)
        n = 6000
        device = rng.integers(4, size=n)
        item = np.where((device == 0) & (rng.random(n) < 0.5), 0, rng.integers(2, size=n))
        cells = np.stack([rng.integers(8, size=n), KINDS[1].start + device, np.full(n, -1)], axis=1).astype(np.int8)
        choices = Choices(rng.integers(300, size=n).astype(np.int32), item.astype(np.int32), cells, 300, 2)
        genres = GenreTable(("Comedy",), np.array([[1], [0]], np.uint8))
        effects = learn_effects(choices, genres, prior_sd=0.4, weight=1.0).genre_effects[:, 0]
        self.assertGreater(effects[PHONE], 0.4)
        self.assertLess(np.abs(effects[list(KINDS[0])]).max(), 0.15)
        self.assertFalse(effects[list(KINDS[2])].any())

    def test_ratings_and_engagement_are_learned_from_together(self) -> None:
        ratings, engagement = chosen([(0, 0, 1), (0, 1, 2)], 2, 3), chosen([(1, 2, PHONE)], 2, 3, kind=1)
        both = ratings.together_with(engagement)
        self.assertEqual((len(both), both.cells[2].tolist()), (3, [-1, PHONE, -1]))
        with self.assertRaises(ValueError):
            ratings.together_with(chosen([(0, 0, 1)], 1, 3))

    def test_of_very_many_people_some_are_enough(self) -> None:
        choices = chosen([(user, user % 3, 1) for user in range(7)], 7, 3)
        some = choices.of_some_people(3)
        self.assertEqual((some.user.tolist(), some.item.tolist(), some.n_users), ([0, 1, 2], [0, 0, 0], 3))
        self.assertIs(choices.of_some_people(7), choices)
        with mock.patch("recommender.algorithms.context_learning.MAX_PEOPLE", 200):
            halved = self.effects_of(self.planted).genre_effects
        whole = self.effects_of(self.planted).genre_effects
        self.assertFalse(np.array_equal(whole, halved))
        assert_allclose(whole[PLANTED_CELL, PLANTED_GENRE], halved[PLANTED_CELL, PLANTED_GENRE], atol=0.3)

    def test_cells_of_another_shape_are_refused(self) -> None:
        with self.assertRaises(ValueError):
            Choices(np.zeros(2, np.int32), np.zeros(2, np.int32), np.zeros((2, 2), np.int8), 1, 1)

    def test_nothing_is_worked_out_for_a_weight_of_zero(self) -> None:
        with mock.patch("recommender.algorithms.context_learning._Counts.of") as counting:
            effects = learn_effects(
                choices_of(self.planted.interactions), self.planted.genres, prior_sd=0.2, weight=0.0
            )
        self.assertFalse(effects.is_on)
        counting.assert_not_called()


class ContextFitTestCase(SimpleTestCase):
    def fitted(self, one: World, *, max_people: int | None = None) -> ContextEffects:
        inner = one.split().again()
        asked = choices_of(inner.test)
        if max_people is not None:
            asked = asked.take(asked.user < max_people)
        return fit_context(
            choices_of(inner.train),
            asked,
            one.genres,
            partial(one.scores, inner.train),
            np.arange(N_FILMS),
            seed=0,
            learn_from=choices_of(one.interactions),
        )

    def test_an_effect_that_helps_is_switched_on(self) -> None:
        effects = self.fitted(world(400, effect=2.0, seed=3))
        self.assertTrue(effects.is_on and effects.verdict.helps)
        self.assertGreater(effects.verdict.interval[0], 0)
        self.assertGreater(effects.verdict.ndcg_with, effects.verdict.ndcg_without)
        most = int(effects.added(Context(3, True)).argmax())
        self.assertTrue(effects.genres.membership[most, PLANTED_GENRE])

    def test_where_there_is_none_it_is_left_off_and_the_verdict_stays(self) -> None:
        effects = self.fitted(world(200, confounded=True, seed=0))
        self.assertFalse(effects.is_on or effects.verdict.helps)
        self.assertEqual(effects.verdict.n_people, 200)
        self.assertGreater(effects.verdict.ndcg_without, 0)

    def test_a_handful_of_people_is_no_evidence(self) -> None:
        for n, helps in ((1, False), (MIN_PEOPLE - 1, False), (MIN_PEOPLE, True)):
            asked = chosen([(user, 0, 0) for user in range(n)], n, 1)
            judges = ContextJudges(asked, lambda user: np.zeros(1), np.arange(1), seed=0)
            self.assertIs(judges.verdict(np.zeros(n), np.full(n, 0.5)).helps, helps)

    def test_nobody_to_ask_leaves_it_off(self) -> None:
        effects = self.fitted(world(5, seed=0), max_people=0)
        self.assertEqual((effects.is_on, effects.verdict), (False, NOT_JUDGED))

    def test_it_follows_from_the_seed(self) -> None:
        one = world(60, effect=2.0, seed=3)
        self.assertEqual(self.fitted(one).verdict, self.fitted(one).verdict)

    def test_whoever_chose_the_settings_does_not_judge_them(self) -> None:
        # Each setting is good for one person alone: whoever is left out never has the one that suits them.
        one, n = world(20, seed=0), 20
        judges = mock.Mock(spec=ContextJudges, seed=0)
        judges.__len__ = mock.Mock(return_value=n)
        figures = iter([np.zeros(n), *(np.eye(n)[number] for number in range(16))])
        judges.ndcg.side_effect = lambda effects: next(figures)
        judges.verdict.side_effect = lambda without, with_effects: Verdict(0, float(with_effects.mean()))
        choice = choose_context(choices_of(one.interactions), judges, one.genres)
        self.assertEqual(choice.verdict.ndcg_with, 0.0)
        self.assertEqual(choice.ndcg[choice.best], 1 / n)

    def test_equals_are_decided_for_doing_without(self) -> None:
        one = world(30, seed=0)
        asked = choices_of(one.interactions)
        judges = ContextJudges(asked, lambda user: np.full(N_FILMS, -np.inf), np.arange(N_FILMS), seed=0)
        choice = choose_context(asked, judges, one.genres)
        self.assertEqual((choice.best, choice.verdict.helps), (OFF, False))


class ContextJudgesTestCase(SimpleTestCase):
    """One person, three films in the order 0, 1, 2, of which film 2 was liked on a weekend evening and 0 at night."""

    def judges(self, *, ranked: tuple[int, ...] = (0, 1, 2)) -> ContextJudges:
        asked = chosen([(0, 2, WEEKEND_EVENING), (0, 0, 0)], 1, 3)
        return ContextJudges(asked, lambda user: np.array([0.3, 0.2, 0.1]), np.array(ranked), seed=0)

    def effects(self, weight: float = 1.0) -> ContextEffects:
        by_genre = np.zeros((len(CELLS), 1), np.float32)
        by_genre[WEEKEND_EVENING] = 1.0
        none = np.zeros((len(CELLS), 0), np.float32)
        genres = GenreTable(("Horror",), np.array([[0], [0], [1]], np.uint8))
        return ContextEffects(genres, by_genre, np.empty(0, np.int64), none, 0.2, weight)

    def test_each_moment_has_its_own_list_and_its_own_relevant_films(self) -> None:
        assert_allclose(self.judges().ndcg(None), [(1 + 0.5) / 2])
        assert_allclose(self.judges().ndcg(self.effects()), [1.0])

    def test_effects_that_are_off_change_nothing(self) -> None:
        assert_array_equal(self.judges().ndcg(self.effects(0.0)), self.judges().ndcg(None))

    def test_a_film_that_is_not_ranked_is_never_found_but_missed(self) -> None:
        assert_allclose(self.judges(ranked=(0, 1)).ndcg(self.effects()), [0.5])

    def test_moments_count_by_the_films_liked_in_them(self) -> None:
        asked = chosen([(0, 0, 0), (0, 1, 0), (0, 2, 0), (0, 9, 1)], 1, 20)
        judges = ContextJudges(asked, lambda user: -np.arange(20.0), np.arange(20), seed=0)
        found_tenth = 1 / np.log2(11)
        assert_allclose(judges.ndcg(None), [(3 * 1.0 + found_tenth) / 4])

    def test_very_many_people_are_drawn_from(self) -> None:
        asked = chosen([(user, 0, 0) for user in range(50)], 50, 1)
        self.assertEqual(len(ContextJudges(asked, lambda user: np.zeros(1), np.arange(1), seed=0, max_people=10)), 10)


class ContextBenchmarkTestCase(SimpleTestCase):
    def test_the_settings_if_it_had_to_be_on_are_never_off(self) -> None:
        choice = mock.Mock(ndcg={OFF: 0.9, ContextSettings(0.1, 0.5): 0.8, ContextSettings(0.2, 1.0): 0.85})
        self.assertEqual(benchmark.settings_if_on(choice), ContextSettings(0.2, 1.0))

    def test_a_world_is_reported_with_its_verdict_and_what_was_learned(self) -> None:
        one = benchmark.measure_world("planted", world(120, effect=2.0, seed=0))
        lines = benchmark.report([one])
        self.assertIn("| planted | validation | best: τ", lines[2])
        self.assertEqual(lines[3].count("|"), lines[0].count("|"))
        self.assertTrue(lines[-2].startswith("  learned: weekend evening: Horror +"), lines[-2])
        self.assertIn(lines[-1], ("  verdict: on", "  verdict: left off"))

    def test_it_says_which_data_is_missing(self) -> None:
        errors = io.StringIO()
        with (
            mock.patch.object(benchmark, "MADE_UP_PEOPLE", 20),
            mock.patch.object(datasets, "read", side_effect=datasets.DataSetUnavailable("No demo.")),
            contextlib.redirect_stderr(errors),
        ):
            self.assertEqual(benchmark.main([]), 1)
        self.assertIn("No demo.", errors.getvalue())

    def test_a_world_follows_from_its_seed_and_nobody_chooses_a_film_twice(self) -> None:
        one, again, other = world(30, seed=1), world(30, seed=1), world(30, seed=2)
        assert_array_equal(one.interactions.item, again.interactions.item)
        self.assertTrue((one.interactions.item != other.interactions.item).any())
        pairs = one.interactions.user.astype(np.int64) * N_FILMS + one.interactions.item
        self.assertEqual(len(np.unique(pairs)), len(pairs))
        self.assertEqual(one.genres.names, GENRES)
