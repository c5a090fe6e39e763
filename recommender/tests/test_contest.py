from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
from django.test import TestCase
from django.utils import timezone

from cinema.models import Rating, User
from cinema.ratings import rate_movie, unrate_movie
from recommender import held_out
from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.pipeline import Pipeline
from recommender.contest import Contender, Contest, NothingInCommon, contest
from recommender.dataset import Dataset, snapshot
from recommender.models import HeldOut, ModelVersion
from recommender.tests.ratings_for_tests import QUICK
from recommender.tests.stored_versions import StoredVersionsMixin, make_catalogue, make_crowd, store_version

POOR = MatrixFactorizationConfig(n_factors=2, n_epochs=1, learning_rate=0.001)


def trained(dataset: Dataset, config: MatrixFactorizationConfig) -> Pipeline:
    pipeline = Pipeline(
        config,
        dataset.interactions,
        movie_ids=dataset.movie_ids,
        genres=dataset.genres,
        years=dataset.years,
        refit=False,
    )
    for _ in pipeline:
        pass
    return pipeline


class ContestTestCase(StoredVersionsMixin, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()
        # At different times, or everybody's test part would be the same last films.
        now, spread = timezone.now(), random.Random(0)
        ratings = list(Rating.objects.order_by("user_id", "movie_id"))
        for rating in ratings:
            rating.rated_at = rating.changed_at = now - timedelta(seconds=spread.randrange(10**6))
        Rating.objects.bulk_update(ratings, ["rated_at", "changed_at"])
        cls.then = snapshot()
        cls.good, cls.poor = trained(cls.then, QUICK), trained(cls.then, POOR)

    then: Dataset
    good: Pipeline
    poor: Pipeline

    def contenders(self) -> list[Contender]:
        found = []
        for label, pipeline in (("good", self.good), ("poor", self.poor)):
            assert pipeline.outcome is not None
            kept = held_out.kept_from_split(pipeline.split, self.then)
            found.append(Contender(label, pipeline.outcome.measured, kept))
        return found

    def judged(self) -> Contest:
        """The good one against one that takes every film for another."""
        good, _ = self.contenders()
        films = good.twin.films
        others = np.random.default_rng(0).permutation(len(films.offsets))
        mistaken = replace(films, offsets=films.offsets[others], features=films.features[others])
        return contest([good, replace(good, label="poor", twin=replace(good.twin, films=mistaken))], self.then)

    def test_it_says_of_twins_of_the_same_data_what_their_own_tests_said(self) -> None:
        found = contest(self.contenders(), self.then)
        assert self.good.outcome is not None and self.poor.outcome is not None
        for measure in ("rmse", "ndcg_at_10", "recall_at_10_rated", "novelty"):
            difference = found.difference("poor", measure)
            assert difference is not None
            self.assertAlmostEqual(difference.before, self.good.outcome.metrics[measure].value, 6, measure)
            self.assertAlmostEqual(difference.after, self.poor.outcome.metrics[measure].value, 6, measure)
        self.assertEqual(found.n_ratings, len(self.good.split.test))

    def test_it_finds_the_worse_one_and_who_loses(self) -> None:
        found = self.judged()
        rmse = found.difference("poor", "rmse")
        assert rmse is not None
        self.assertEqual(rmse.verdict, "worse")
        self.assertGreater(rmse.worse, 0.8)
        losing = {row.group for row in found.rows if row.differences["poor"].verdict == "worse"}
        self.assertLessEqual({"casual", "popular", "genre: Drama", "genre: Comedy"}, losing)

    def test_it_can_be_written_down(self) -> None:
        written = json.loads(json.dumps(self.judged().as_json(), allow_nan=False))
        self.assertEqual(written["labels"], ["good", "poor"])
        row = next(row for row in written["rows"] if row["measure"] == "rmse" and not row["group"])
        self.assertEqual(row["differences"]["poor"]["verdict"], "worse")
        novelty = next(row for row in written["rows"] if row["measure"] == "novelty")
        self.assertEqual(novelty["differences"]["poor"]["verdict"], "open")

    def test_a_version_against_itself_is_never_different(self) -> None:
        one = self.contenders()[0]
        found = contest([one, Contender("again", one.twin, one.kept)], self.then)
        self.assertEqual({row.differences["again"].verdict for row in found.rows}, {"open"})
        self.assertEqual(found.overlap, {"again": 1.0})

    def test_without_a_rating_new_to_all_nothing_is_said(self) -> None:
        knows_all = held_out.KeptFrom.newer_than(2**40, len(self.then.user_ids))
        one, other = self.contenders()
        with self.assertRaises(NothingInCommon):
            contest([one, Contender("old", other.twin, knows_all)], self.then)


class HeldOutTestCase(StoredVersionsMixin, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()

    def remembered(self) -> tuple[ModelVersion, Dataset, set[tuple[int, int]]]:
        """A version, its data, and the (person, film) pairs that its twin was kept from."""
        dataset = snapshot()
        pipeline = trained(dataset, POOR)
        version = store_version(data_until=dataset.data_until)
        held_out.remember(version, dataset, pipeline.split)
        test = pipeline.split.test
        return version, dataset, self.pairs(dataset, test.user, test.item)

    def pairs(self, dataset: Dataset, user, item) -> set[tuple[int, int]]:
        return set(zip(dataset.user_ids[user].tolist(), dataset.movie_ids[item].tolist(), strict=True))

    def unseen(self, version: ModelVersion) -> set[tuple[int, int]]:
        now = snapshot()
        mask = held_out.kept_from(version, now).unseen(now.interactions, now.movie_ids)
        return self.pairs(now, now.interactions.user[mask], now.interactions.item[mask])

    def test_it_remembers_the_test_part(self) -> None:
        version, _, test = self.remembered()
        self.assertEqual(self.unseen(version), test)

    def test_what_is_rated_later_is_new_to_the_version(self) -> None:
        version, dataset, test = self.remembered()
        alice = User.objects.create_user("alice", pk=5000)
        later = dataset.data_until + timedelta(seconds=5)
        Rating.objects.create(user=alice, movie_id=10, value=4.0, rated_at=later, changed_at=later)
        self.assertEqual(self.unseen(version), test | {(alice.pk, 10)})

    def test_a_changed_rating_that_it_was_trained_on_stays_known(self) -> None:
        version, _, test = self.remembered()
        old = Rating.objects.order_by("rated_at", "movie_id").select_related("user", "movie")
        trained_on = next(one for one in old if (one.user_id, one.movie_id) not in test)
        rate_movie(user=trained_on.user, movie=trained_on.movie, value=0.5)
        self.assertEqual(self.unseen(version), test)

    def test_deleted_ratings_shift_nothing(self) -> None:
        version, _, test = self.remembered()
        user_id = next(iter(test))[0]
        kept = Rating.objects.filter(user_id=user_id).select_related("user", "movie").order_by("-movie_id")[:5]
        for rating in kept:
            unrate_movie(user=rating.user, movie=rating.movie)
        self.assertLessEqual(self.unseen(version), test)

    def test_it_goes_with_the_person(self) -> None:
        version, _, _ = self.remembered()
        user = User.objects.get(pk=version.held_out.values_list("user_id", flat=True)[0])
        user.delete()
        self.assertFalse(HeldOut.objects.filter(user_id=user.pk).exists())

    def test_it_remembers_nobody_who_has_left_meanwhile(self) -> None:
        dataset = snapshot()
        pipeline = trained(dataset, POOR)
        User.objects.filter(pk=dataset.user_ids[0]).delete()
        version = store_version()
        held_out.remember(version, dataset, pipeline.split)
        self.assertFalse(version.held_out.filter(user_id=dataset.user_ids[0]).exists())
        self.assertGreater(version.held_out.count(), 0)

    def test_a_version_without_a_test_part_knows_all_that_is_older(self) -> None:
        version = store_version(data_until=timezone.now() + timedelta(days=1))
        self.assertEqual(self.unseen(version), set())
