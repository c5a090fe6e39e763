from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from mlops import experiment_lines
from mlops.experiment_reading import reading
from mlops.models import Engagement, ServedList
from mlops.tests.made_experiments import FILMS, live_through, make_people
from recommender.models import Experiment
from recommender.tests.running_experiments import start
from recommender.tests.stored_versions import CatalogueTestCase, store_version


class ReadingCase(CatalogueTestCase):
    def ab(self, **fields: Any) -> Experiment:
        return start("ab", None, None, **fields)

    def mixed(self) -> Experiment:
        return start("interleaved", self.version, store_version())

    def show(self, experiment: Experiment, arms: str, *, minutes: float = 0) -> ServedList:
        at = timezone.now() - timedelta(hours=1) + timedelta(minutes=minutes)
        return ServedList.objects.create(
            user=self.alice, at=at, surface="home", movie_ids=FILMS, slots="r" * 10, experiment=experiment, arms=arms
        )

    def act(self, shown: ServedList, place: int, kind: str = "opened", value: float | None = None) -> None:
        Engagement.objects.create(
            user=self.alice, movie_id=FILMS[place - 1], kind=kind, value=value, at=timezone.now(),
            served_list=shown, place=place, settled=True,
        )  # fmt: skip


class CountingTestCase(ReadingCase):
    def test_a_list_is_engaged_with_once_however_much_is_done(self) -> None:
        experiment = self.ab()
        shown = self.show(experiment, "B")
        for place in (1, 1, 3):
            self.act(shown, place)
        self.act(shown, 3, "rated", 5.0)
        found = reading(experiment)
        self.assertEqual([(arm.lists, arm.engaged) for arm in found.arms], [(0, 0), (1, 1)])

    def test_poor_stars_and_hiding_are_no_engagement(self) -> None:
        experiment = self.ab()
        shown = self.show(experiment, "A")
        self.act(shown, 1, "rated", 2.0)
        self.act(shown, 2, "hidden")
        found = reading(experiment)
        self.assertEqual((found.arms[0].engaged, found.arms[0].hidden), (0, 1))
        self.act(shown, 3, "listed")
        self.assertEqual(reading(experiment).arms[0].engaged, 1)

    def test_a_point_goes_to_the_arm_of_the_film_and_small_letters_say_nothing(self) -> None:
        experiment = self.mixed()
        shown = self.show(experiment, "aBABBABABA")
        self.act(shown, 1)
        self.assertEqual(reading(experiment).contrasts[0].effect.estimate, 0.0)
        self.act(shown, 2)
        self.act(shown, 2, "listed")
        self.act(shown, 4)
        self.act(shown, 3)
        self.assertEqual(reading(experiment).contrasts[0].effect.estimate, 1.0)

    def test_lists_of_others_do_not_count(self) -> None:
        experiment = self.ab()
        ServedList.objects.create(user=self.alice, at=timezone.now(), surface="home", movie_ids=FILMS, slots="r" * 10)
        self.assertEqual(reading(experiment).n_lists, 0)

    def test_it_takes_few_queries_however_long_it_was(self) -> None:
        experiment = self.ab()
        live_through(experiment, make_people(40), {"A": 0.3, "B": 0.5})
        with self.assertNumQueries(6):
            reading(experiment)


class DecisionTestCase(ReadingCase):
    def test_a_clear_difference_is_found_in_its_direction(self) -> None:
        people = make_people(100)
        for chances, winner in (({"A": 0.3, "B": 0.6}, "B"), ({"A": 0.6, "B": 0.3}, "A")):
            with self.subTest(winner):
                experiment = self.ab(status="stopped", interest=0.1)
                live_through(experiment, people, chances)
                found = reading(experiment)
                self.assertEqual(found.winner, winner)
                low, high = found.contrasts[0].interval or (0.0, 0.0)
                truth = chances["B"] - chances["A"]
                self.assertTrue(low <= truth <= high)

    def test_mixed_lists_tell_with_far_fewer(self) -> None:
        experiment = self.mixed()
        live_through(experiment, make_people(60), {"A": 0.15, "B": 0.45})
        found = reading(experiment)
        self.assertEqual((found.winner, found.ratio), ("B", None))

    def test_what_is_not_decided_says_how_many_more_lists(self) -> None:
        experiment = self.ab()
        live_through(experiment, make_people(100), {"A": 0.42, "B": 0.46})
        found = reading(experiment)
        self.assertIsNone(found.winner)
        self.assertGreater(found.contrasts[0].more_lists or 0, 100)
        self.assertRegex(experiment_lines.finding(experiment, found), r"about [\d,]+ more lists")

    def test_a_handful_of_people_decides_nothing(self) -> None:
        experiment = self.ab()
        live_through(experiment, make_people(12), {"A": 0.0, "B": 1.0}, lists_each=40)
        found = reading(experiment)
        self.assertIsNone(found.winner)
        self.assertIn("Too few people", experiment_lines.finding(experiment, found))

    def test_three_arms_are_held_against_the_first(self) -> None:
        experiment = start("ab", None, None, None)
        live_through(experiment, make_people(240), {"A": 0.3, "B": 0.3, "C": 0.7})
        found = reading(experiment)
        self.assertEqual([(one.name, one.decision) for one in found.contrasts], [("B", "open"), ("C", "better")])
        self.assertEqual(found.winner, "C")

    def test_people_who_are_not_divided_as_intended_are_noticed(self) -> None:
        experiment = self.ab()
        people = make_people(400)
        live_through(experiment, people, {"A": 0.4, "B": 0.4}, lists_each=1)
        self.assertFalse(reading(experiment).ratio.warns)  # type: ignore[union-attr]
        lost = ServedList.objects.filter(experiment=experiment, arms="B").values_list("pk", flat=True)[:120]
        ServedList.objects.filter(pk__in=list(lost)).delete()
        found = reading(experiment)
        self.assertTrue(found.ratio.warns)  # type: ignore[union-attr]
        self.assertIn("not divided as intended", experiment_lines.finding(experiment, found))

    def test_groups_are_told_by_how_much_people_had_rated(self) -> None:
        experiment = self.ab()
        live_through(experiment, make_people(100), {"A": 0.3, "B": 0.6})
        groups = reading(experiment).groups
        self.assertEqual([one.people for one in groups], [100, 0, 0])
        self.assertIsNotNone(groups[0].interval)
        self.assertIsNone(groups[1].interval)
