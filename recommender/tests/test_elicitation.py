from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings

from recommender.algorithms.ease import ItemWeights
from recommender.algorithms.elicitation import FULLY_KNOWN, MIN_RATERS, N_WELL_KNOWN, Elicitation
from recommender.algorithms.film_model import EMPTY_HISTORY, History
from recommender.algorithms.genre_affinity import GenreTable
from recommender.tests.ratings_for_tests import two_genres
from recommender.tests.test_film_model import N_ITEMS, films, history, ratings

NONE = np.empty(0, np.int64)
SILENT = ItemWeights(np.zeros(N_ITEMS + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def questions(weights: ItemWeights = SILENT, *, n_users: int = 200) -> Elicitation:
    return Elicitation(films(), weights, two_genres(N_ITEMS), n_users)


def one_weight(source: int, target: int, value: float) -> ItemWeights:
    starts = (np.arange(N_ITEMS + 1) > source).astype(np.int64)
    return ItemWeights(starts, np.array([target], np.int32), np.array([value], np.float32))


class WellKnownTestCase(SimpleTestCase):
    def test_it_holds_the_most_rated_films_first(self) -> None:
        asked = questions().well_known
        counts = films().item_counts[asked]
        self.assertTrue((np.diff(counts) <= 0).all())
        self.assertEqual(set(asked.tolist()), set(np.flatnonzero(films().item_counts >= MIN_RATERS).tolist()))

    def test_it_stops_where_most_people_know_nothing(self) -> None:
        few = films()
        rows = np.arange(300) % N_ITEMS
        many = replace(
            few,
            item_counts=np.arange(300) + 10,
            offsets=few.offsets[rows],
            features=few.features[rows],
            film_noise=few.film_noise[rows],
            watched=few.watched[rows],
        )
        asked = Elicitation(many, SILENT, GenreTable((), np.zeros((300, 0), np.uint8)), 400).well_known
        self.assertEqual(asked.tolist(), list(range(299, 299 - N_WELL_KNOWN, -1)))


class MovementTestCase(SimpleTestCase):
    """Against solving anew with the film rated."""

    def brute_force(self, asked: Elicitation, before: History, row: int) -> float:
        model, rows = asked.films, asked.well_known
        after = History(
            np.append(before.item, row),
            np.append(before.value, 3.0),
            np.append(before.trained, False),
            np.append(before.age + 1, 0),
        )
        apart = model.features[rows].astype(np.float64) - model.mean_features
        variances = [
            np.einsum("nsk,skl,nsl->n", apart, model.solve(one).covariance, apart) / model.n_samples
            for one in (before, after)
        ]
        return float(np.sqrt(np.average(variances[0] - variances[1], weights=model.item_counts[rows])))

    def test_it_is_what_a_rating_takes_off_the_variance_of_well_known_films(self) -> None:
        asked = questions()
        for rated in (EMPTY_HISTORY, history([(1, 9, True), (5, 2, False), (8, 10, False)])):
            movement = asked.movement(asked.films.solve(rated))
            for place, row in enumerate(asked.well_known.tolist()):
                if row not in rated.item:
                    self.assertAlmostEqual(movement[place], self.brute_force(asked, rated, row), places=9)

    def test_it_does_not_depend_on_how_films_were_rated(self) -> None:
        asked = questions()
        high, low = (asked.films.solve(history([(3, stars, False), (7, stars, False)])) for stars in (10, 1))
        np.testing.assert_allclose(asked.movement(high), asked.movement(low), atol=1e-12)

    def test_it_says_little_of_what_only_raises_all_predictions_alike(self) -> None:
        """A film like the average of all tells how high somebody rates, which no list needs."""
        model = films()
        row = int(np.argmax(model.item_counts))
        features = model.features.copy()
        features[row] = model.mean_features
        level = replace(model, features=features)
        movement = Elicitation(level, SILENT, two_genres(N_ITEMS), 200).movement(level.solve(EMPTY_HISTORY))
        self.assertLess(movement[0], np.median(movement))


class ChanceSeenTestCase(SimpleTestCase):
    def test_it_is_the_share_of_raters_for_somebody_unknown(self) -> None:
        asked = questions()
        share = np.clip(films().item_counts[asked.well_known] / 200, 0.01, 0.99)
        np.testing.assert_allclose(asked.chance_seen(NONE, NONE, NONE), share)

    def test_it_grows_with_a_film_seen_that_speaks_for_another_and_falls_with_one_unseen(self) -> None:
        asked = questions(one_weight(3, int(questions().well_known[5]), 0.2))
        unknown = asked.chance_seen(NONE, NONE, NONE)
        for seen, unseen, sign in ((np.array([3]), NONE, 1), (NONE, np.array([3]), -1)):
            change = asked.chance_seen(seen, unseen, NONE) - unknown
            self.assertGreater(sign * change[5], 0)
            np.testing.assert_array_equal(np.delete(change, 5), 0)

    def test_it_weighs_a_surprise_more(self) -> None:
        target = int(questions().well_known[5])
        popular, rare = (int(row) for row in questions().well_known[[0, -1]])
        gained = []
        for row in (popular, rare):
            asked = questions(one_weight(row, target, 0.2))
            gained.append(
                float((asked.chance_seen(np.array([row]), NONE, NONE) - asked.chance_seen(NONE, NONE, NONE))[5])
            )
        self.assertLess(gained[0], gained[1])

    def test_it_is_higher_for_films_of_picked_groups(self) -> None:
        asked = questions()
        liked = asked.well_known[::2]
        unknown, picked = asked.chance_seen(NONE, NONE, NONE), asked.chance_seen(NONE, NONE, liked)
        np.testing.assert_allclose(picked[::2], 1 - (1 - unknown[::2]) ** 3)
        np.testing.assert_array_equal(picked[1::2], unknown[1::2])

    def test_it_stays_a_chance_whatever_was_said(self) -> None:
        loud = questions(one_weight(3, int(questions().well_known[5]), 50.0))
        for seen, unseen in ((np.array([3]), NONE), (NONE, np.array([3]))):
            chance = loud.chance_seen(seen, unseen, loud.well_known)
            self.assertTrue(((chance > 0) & (chance < 1)).all())


class ValuesTestCase(SimpleTestCase):
    def test_it_weighs_what_an_answer_tells_by_the_chance_of_getting_one(self) -> None:
        asked = questions()
        person = asked.films.solve(history([(1, 9, False)]))
        expected = asked.chance_seen(np.array([1]), np.array([4]), NONE) * asked.movement(person)
        np.testing.assert_allclose(asked.values(person, np.array([4]), NONE), expected)

    def test_it_believes_a_rating_more_than_having_said_unseen(self) -> None:
        asked = questions(one_weight(1, int(questions().well_known[5]), 0.2))
        person = asked.films.solve(history([(1, 9, False)]))
        np.testing.assert_allclose(asked.values(person, np.array([1]), NONE), asked.values(person, NONE, NONE))

    def test_it_works_where_no_film_is_well_known(self) -> None:
        model = replace(films(), item_counts=np.zeros(N_ITEMS, np.int64))
        asked = Elicitation(model, SILENT, two_genres(N_ITEMS), 0)
        person = model.solve(EMPTY_HISTORY)
        self.assertEqual(len(asked.values(person, NONE, NONE)), 0)
        self.assertEqual((asked.groups, asked.known(person)), ([], 0.0))


class KnownTestCase(SimpleTestCase):
    def test_it_begins_at_nothing_and_ends_at_one(self) -> None:
        asked = questions()
        self.assertEqual(asked.known(asked.films.solve(EMPTY_HISTORY)), 0.0)
        everything = history([(int(row), 6, False) for row in asked.well_known[:FULLY_KNOWN]])
        self.assertAlmostEqual(asked.known(asked.films.solve(everything)), 1.0)

    @settings(max_examples=50)
    @given(ratings)
    def test_it_never_falls_with_a_further_rating(self, rows: list[tuple[int, int, bool]]) -> None:
        asked = questions()
        known = [asked.known(asked.films.solve(history(rows[:n]))) for n in range(len(rows) + 1)]
        self.assertTrue(all(a <= b + 1e-12 for a, b in pairwise(known)), known)
        self.assertTrue(all(0 <= value <= 1 for value in known))
