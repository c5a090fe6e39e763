from __future__ import annotations

from collections import Counter
from functools import partial

from django.test import SimpleTestCase

from cinema.models import Movie
from recommender import arms, registry
from recommender.algorithms.controls import Controls
from recommender.arms import Place, RunningArm, RunningExperiment, place_of
from recommender.explain import explain_for
from recommender.own_list import own_list, viewer_of
from recommender.recommend import Recommendation, _slots, recommend_for, recommend_to
from recommender.remembered import list_for
from recommender.tests.running_experiments import another_model, loaded, start
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version
from recommender.viewers import Viewer

ARMS = tuple(RunningArm(name, "", "", None, None, None) for name in "AB")


def an_experiment(salt: str = "s", share: int = 100, arms: tuple[RunningArm, ...] = ARMS) -> RunningExperiment:
    return RunningExperiment(1, False, salt, share, arms)


class AssignmentTestCase(SimpleTestCase):
    def test_it_is_the_same_in_every_process_for_ever(self) -> None:
        found = "".join(an_experiment("3f2a").arm_of(user).name for user in range(1, 25))
        self.assertEqual(found, "ABAABABAABABBBAAAAAABBBB")

    def test_every_arm_gets_as_many_people(self) -> None:
        three = an_experiment(arms=(*ARMS, RunningArm("C", "", "", None, None, None)))
        counts = Counter(three.arm_of(user).name for user in range(30_000))
        for name in "ABC":
            self.assertAlmostEqual(counts[name] / 30_000, 1 / 3, delta=0.012)

    def test_experiments_divide_people_independently(self) -> None:
        same = sum(
            an_experiment("one").arm_of(user).name == an_experiment("other").arm_of(user).name for user in range(20_000)
        )
        self.assertAlmostEqual(same / 20_000, 0.5, delta=0.015)

    def test_a_share_of_people_takes_part_and_no_arm_has_more_of_them(self) -> None:
        few = an_experiment(share=10)
        taking = [user for user in range(50_000) if few.takes_part(user)]
        self.assertAlmostEqual(len(taking) / 50_000, 0.1, delta=0.006)
        self.assertAlmostEqual(sum(few.arm_of(user).name == "A" for user in taking) / len(taking), 0.5, delta=0.03)
        self.assertTrue(all(an_experiment(share=20).takes_part(user) for user in taking), "a larger share adds people")

    def test_a_lists_coin_is_its_own(self) -> None:
        first, again, other = (an_experiment().coin(*about).integers(0, 2**60) for about in ((1, 5), (1, 5), (1, 6)))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)


class ExperimentCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        rate(self.bob, DRAMA_FAN)
        self.alice.refresh_from_db()
        self.bob.refresh_from_db()
        self.other = store_version(another_model())

    def place(self) -> Place:
        found = loaded(lambda: place_of(self.alice))
        assert found is not None
        return found


class PlaceTestCase(ExperimentCase):
    def test_nobody_takes_part_where_nothing_runs(self) -> None:
        start("ab", None, self.other, status="draft")
        start("ab", None, self.other, status="stopped")
        self.assertEqual((self.place().experiment, self.place().live.label), (None, self.version.label))

    def test_what_is_live_serves_until_every_arm_is_in_memory(self) -> None:
        start("ab", self.version, self.other)
        first = place_of(self.alice)
        assert first is not None
        self.assertIsNone(first.experiment)
        self.assertIsNotNone(self.place().experiment)

    def test_each_person_is_served_by_their_arm(self) -> None:
        experiment = start("ab", self.version, self.other)
        labels = {"A": self.version.label, "B": self.other.label}
        for person in (self.alice, self.bob):
            listed = loaded(partial(list_for, person))
            arm = arms._experiment.arm_of(person.pk).name  # type: ignore[union-attr]
            self.assertEqual((listed.experiment, listed.arm), (experiment.pk, arm))
            self.assertEqual(listed.model_version, labels[arm])

    def test_everything_personal_is_of_one_version(self) -> None:
        start("ab", self.other, self.other)
        listed = loaded(lambda: list_for(self.alice, n=3))
        self.assertEqual(listed.model_version, self.other.label)
        film = Movie.objects.get(pk=listed.items[0].movie_id)
        explanation = explain_for(self.alice, film)
        self.assertEqual(explanation["model_version"], self.other.label)
        self.assertAlmostEqual(explanation["predicted_rating"], listed.items[0].predicted_rating or 0.0, places=9)

    def test_a_version_that_cannot_be_read_leaves_everybody_with_what_is_live(self) -> None:
        broken = store_version(another_model())
        broken.artifact_sha256 = "0" * 64
        broken.save()
        start("ab", self.version, broken)
        with self.assertLogs("recommender.arms", "ERROR"):
            place = self.place()
        self.assertEqual((place.experiment, place.live.label), (None, self.version.label))

    def test_a_change_of_the_live_version_moves_nobody(self) -> None:
        start("ab", self.version, self.other)
        before = self.place()
        registry.activate(store_version())
        after = self.place()
        self.assertEqual((after.arm, after.live.label), (before.arm, before.live.label))

    def test_it_ends_for_everybody_at_the_next_request(self) -> None:
        experiment = start("ab", self.version, self.other)
        self.assertIsNotNone(self.place().experiment)
        experiment.status = "stopped"
        experiment.save()
        self.assertIsNone(self.place().experiment)
        self.assertEqual((arms._experiment, arms._loaded), (None, {}))

    def test_what_a_list_is_remembered_by_knows_of_the_experiment(self) -> None:
        self.assertIsNone(list_for(self.alice).experiment)
        start("ab", None, None)
        self.assertIsNotNone(list_for(self.alice).experiment)


class SettingsTestCase(ExperimentCase):
    def test_an_arm_tries_settings_on_who_chose_none(self) -> None:
        start("ab", None, None, settings=[{"discovery": 3, "novelty": 0.5}] * 2)
        viewer = Viewer.of(self.alice)
        assert viewer is not None
        self.assertEqual(viewer.controls, Controls(novelty=0.5))
        self.assertEqual(_slots(viewer, None), 3)
        asked = recommend_for(self.alice, n=10, discovery=3, controls=Controls(novelty=0.5))
        self.assertEqual(recommend_for(self.alice, n=10), asked)

    def test_what_somebody_chose_goes_before(self) -> None:
        start("ab", None, None, settings=[{"discovery": 3, "novelty": 0.5}] * 2)
        self.alice.choose_discovery(0)
        viewer = Viewer.of(self.alice, Controls(diversity=0.1))
        assert viewer is not None
        self.assertEqual(viewer.controls, Controls(diversity=0.1))
        self.assertEqual(_slots(viewer, None), 0)
        self.assertEqual(_slots(viewer, 2), 2)


class InterleavedTestCase(ExperimentCase):
    def viewer(self) -> Viewer:
        viewer = loaded(lambda: Viewer.of(self.alice))
        assert viewer is not None
        return viewer

    def test_a_list_mixes_the_best_of_both(self) -> None:
        experiment = start("interleaved", self.version, self.other)
        viewer = self.viewer()
        listed = own_list(viewer, n=10)
        self.assertEqual((listed.experiment, listed.arm, len(listed.items)), (experiment.pk, None, 10))
        self.assertEqual([item.rank for item in listed.items], list(range(1, 11)))
        self.assertEqual(Counter(item.arm for item in listed.items), {"A": 5, "B": 5})
        films = [item.movie_id for item in listed.items]
        self.assertEqual(len(set(films)), 10)
        assert viewer.place is not None
        for live, name in zip(viewer.place.others, "AB", strict=True):
            best = {item.movie_id for item in own_list_of(viewer.seen_by(live))}
            self.assertLessEqual({item.movie_id for item in listed.items if item.arm == name}, best)

    def test_a_place_is_explained_by_the_version_that_filled_it(self) -> None:
        start("interleaved", self.version, self.other)
        viewer = self.viewer()
        labels = {"A": self.version.label, "B": self.other.label}
        for item in own_list(viewer, n=10).items:
            self.assertEqual(viewer_of(viewer, item).live.label, labels[item.arm or ""])
        (unmixed, *_) = own_list_of(viewer)
        self.assertIs(viewer_of(viewer, unmixed), viewer)

    def test_it_stays_the_same_until_something_changes(self) -> None:
        start("interleaved", self.version, self.other)
        viewer = self.viewer()
        self.assertEqual(own_list(viewer, n=10), own_list(viewer, n=10))
        self.assertEqual(list_for(self.alice), own_list(viewer, n=10))

    def test_two_of_the_same_tell_nothing(self) -> None:
        start("interleaved", self.version, self.version)
        listed = own_list(self.viewer(), n=10)
        self.assertEqual(listed.tells, (False,) * 10)
        self.assertEqual([item.movie_id for item in listed.items], [i.movie_id for i in own_list_of(self.viewer())])

    def test_who_is_unknown_is_shown_what_is_live(self) -> None:
        start("interleaved", self.version, self.other)
        self.viewer()
        viewer = Viewer.of(self.charlie)
        assert viewer is not None
        listed = own_list(viewer, n=10)
        self.assertEqual((listed.experiment, listed.fallback), (None, True))


def own_list_of(viewer: Viewer) -> list[Recommendation]:
    return recommend_to(viewer, n=10).items
