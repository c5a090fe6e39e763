from __future__ import annotations

from typing import Any

from django.utils import timezone

from cinema.models import AuditEntry
from mlops import experiments
from mlops.experiments import ExperimentRefused, PlannedArm
from mlops.models import EngagementDay, EngagementPolicy
from mlops.tests.made_experiments import live_through, make_people
from recommender import registry, retention
from recommender.models import Activation, Experiment
from recommender.tests.stored_versions import CatalogueTestCase, store_version


class ExperimentCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.other = store_version()

    def plan(self, kind: str = "ab", **fields: Any) -> Experiment:
        arms = [PlannedArm(self.version, {}), PlannedArm(self.other, {})]
        return experiments.plan(**{"name": "Newer?", "kind": kind, "arms": arms, "by": self.staff, **fields})

    def assert_refused(self, code: str | None = None, **fields: Any) -> None:
        with self.assertRaises(ExperimentRefused) as caught:
            self.plan(**fields)
        if code:
            self.assertEqual(caught.exception.code, code)


class PlanTestCase(ExperimentCase):
    def test_it_has_arms_by_letter(self) -> None:
        experiment = self.plan()
        self.assertEqual([arm.name for arm in experiment.arms.all()], ["A", "B"])
        self.assertEqual((experiment.status, experiment.created_by), ("draft", self.staff))

    def test_it_is_refused_where_it_could_say_nothing(self) -> None:
        same = [PlannedArm(self.version, {}), PlannedArm(self.version, {})]
        three = [PlannedArm(None, {}), PlannedArm(self.version, {}), PlannedArm(self.other, {})]
        tuned = [PlannedArm(self.version, {}), PlannedArm(self.other, {"novelty": 0.5})]
        for arms in (same, three, tuned):
            self.assert_refused(kind="interleaved", arms=arms)
        self.assert_refused(arms=[PlannedArm(None, {})])

    def test_settings_are_checked(self) -> None:
        for settings in ({"novelty": 2.0}, {"novelty": float("nan")}, {"discovery": 9}, {"colour": 1}):
            self.assert_refused(arms=[PlannedArm(None, {}), PlannedArm(None, settings)])

    def test_what_is_worth_finding_is_a_tenth_of_what_is_engaged_with(self) -> None:
        self.assertEqual(experiments.usual_interest(), 0.02)
        EngagementDay.objects.create(day=timezone.now().date(), lists=1000, opened_lists=300)
        self.assertEqual(experiments.usual_interest(), 0.03)


class LifeTestCase(ExperimentCase):
    def test_it_is_started_and_ended_once(self) -> None:
        experiment = self.plan()
        experiments.start(experiment, by=self.staff)
        self.assertTrue(experiment.is_running)
        with self.assertRaises(ExperimentRefused):
            experiments.start(experiment, by=self.staff)
        self.assertTrue(experiments.stop(experiment, by=self.staff, reason="enough"))
        self.assertFalse(experiments.stop(experiment, by=self.staff))
        self.assertEqual((experiment.status, experiment.end_reason), ("stopped", "enough"))
        kept = list(AuditEntry.objects.filter(action="experiment").order_by("pk").values_list("before", "after"))
        self.assertEqual(kept, [("", "planned"), ("planned", "running"), ("running", "stopped")])

    def test_one_runs_at_a_time(self) -> None:
        experiments.start(self.plan(), by=self.staff)
        with self.assertRaises(ExperimentRefused) as caught:
            experiments.start(self.plan(), by=self.staff)
        self.assertEqual(caught.exception.code, "experiment_running")

    def test_it_does_not_start_without_the_log_it_learns_from(self) -> None:
        EngagementPolicy.objects.create(record=False)
        with self.assertRaises(ExperimentRefused) as caught:
            experiments.start(self.plan(), by=self.staff)
        self.assertEqual(caught.exception.code, "log_is_off")

    def test_it_does_not_start_with_files_that_are_damaged(self) -> None:
        broken = store_version()
        broken.artifact_sha256 = "0" * 64
        broken.save()
        experiment = self.plan(arms=[PlannedArm(self.version, {}), PlannedArm(broken, {})])
        with self.assertRaises(ExperimentRefused) as caught:
            experiments.start(experiment, by=self.staff)
        self.assertEqual(caught.exception.code, "artifact_corrupt")

    def test_a_plan_can_be_discarded_and_what_ran_cannot(self) -> None:
        experiment = self.plan()
        experiments.start(experiment, by=self.staff)
        self.assertFalse(experiments.discard(experiment))
        self.assertTrue(experiments.discard(self.plan()))
        self.assertEqual(Experiment.objects.count(), 1)

    def test_versions_of_its_arms_are_kept(self) -> None:
        experiment = self.plan()
        self.assertEqual(registry.in_use()[self.other.pk], "an arm of an experiment")
        self.assertFalse(retention.delete(self.other))
        experiments.start(experiment, by=self.staff)
        experiments.stop(experiment, by=self.staff)
        self.assertNotIn(self.other.pk, registry.in_use())


class GuardTestCase(ExperimentCase):
    def test_it_is_ended_when_an_arm_does_harm(self) -> None:
        experiment = self.plan(harm=0.05)
        experiments.start(experiment, by=self.staff)
        live_through(experiment, make_people(120), {"A": 0.7, "B": 0.2})
        with self.assertLogs("mlops.experiments", "WARNING"):
            experiments.guard()
        experiment.refresh_from_db()
        self.assertEqual((experiment.status, experiment.ended_by), ("stopped", None))
        self.assertIn("B is surely worse than A", experiment.end_reason)
        assert experiment.verdict is not None
        self.assertEqual(experiment.verdict["winner"], "A")
        self.assertEqual(AuditEntry.objects.filter(action="experiment").latest("pk").role, "site")

    def test_it_goes_on_while_nothing_is_sure(self) -> None:
        experiment = self.plan(harm=0.05)
        experiments.start(experiment, by=self.staff)
        live_through(experiment, make_people(60), {"A": 0.45, "B": 0.4})
        experiments.guard()
        experiment.refresh_from_db()
        self.assertTrue(experiment.is_running)


class PromoteTestCase(ExperimentCase):
    def ended(self, arms: list[PlannedArm] | None = None) -> Experiment:
        experiment = self.plan(arms=arms) if arms else self.plan()
        experiments.start(experiment, by=self.staff)
        experiments.stop(experiment, by=self.staff)
        return experiment

    def test_the_winner_becomes_live_with_the_experiment_as_the_reason(self) -> None:
        experiment = self.ended()
        experiments.promote(experiment, experiment.arms.get(name="B"), by=self.staff)
        state = registry.live()
        self.assertEqual(state.version, self.other)
        self.assertIn("Newer?", Activation.objects.latest("pk").reason)

    def test_what_the_gate_refused_is_not_made_live_by_having_won(self) -> None:
        self.other.verdict = {"passed": False, "checks": []}
        self.other.save()
        experiment = self.ended()
        with self.assertRaises(registry.RefusedByGate):
            experiments.promote(experiment, experiment.arms.get(name="B"), by=self.staff)
        self.assertEqual(registry.live().version, self.version)

    def test_settings_are_no_version(self) -> None:
        experiment = self.ended([PlannedArm(None, {}), PlannedArm(None, {"novelty": 0.5})])
        with self.assertRaises(ExperimentRefused):
            experiments.promote(experiment, experiment.arms.get(name="B"), by=self.staff)

    def test_it_has_to_be_over(self) -> None:
        experiment = self.plan()
        experiments.start(experiment, by=self.staff)
        with self.assertRaises(ExperimentRefused):
            experiments.promote(experiment, experiment.arms.get(name="B"), by=self.staff)
