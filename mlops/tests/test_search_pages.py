"""The pages of searches."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.db import connection
from django.test import Client, TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from cinema.models import User
from mlops.models import Search, TrainingRun, Trial
from mlops.tests.small_searches import a_search, a_trial

State, Status = Trial.State, TrainingRun.Status
HTMX = {"HX-Request": "true", "HX-Target": "search"}
FORM = {"preset": "tuned", "objective": "rmse", "max_trials": "8", "max_minutes": "", "seed": "4"}


class SearchPagesTestCase(TestCase):
    def setUp(self) -> None:
        self.alice = User.objects.create_user("alice")
        self.grace = User.objects.create_user("grace", is_staff=True)
        self.client.force_login(self.grace)

    def judged(self) -> Search:
        """The preset, a better one, one that was pruned and one that failed."""
        search = a_search(importances={"learning_rate": 0.75, "n_factors": 0.25})
        a_trial(search, 0.9)
        a_trial(search, 0.88, learning_rate=0.02)
        a_trial(search, None, State.PRUNED, learning_rate=0.04)
        a_trial(search, None, State.FAILED, learning_rate=0.05)
        return search


class GuardsTestCase(SearchPagesTestCase):
    def setUp(self) -> None:
        super().setUp()
        search = a_search(Status.RUNNING)
        self.pages = ["/training/searches", f"/training/searches/{search.pk}"]
        self.actions = [f"/training/searches/{search.pk}/{what}" for what in ("cancel", "resume", "train")]

    def test_it_sends_strangers_to_sign_in(self) -> None:
        for page in self.pages:
            self.assertRedirects(Client().get(page), f"/sign-in?next={page.replace('/', '%2F')}")
        for action in [*self.actions, "/training/searches"]:
            self.assertRedirects(Client().post(action), "/sign-in?next=%2F")

    def test_it_refuses_viewers_fragments_too(self) -> None:
        self.client.force_login(self.alice)
        for page in self.pages:
            self.assertEqual(self.client.get(page).status_code, 403)
            self.assertEqual(self.client.get(page, headers=HTMX).status_code, 403)
        for action in [*self.actions, "/training/searches"]:
            self.assertEqual(self.client.post(action, FORM).status_code, 403)
        self.assertFalse(TrainingRun.objects.get().cancel_requested)

    def test_it_changes_nothing_on_get_and_demands_the_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.grace)
        for action in self.actions:
            self.assertEqual(self.client.get(action).status_code, 405)
            self.assertEqual(client.post(action).status_code, 403)
        self.assertEqual(client.post("/training/searches", FORM).status_code, 403)

    def test_it_knows_no_other_search(self) -> None:
        self.assertEqual(self.client.get("/training/searches/99").status_code, 404)
        self.assertEqual(self.client.post("/training/searches/99/resume").status_code, 404)


class StartTestCase(SearchPagesTestCase):
    def test_it_queues_a_search_and_shows_it(self) -> None:
        response = self.client.post("/training/searches", FORM, follow=True)
        search = Search.objects.get()
        self.assertEqual(response.redirect_chain[0][0], f"/training/searches/{search.pk}")
        self.assertEqual((search.preset, search.max_trials, search.max_minutes, search.seed), ("tuned", 8, None, 4))
        run = TrainingRun.objects.get()
        self.assertEqual((run.kind, run.search, run.requested_by), ("search", search, self.grace))
        self.assertEqual(OrmQ.objects.get().task["args"], (run.pk,))
        self.assertContains(response, "Waiting for the worker")
        self.assertContains(response, "No worker is running")

    def test_it_takes_minutes_alone(self) -> None:
        self.client.post("/training/searches", {**FORM, "max_trials": "", "max_minutes": "15"})
        self.assertEqual((Search.objects.get().max_trials, Search.objects.get().max_minutes), (None, 15))

    def test_it_says_what_is_wrong(self) -> None:
        for wrong, words in (
            ({"max_trials": ""}, "Say how many trials, or how many minutes."),
            ({"max_trials": "0"}, "greater than or equal to 1"),
            ({"max_trials": "1000"}, "less than or equal to 200"),
            ({"preset": "magic"}, "Select a valid choice"),
            ({"seed": "-1"}, "greater than or equal to 0"),
        ):
            with self.subTest(wrong):
                response = self.client.post("/training/searches", {**FORM, **wrong})
                self.assertContains(response, words, status_code=422)
        self.assertFalse(Search.objects.exists())

    def test_it_starts_nothing_beside_another_run(self) -> None:
        TrainingRun.objects.create(preset="tuned")
        response = self.client.post("/training/searches", FORM, follow=True)
        self.assertContains(response, "is still going on")
        self.assertFalse(Search.objects.exists())

    @override_settings(THROTTLE_RATES={"training": 0})
    def test_it_is_throttled(self) -> None:
        self.assertEqual(self.client.post("/training/searches", FORM).status_code, 429)
        self.assertFalse(Search.objects.exists())


class ListTestCase(SearchPagesTestCase):
    def test_it_works_before_the_first_search(self) -> None:
        self.assertContains(self.client.get("/training/searches"), "No search yet")

    def test_it_says_of_each_whether_it_beats_its_preset(self) -> None:
        self.judged()
        a_trial(a_search(), 0.9)
        response = self.client.get("/training/searches")
        self.assertContains(response, "beats it by 0.0200")
        self.assertContains(response, "does not beat it")

    def test_it_asks_as_often_for_many_searches_as_for_one(self) -> None:
        self.judged()
        with CaptureQueriesContext(
            connection,
        ) as one:
            self.client.get("/training/searches")
        for _ in range(5):
            self.judged()
        with CaptureQueriesContext(connection) as many:
            self.client.get("/training/searches")
        self.assertEqual(len(one), len(many))
        self.assertLessEqual(len(many), 15)

    def test_it_lives_with_a_preset_that_is_no_more(self) -> None:
        search = self.judged()
        Search.objects.update(preset="forgotten")
        TrainingRun.objects.update(status=Status.FAILED)
        for page in ("/training/searches", f"/training/searches/{search.pk}"):
            self.assertContains(self.client.get(page), "forgotten")
        response = self.client.post(f"/training/searches/{search.pk}/resume", follow=True)
        self.assertContains(response, "which is no more")


class DetailTestCase(SearchPagesTestCase):
    def page(self, search: Search, **extra: Any):
        return self.client.get(f"/training/searches/{search.pk}", **extra)

    def test_it_says_what_beats_the_preset_and_by_how_much(self) -> None:
        response = self.page(self.judged())
        self.assertContains(response, "Trial 1 beats the preset by")
        self.assertContains(response, '<span class="gain">0.0200</span>', html=True)

    def test_it_says_when_nothing_beats_the_preset(self) -> None:
        search = a_search()
        a_trial(search, 0.9)
        a_trial(search, 0.95, n_factors=20)
        response = self.page(search)
        self.assertContains(response, "Nothing that was tried beats the preset.")
        self.assertContains(response, "The preset is the best")

    def test_it_draws_every_trial_that_counts(self) -> None:
        search = self.judged()
        a_trial(search, None, State.INTERRUPTED, learning_rate=0.03)
        content = self.page(search).content.decode()
        self.assertEqual(content.count('<g class="point'), 4)
        self.assertIn("<title>Trial 2, pruned when its curve was at 0.9700</title>", content)
        self.assertIn("4 trials, 1 of them pruned. The best, number 1, has 0.8800. The preset has 0.9000.", content)

    def test_it_shows_the_best_beside_the_preset(self) -> None:
        response = self.page(self.judged())
        self.assertContains(response, "0.02 ↑")
        self.assertContains(response, "0.002 to 0.05, by logarithm")

    def test_it_warns_of_importances_of_too_few_trials(self) -> None:
        self.assertContains(self.page(self.judged()), "below 20 this is mostly chance")

    def test_it_gives_every_table_as_a_file(self) -> None:
        search = self.judged()
        text = self.page(search, data={"table": "trials", "as": "csv"}).content.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual([row["state"] for row in rows], ["complete", "complete", "pruned", "failed"])
        self.assertEqual(
            (rows[1]["rmse"], rows[1]["learning_rate"], rows[2]["pruned_at_rmse"]), ("0.88", "0.02", "0.97")
        )
        found = self.page(search, data={"table": "importances", "as": "json"}).json()
        self.assertEqual(found["rows"][0], {"parameter": "learning_rate", "share": 0.75})
        parameters = self.page(search, data={"table": "parameters", "as": "json"}).json()["rows"]
        self.assertIn(("learning_rate", 0.02), [(row["parameter"], row["best"]) for row in parameters])
        self.assertEqual(self.page(search, data={"table": "nothing"}).status_code, 404)

    def test_it_asks_again_while_it_runs_and_stops_then(self) -> None:
        search = a_search(Status.RUNNING)
        a_trial(search, 0.9)
        running = self.page(search, headers=HTMX)
        self.assertTemplateNotUsed(running, "base.html")
        self.assertContains(running, 'hx-trigger="every 2s"')
        self.assertNotContains(running, "Train this")
        TrainingRun.objects.update(status=Status.SUCCEEDED)
        ended = self.page(search, headers=HTMX)
        self.assertNotContains(ended, "hx-trigger")
        self.assertContains(ended, "Train this")

    def test_it_settles_a_trial_whose_run_has_ended(self) -> None:
        search = a_search(Status.FAILED)
        a_trial(search, None, State.RUNNING)
        self.assertContains(self.page(search), "interrupted")
        self.assertEqual(Trial.objects.get().state, State.INTERRUPTED)

    def test_it_asks_few_questions(self) -> None:
        search = self.judged()
        with CaptureQueriesContext(connection) as queries:
            self.page(search)
        self.assertLessEqual(len(queries), 15)

    def test_it_shows_what_was_judged_on_the_test_part(self) -> None:
        search = self.judged()

        def figure(value: float) -> dict[str, object]:
            return {"value": value, "interval": [value - 0.03, value + 0.03], "n": 671}

        difference = {"value": -0.01, "interval": [-0.02, -0.005], "verdict": "better"}
        other = {"value": 0.001, "interval": [-0.002, 0.004], "verdict": "open"}
        search.judgement = {
            "trial": 1,
            "at": "2026-11-23T12:00:00+00:00",
            "preset": {"rmse": figure(0.9), "ndcg_at_10": figure(0.12)},
            "best": {"rmse": figure(0.89), "ndcg_at_10": figure(0.121)},
            "differences": {"rmse": difference, "ndcg_at_10": other},
        }
        search.save()
        response = self.page(search)
        self.assertContains(response, "it beats it in RMSE (−0.0100 [−0.0200, −0.0050])")
        self.assertContains(response, "cannot be told from it in NDCG@10")
        a_trial(search, 0.87, n_factors=30)
        self.assertContains(self.page(search), "A better one has come since")


class ActionsTestCase(SearchPagesTestCase):
    def test_it_is_cancelled(self) -> None:
        search = a_search(Status.RUNNING)
        response = self.client.post(f"/training/searches/{search.pk}/cancel", follow=True)
        self.assertContains(response, "asked to stop")
        self.assertTrue(TrainingRun.objects.get().cancel_requested)

    def test_it_says_when_there_is_nothing_to_cancel(self) -> None:
        search = a_search()
        response = self.client.post(f"/training/searches/{search.pk}/cancel", follow=True)
        self.assertContains(response, "had already ended")

    def test_it_is_resumed_by_a_new_run(self) -> None:
        search = a_search(Status.CANCELLED)
        self.client.post(f"/training/searches/{search.pk}/resume")
        self.assertEqual(list(search.runs.values_list("status", flat=True)), [Status.QUEUED, Status.CANCELLED])
        response = self.client.post(f"/training/searches/{search.pk}/resume", follow=True)
        self.assertContains(response, "is still going on")

    def test_it_is_not_resumed_when_it_is_done(self) -> None:
        search = a_search()
        response = self.client.post(f"/training/searches/{search.pk}/resume", follow=True)
        self.assertContains(response, "nothing left to do")
        self.assertEqual(search.runs.count(), 1)

    def test_it_trains_what_was_found(self) -> None:
        search = self.judged()
        self.client.post(f"/training/searches/{search.pk}/train", {"activate": "on"})
        run = TrainingRun.objects.get(kind="training")
        self.assertEqual((run.preset, run.activate, run.requested_by), ("tuned", True, self.grace))
        self.assertEqual((run.hyperparameters["learning_rate"], run.hyperparameters["n_epochs"]), (0.02, 40))

    def test_it_leaves_the_live_version_alone_when_told_to(self) -> None:
        self.client.post(f"/training/searches/{self.judged().pk}/train")
        self.assertFalse(TrainingRun.objects.get(kind="training").activate)

    def test_it_trains_nothing_before_anything_was_judged(self) -> None:
        search = a_search()
        response = self.client.post(f"/training/searches/{search.pk}/train", follow=True)
        self.assertContains(response, "nothing to train yet")
        self.assertFalse(TrainingRun.objects.filter(kind="training").exists())


class OtherPagesTestCase(SearchPagesTestCase):
    def test_the_dashboard_tells_a_search_from_a_training(self) -> None:
        search = a_search(Status.RUNNING)
        response = self.client.get("/training/")
        self.assertContains(response, f'<a href="/training/searches/{search.pk}">Search {search.pk}</a>', html=True)
        run = TrainingRun.objects.get()
        self.assertContains(self.client.get(f"/training/runs/{run.pk}"), f"search {search.pk}")
