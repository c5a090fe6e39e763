"""A search as it is carried out: its trials, its end, and what becomes of it when it is stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.test import TestCase

from cinema.models import Rating
from mlops import runs, searches, searching
from mlops.models import Search, TrainingRun, Trial
from mlops.searches import LostRun
from mlops.searching import SearchFailed, Watched, carry_out
from recommender.algorithms.presets import PRESETS
from recommender.models import ModelVersion
from recommender.tests.stored_versions import FIRST_OF_CROWD, make_catalogue, make_crowd

State, Status = Trial.State, TrainingRun.Status


class SmallSearchesTestCase(TestCase):
    """A crowd to search on, and a way to search."""

    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()

    def begin(self, **options: Any) -> tuple[TrainingRun, UUID]:
        wanted = {"preset": "tuned", "objective": "rmse", "max_trials": 3, "max_minutes": None, "seed": 1, **options}
        return searches.begin_search(**wanted)

    def search(self, **options: Any) -> Search:
        run, owner = self.begin(**options)
        return carry_out(run.pk, owner)

    def resume(self, search: Search) -> Search:
        run, owner = searches.resume_in_foreground(search)
        return carry_out(run.pk, owner)

    def stop_at(self, trial: int, how: type[BaseException] = KeyboardInterrupt) -> Any:
        def look(watched: Watched) -> None:
            if watched.trial.number == trial and watched.epoch == 3:
                raise how("stopped")

        return look


class SearchingTestCase(SmallSearchesTestCase):
    def test_it_judges_the_preset_first_and_then_what_is_proposed(self) -> None:
        search = self.search()
        self.assertEqual(search.status, Status.SUCCEEDED)
        self.assertEqual([trial.number for trial in search.all_trials], [0, 1, 2])
        preset = {name: PRESETS["tuned"].hyperparameters[name] for name in search.space.parameters}
        self.assertEqual(search.all_trials[0].parameters, preset)
        self.assertEqual(search.of_preset, search.all_trials[0])
        for trial in search.all_trials:
            self.assertTrue(search.space.contains(trial.parameters))
            self.assertEqual((trial.state, trial.value), (State.COMPLETE, trial.rmse))
            self.assertTrue(0 < (trial.rmse or 0) < 2 and 0 < (trial.ndcg or 0) <= 1)
            self.assertEqual([place for place, _ in trial.curve], list(range(1, 11)))
            self.assertEqual(trial.dataset_fingerprint, search.dataset_fingerprint)
        best = search.best
        assert best is not None
        self.assertEqual(best.value, min(trial.value or 9 for trial in search.all_trials))

    def test_it_makes_no_version(self) -> None:
        self.search(max_trials=1)
        self.assertFalse(ModelVersion.objects.exists())

    def test_it_takes_the_largest_ndcg_for_the_best_where_that_is_asked_for(self) -> None:
        search = self.search(objective="ndcg")
        best = search.best
        assert best is not None
        self.assertEqual(best.value, max(trial.ndcg or 0 for trial in search.all_trials))

    def test_it_is_the_same_with_the_same_seed_and_another_with_another(self) -> None:
        def told(search: Search) -> list[Any]:
            return [(one.parameters, one.value, one.curve) for one in search.all_trials]

        first = told(self.search())
        self.assertEqual(told(self.search()), first)
        self.assertNotEqual(told(self.search(seed=2))[1:], first[1:])

    def test_it_goes_on_as_if_nothing_had_happened(self) -> None:
        whole = self.search(max_trials=9)
        run, owner = self.begin(max_trials=9)
        with self.assertRaises(KeyboardInterrupt):
            carry_out(run.pk, owner, watch=self.stop_at(7))
        runs.finish(run.pk, owner, Status.CANCELLED)
        search = Search.objects.latest("pk")
        self.assertEqual([one.state for one in search.all_trials][7:], [State.INTERRUPTED])
        search = self.resume(search)
        self.assertEqual([one.number for one in search.done], [0, 1, 2, 3, 4, 5, 6, 8, 9])
        self.assertEqual(search.done[7].parameters, search.all_trials[7].parameters)
        self.assertEqual(
            [(one.parameters, one.state, one.value) for one in search.done],
            [(one.parameters, one.state, one.value) for one in whole.done],
        )

    def test_it_stops_when_it_is_cancelled_and_leaves_no_trial_running(self) -> None:
        run, owner = self.begin()

        def cancel(watched: Watched) -> None:
            if watched.trial.number == 1:
                runs.request_cancel(run)

        with mock.patch.object(searching, "SECONDS_BETWEEN_WRITES", 0.0), self.assertRaises(LostRun):
            carry_out(run.pk, owner, watch=cancel)
        self.assertEqual(list(Trial.objects.values_list("state", flat=True)), [State.COMPLETE, State.INTERRUPTED])

    def test_it_counts_a_failed_trial_and_says_why(self) -> None:
        judge = searching._Searching._judge

        def fails_once(self_: Any, trial: Trial, *args: Any) -> Any:
            if trial.number == 1:
                raise ZeroDivisionError("no people")
            return judge(self_, trial, *args)

        with mock.patch.object(searching._Searching, "_judge", fails_once), self.assertLogs("mlops.searching", "ERROR"):
            search = self.search()
        self.assertEqual([one.state for one in search.all_trials], [State.COMPLETE, State.FAILED, State.COMPLETE])
        self.assertEqual(search.all_trials[1].error, "ZeroDivisionError: no people")

    def test_it_gives_up_after_three_failures_in_a_row(self) -> None:
        broken = mock.patch.object(searching._Searching, "_judge", side_effect=ZeroDivisionError("no people"))
        run, owner = self.begin(max_trials=9)
        with broken, self.assertLogs("mlops.searching", "ERROR"), self.assertRaises(SearchFailed):
            carry_out(run.pk, owner)
        run.refresh_from_db()
        self.assertEqual(run.status, Status.FAILED)
        self.assertIn("no people", run.error)
        self.assertEqual(Trial.objects.filter(state=State.FAILED).count(), 3)
        # Resumed when what broke is mended, it goes on.
        search = self.resume(Search.objects.get())
        self.assertEqual((search.status, len(search.done)), (Status.SUCCEEDED, 9))

    def test_it_says_when_there_is_too_little_to_learn_from(self) -> None:
        Rating.objects.filter(user_id__gt=FIRST_OF_CROWD + 1).delete()
        Rating.objects.filter(movie_id__gt=200).delete()
        run, owner = self.begin()
        with self.assertLogs("mlops.searching", "ERROR"), self.assertRaises(ValueError):
            carry_out(run.pk, owner)
        run.refresh_from_db()
        self.assertIn("at least 50", run.error)

    def test_it_ends_when_there_is_nothing_new_to_try(self) -> None:
        with mock.patch("mlops.proposals.Adviser.propose", return_value=None):
            search = self.search(max_trials=9)
        self.assertEqual((search.status, len(search.done)), (Status.SUCCEEDED, 1))
        self.assertIn("every proposal had been tried before", search.notes[0])

    def test_it_ends_when_its_minutes_are_spent(self) -> None:
        run, owner = self.begin(max_trials=None, max_minutes=1)

        def time_passes(watched: Watched) -> None:
            Trial.objects.filter(number=watched.trial.number - 1).update(seconds=60)

        search = carry_out(run.pk, owner, watch=time_passes)
        self.assertEqual((len(search.done), search.status), (2, Status.SUCCEEDED))

    def test_it_insists_where_the_database_is_busy(self) -> None:
        end, failures = searches.end_trial, [OperationalError("database is locked")] * 2

        def busy(*args: Any, **fields: Any) -> None:
            if failures:
                raise failures.pop()
            end(*args, **fields)

        with mock.patch.object(searches, "end_trial", busy), self.assertLogs("mlops.searching", "WARNING"):
            search = self.search(max_trials=1)
        self.assertEqual((len(search.done), failures), (1, []))

    def test_it_is_the_database_that_lets_no_parameters_be_tried_twice(self) -> None:
        search = self.search(max_trials=1)
        done = search.all_trials[0]
        values = {"search": search, "parameters": done.parameters, "digest": done.digest, "started_at": done.started_at}
        with self.assertRaises(IntegrityError), transaction.atomic():
            Trial.objects.create(number=1, **values)
        Trial.objects.create(number=1, state=State.INTERRUPTED, **values)


class ResumedDataTestCase(SmallSearchesTestCase):
    """What a search goes on with that is resumed after the ratings have changed."""

    def interrupted(self) -> Search:
        run, owner = self.begin()
        with self.assertRaises(KeyboardInterrupt):
            carry_out(run.pk, owner, watch=self.stop_at(1))
        runs.finish(run.pk, owner, Status.INTERRUPTED)
        return Search.objects.get()

    def test_it_leaves_out_what_was_rated_since(self) -> None:
        search = self.interrupted()
        one = Rating.objects.first()
        assert one is not None and search.data_until is not None
        later = search.data_until + timedelta(seconds=5)
        rated = Rating.objects.filter(user_id=one.user_id).values_list("movie_id", flat=True)
        unrated = set(range(10, 610, 10)) - set(rated)
        Rating.objects.create(user_id=one.user_id, movie_id=unrated.pop(), value=5, rated_at=later, changed_at=later)
        search = self.resume(search)
        self.assertEqual(len({trial.dataset_fingerprint for trial in search.all_trials}), 1)
        self.assertEqual(search.notes, [])

    def test_it_says_when_other_code_goes_on(self) -> None:
        search = self.interrupted()
        Search.objects.update(code_version="0.0.1+old")
        search = self.resume(search)
        self.assertIn("not 0.0.1+old", search.notes[0])
        self.assertEqual(search.code_version, "0.0.1+old")

    def test_it_says_how_many_ratings_are_missing(self) -> None:
        search = self.interrupted()
        Rating.objects.filter(pk__in=Rating.objects.values_list("pk")[:3]).delete()
        search = self.resume(search)
        self.assertEqual(len(search.done), 3)
        self.assertIn("3 of its", search.notes[0])
        self.assertIn("from number 2 on", search.notes[0])
        self.assertEqual(len({trial.dataset_fingerprint for trial in search.all_trials}), 2)

    def test_it_does_not_compare_what_cannot_be_compared(self) -> None:
        search = self.interrupted()
        Rating.objects.filter(user_id__lt=FIRST_OF_CROWD + 10).delete()
        with self.assertLogs("mlops.searching", "ERROR"), self.assertRaises(SearchFailed):
            self.resume(search)
        self.assertIn("Start a new search", TrainingRun.objects.latest("pk").error)
