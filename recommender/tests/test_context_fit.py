from __future__ import annotations

import contextlib
import io
from functools import partial
from unittest import mock

import numpy as np
from django.test import SimpleTestCase
from numpy.testing import assert_allclose, assert_array_equal

from recommender.algorithms.context import CELLS, NOT_JUDGED, Context, ContextEffects, Verdict
from recommender.algorithms.context_fit import (
    MIN_PEOPLE,
    OFF,
    ContextJudges,
    ContextSettings,
    choose_context,
    learned_context,
)
from recommender.algorithms.context_learning import choices_of
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import RELEVANT
from recommender.algorithms.splits import last_per_user
from recommender.benchmarks import context as benchmark
from recommender.benchmarks import datasets
from recommender.benchmarks.datasets import DataSet
from recommender.benchmarks.people_in_context import GENRES, N_FILMS, PLANTED_GENRE, World, world
from recommender.tests.choices_for_tests import chosen
from recommender.tests.ratings_for_tests import two_genres, two_tastes

WEEKEND_EVENING = CELLS.index("weekend evening")


class ContextFitTestCase(SimpleTestCase):
    def fitted(self, one: World, *, max_people: int | None = None) -> ContextEffects:
        inner = one.split().again()
        asked = choices_of(inner.test)
        if max_people is not None:
            asked = asked.take(asked.user < max_people)
        judges = ContextJudges(asked, partial(one.scores, inner.train), np.arange(N_FILMS), seed=0)
        choice = choose_context(choices_of(inner.train), judges, one.genres)
        return learned_context(choice, choices_of(one.interactions), one.genres)

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

    def test_ratings_are_measured_with_the_films_and_the_order_of_a_training(self) -> None:
        data = two_tastes()
        dataset = DataSet("ours", data, np.arange(60), two_genres(60), np.zeros(60, np.int64))
        one = benchmark.measure(dataset, "classic", 0)
        plain = len(np.unique(last_per_user(data).test.user[last_per_user(data).test.value >= RELEVANT]))
        self.assertEqual((one.test.n_people, int(one.people_in_cells.sum())), (plain, 80))
        self.assertGreater(one.test.ndcg_without, 0.15)
        self.assertGreater(one.would_be.weight, 0)

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
