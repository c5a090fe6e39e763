"""``manage.py search``: a search at the terminal, and what its best is worth on the test part."""

from __future__ import annotations

import io
from unittest import mock

from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import TestCase

from mlops import judgement_words, runs, searches
from mlops.management.commands import search as command
from mlops.models import Search, TrainingRun, Trial
from mlops.searching import Watched
from recommender.tests.stored_versions import make_catalogue, make_crowd

State, Status = Trial.State, TrainingRun.Status


class SearchCommandTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()

    def search(self, *arguments: str) -> str:
        output = io.StringIO()
        call_command("search", "--preset", "classic", *arguments, stdout=output, stderr=io.StringIO())
        return output.getvalue()

    def stopped(self, by: type[BaseException]) -> None:
        def look(self_: command.Command, watched: Watched) -> None:
            if watched.trial.number == 1:
                raise by()

        with mock.patch.object(command.Command, "_show", look), self.assertRaises(CommandError) as caught:
            self.search("--trials", "3")
        self.assertIn("--resume", str(caught.exception))

    def test_it_tells_each_trial_and_the_best(self) -> None:
        told = self.search("--trials", "3", "--seed", "1")
        search = Search.objects.get()
        best = search.best
        assert best is not None
        self.assertEqual((search.status, search.seed, len(search.done)), (Status.SUCCEEDED, 1, 3))
        self.assertIn(f"Best is trial {best.number}: RMSE {best.value:.4f}", told)
        self.assertEqual(told.count(" complete "), 3)
        self.assertIn("the preset classic there", told)

    def test_it_takes_twenty_trials_for_granted(self) -> None:
        with mock.patch.object(command.Command, "_carry_out", side_effect=lambda run, owner: run.search):
            self.search()
        self.assertEqual((Search.objects.get().max_trials, Search.objects.get().max_minutes), (20, None))

    def test_it_goes_on_where_it_was_stopped(self) -> None:
        self.stopped(KeyboardInterrupt)
        search = Search.objects.get()
        self.assertEqual([one.state for one in search.all_trials], [State.COMPLETE, State.INTERRUPTED])
        self.search("--resume", str(search.pk))
        search = Search.objects.get()
        self.assertEqual((search.status, len(search.done)), (Status.SUCCEEDED, 3))
        with self.assertRaisesMessage(CommandError, "nothing left to do"):
            self.search("--resume", str(search.pk))

    def test_it_refuses_what_it_does_not_understand(self) -> None:
        for wrong in (("--trials", "0"), ("--minutes", "9999"), ("--seed", "-1"), ("--resume", "77")):
            with self.subTest(wrong), self.assertRaises(CommandError):
                self.search(*wrong)
        self.assertFalse(Search.objects.exists())

    def test_it_waits_for_no_training(self) -> None:
        run = runs.request_training()
        with self.assertRaisesMessage(CommandError, f"Run {run.pk} is still in progress."):
            self.search()
        self.assertFalse(Search.objects.exists())

    def test_it_judges_the_best_and_the_preset_on_the_test_part(self) -> None:
        told = self.search("--trials", "4", "--seed", "1", "--judge")
        search = Search.objects.get()
        found = search.judgement
        assert found is not None and search.best is not None
        self.assertEqual(found["trial"], search.best.number)
        self.assertNotEqual(found["best"]["rmse"]["value"], found["preset"]["rmse"]["value"])
        # The paired difference is that of the two figures, each as the pipeline measures it.
        for name, one in found["differences"].items():
            self.assertAlmostEqual(one["value"], found["best"][name]["value"] - found["preset"][name]["value"])
            self.assertTrue(one["interval"][0] <= one["value"] <= one["interval"][1])
            self.assertEqual(one["verdict"] == "open", one["interval"][0] <= 0 <= one["interval"][1])
        for metric in found["best"].values():
            self.assertEqual(metric["passport"]["dataset_fingerprint"], search.dataset_fingerprint)
        self.assertIn(judgement_words.verdict(search.preset, found), told)

    def test_it_judges_a_search_that_has_ended_before(self) -> None:
        self.search("--trials", "1")
        told = self.search("--resume", str(Search.objects.get().pk), "--judge")
        self.assertIn("nothing that was tried beats it", told)

    def test_it_can_be_cancelled_from_its_page(self) -> None:
        def cancel(self_: command.Command, watched: Watched) -> None:
            searches.cancel_search(Search.objects.get())

        with (
            mock.patch.object(command.Command, "_show", cancel),
            mock.patch("mlops.searching.SECONDS_BETWEEN_WRITES", 0.0),
            self.assertRaisesMessage(CommandError, "The search was cancelled."),
        ):
            self.search("--trials", "3")
        self.assertEqual(TrainingRun.objects.get().status, Status.CANCELLED)
