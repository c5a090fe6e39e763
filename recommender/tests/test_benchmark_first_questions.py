from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.elicitation import Elicitation
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import History
from recommender.benchmarks import first_questions
from recommender.benchmarks.first_questions import ASKERS, BUDGETS, Asker, Newcomer, interview, newcomer, table
from recommender.tests.ratings_for_tests import small_model, two_tastes


class FirstQuestionsTestCase(SimpleTestCase):
    model: TrainedModel
    questions: Elicitation

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.model = small_model()
        model = cls.model
        cls.questions = Elicitation(model.films, model.ranker.weights, model.genres, model.n_users)

    def person(self, user: int = 0, draw: int = 0) -> Newcomer:
        person = newcomer(two_tastes(), user, self.questions, draw)
        assert person is not None
        return person

    def test_a_newcomer_answers_for_every_film_but_those_of_the_test(self) -> None:
        data = two_tastes()
        person = self.person(3)
        films = data.item[data.rows_of(3)].tolist()
        self.assertEqual(sorted([*person.answers, *person.test.tolist()]), sorted(films))
        self.assertFalse(set(person.answers) & set(person.test.tolist()))

    def test_a_newcomer_picks_the_groups_that_they_like(self) -> None:
        liked = {user: self.person(user).liked for user in (0, 79)}
        self.assertTrue((liked[0] < 30).all() and (liked[79] >= 30).all())

    def test_each_draw_sets_other_films_apart(self) -> None:
        self.assertNotEqual(self.person(draw=0).test.tolist(), self.person(draw=1).test.tolist())

    def test_nobody_is_left_whose_test_part_is_empty(self) -> None:
        data = two_tastes()
        lonely = data.take(data.rows_of(0)[:1])
        drawn = [newcomer(lonely, 0, self.questions, draw) for draw in range(10)]
        self.assertIn(None, drawn)
        self.assertTrue(any(drawn))

    def test_no_film_is_asked_about_twice_nor_one_of_the_test(self) -> None:
        person, asked = self.person(), []

        def value(
            model: TrainedModel, questions: Elicitation, newcomer: Newcomer, history: History, unseen: np.ndarray
        ) -> np.ndarray:
            asked.append({*history.item.tolist(), *unseen.tolist()})
            return model.films.item_counts[questions.well_known].astype(float)

        figures = interview(self.model, self.questions, person, Asker("watched", value))
        self.assertEqual([len(films) for films in asked], list(range(len(asked))))
        self.assertFalse(asked[-1] & set(person.test.tolist()))
        self.assertEqual(figures["10 questions"]["questions"], 10)
        self.assertEqual(figures["5 answers"]["answers"], 5)

    def test_answers_make_predictions_better(self) -> None:
        """For every way of asking, over some people."""
        nothing = replace(self.person(), answers={})
        for asker in ASKERS:
            asked = [interview(self.model, self.questions, self.person(user), asker) for user in range(0, 80, 8)]
            rmse = np.mean([figures["5 answers"]["rmse"] for figures in asked])
            self.assertLess(rmse, first_questions._figures(self.model, nothing, {})["rmse"], asker.name)

    def test_its_table_has_a_line_for_each_way_and_budget(self) -> None:
        rng = np.random.default_rng(0)
        names = ("squared", "n", "rmse", "ndcg", "questions", "answers")
        measured = {
            asker.name: {budget: {name: rng.random(20) + 1 for name in names} for budget in BUDGETS} for asker in ASKERS
        }
        lines = table(measured)
        self.assertEqual(len(lines), 2 + len(ASKERS) * len(BUDGETS))
        self.assertEqual({line.count("|") for line in lines}, {10})
        self.assertIn(
            "+0.0000 [+0.0000, +0.0000]", next(line for line in lines if line.startswith("| by popularity |"))
        )

    def test_the_meter_stands_beside_the_error_that_it_stands_for(self) -> None:
        data = two_tastes(n_items=60, density=1.0)
        with mock.patch.object(first_questions, "METER_RATINGS", (0, 2, 10, 40)):
            readings = [first_questions.meter(self.model, self.questions, data, user) for user in range(10)]
            lines = first_questions.meter_table(readings)
        for known, errors in readings:
            self.assertEqual(known, sorted(known))
            self.assertLess(errors[-1], errors[0])
        self.assertEqual(lines[2], "| 0 | 0.00 | 0.00 |")
        self.assertTrue(lines[-1].endswith("| 1.00 |"))
