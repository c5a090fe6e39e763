from __future__ import annotations

from datetime import timedelta

import numpy as np
from django.utils import timezone

from cinema.models import Rating, User, new_edition
from mlops import experiment_lines, policy_values
from mlops.engagement_log import EngagementLog
from mlops.models import Engagement, PolicyValue, ServedList
from recommender import registry
from recommender.algorithms.off_policy import draw, plackett_probabilities
from recommender.own_list import own_list
from recommender.served import Served, Shown
from recommender.tests.running_experiments import another_model
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version, trained
from recommender.viewers import Viewer


class PolicyValueTestCase(CatalogueTestCase):
    """Forty people who like what the live version puts first, and nothing else."""

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        names = [f"visitor:{number}" for number in range(40)]
        User.objects.bulk_create(User(username=name, edition=new_edition()) for name in names)
        cls.people = list(User.objects.filter(username__startswith="visitor:").order_by("pk"))

    people: list[User]

    def setUp(self) -> None:
        super().setUp()
        for person in self.people:
            rate(person, DRAMA_FAN)

    def log_lists(self, *, each: int = 12, liked: int = 3) -> list[ServedList]:
        """``liked``: people engage with the film that won if it was among so many first of the pool."""
        rng = np.random.default_rng(3)
        viewer = Viewer.of(self.people[0])
        assert viewer is not None
        ranking = [item.movie_id for item in own_list(viewer, n=40, discovery=0).items]
        listed, pool = ranking[:9], ranking[9:39]
        at = timezone.now() + timedelta(minutes=5)
        rows, won = [], []
        for person in self.people:
            for _ in range(each):
                position, propensity = draw(plackett_probabilities(len(pool)), rng)
                lot = {"place": 10, "pool": pool, "propensity": propensity}
                rows.append(
                    ServedList(
                        user=person, at=at, surface="home", version=self.version.label, slots="r" * 9 + "x",
                        movie_ids=[*listed, pool[position]], lot=lot,
                    )
                )  # fmt: skip
                won.append(position < liked)
        ServedList.objects.bulk_create(rows)
        lists = list(ServedList.objects.order_by("pk"))
        Engagement.objects.bulk_create(
            Engagement(user=one.user, movie_id=one.movie_ids[9], kind="opened", at=at, served_list=one, place=10)
            for one, likes in zip(lists, won, strict=True)
            if likes
        )
        return lists

    def test_the_version_that_made_the_lists_is_worth_what_it_earned(self) -> None:
        lists = self.log_lists()
        row = policy_values.value(self.version, trained(), lists)
        assert row.result is not None
        self.assertAlmostEqual(row.result["mean_weight"], 1.0)
        self.assertAlmostEqual(row.result["effective_sample_size"], len(lists))
        self.assertAlmostEqual(row.result["value"], Engagement.objects.count() / len(lists))

    def test_one_that_orders_the_films_otherwise_is_worth_less(self) -> None:
        lists = self.log_lists()
        own = policy_values.value(self.version, trained(), lists).result
        other = policy_values.value(store_version(another_model()), another_model(), lists).result
        assert own is not None and other is not None
        self.assertLess(other["value"], own["value"])
        self.assertLess(other["effective_sample_size"], len(lists))

    def test_too_few_lists_are_refused_with_the_reason(self) -> None:
        row = policy_values.value(self.version, trained(), self.log_lists(each=1))
        self.assertIsNone(row.result)
        self.assertIn("40 effective lists of 100", row.refusal)
        (line,) = experiment_lines.values([row])
        self.assertEqual((line.value, line.refusal), ("–", row.refusal))

    def test_the_newest_versions_are_valued_once(self) -> None:
        store_version(another_model())
        later = timezone.now() + timedelta(hours=2)
        self.assertEqual(policy_values.value_newest(later), [])
        self.log_lists()
        self.assertEqual(len(policy_values.value_newest(later)), 2)
        self.assertEqual(policy_values.value_newest(later), [])
        self.assertEqual(PolicyValue.objects.count(), 2)

    def test_what_was_rated_later_was_not_known_then(self) -> None:
        lists = self.log_lists(each=4)
        before = policy_values.value(self.version, trained(), lists).result
        later = timezone.now() + timedelta(days=1)
        Rating.objects.bulk_create(
            Rating(user=person, movie_id=10 * row, value=5.0, rated_at=later, changed_at=later)
            for person in self.people
            for row in range(50, 60)
        )
        self.assertEqual(policy_values.value(self.version, trained(), lists).result, before)

    def test_a_list_keeps_its_lot(self) -> None:
        registry.explore(50)
        log = EngagementLog()
        person = self.people[0]
        while True:
            person.edition = new_edition()
            viewer = Viewer.of(person)
            assert viewer is not None
            listed = own_list(viewer, n=10)
            if listed.lot is not None:
                break
        films = [item.movie_id for item in listed.items]
        shown = Shown(person.pk, "home", "v1", True, films, "r" * 10, lot=listed.lot)
        log.record(Served(shown=[shown]), device="phone")
        log.flush()
        kept = ServedList.objects.get().lot
        self.assertEqual(
            kept, {"place": listed.lot.place, "pool": list(listed.lot.pool), "propensity": listed.lot.propensity}
        )
