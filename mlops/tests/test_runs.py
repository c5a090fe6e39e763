from __future__ import annotations

import threading
import uuid
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.test import TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from mlops import runs
from mlops.models import LEASE, TrainingRun, WorkerHeartbeat

Status = TrainingRun.Status


class RequestTrainingTestCase(TestCase):
    def test_it_queues_a_run_and_its_task(self) -> None:
        run = runs.request_training(preset="classic", hyperparameters={"seed": 3}, activate=False)
        self.assertEqual((run.status, run.preset, run.hyperparameters), (Status.QUEUED, "classic", {"seed": 3}))
        self.assertFalse(run.activate)
        self.assertEqual(OrmQ.objects.get().task["args"], (run.pk,))

    def test_it_takes_the_default_preset(self) -> None:
        self.assertEqual(runs.request_training().preset, "balanced")

    def test_it_refuses_a_second_run_and_names_the_first(self) -> None:
        first = runs.request_training()
        with self.assertRaises(runs.TrainingInProgress) as caught:
            runs.request_training()
        self.assertEqual(caught.exception.run_id, first.pk)
        self.assertEqual(OrmQ.objects.count(), 1)

    def test_it_is_the_database_that_refuses(self) -> None:
        TrainingRun.objects.create(preset="tuned")
        with self.assertRaises(IntegrityError), transaction.atomic():
            TrainingRun.objects.create(preset="tuned", status=Status.RUNNING)

    def test_it_begins_anew_after_the_end_of_the_last(self) -> None:
        owner = runs.claim(runs.request_training().pk)
        assert owner is not None
        runs.finish(TrainingRun.objects.get().pk, owner, Status.FAILED, error="no")
        self.assertEqual(runs.request_training().status, Status.QUEUED)


class SimultaneousRequestsTestCase(TransactionTestCase):
    def test_it_lets_one_of_twenty_through(self) -> None:
        barrier = threading.Barrier(20)
        outcomes: list[str] = []

        def click() -> None:
            barrier.wait()
            try:
                runs.request_training()
                outcomes.append("started")
            except runs.TrainingInProgress:
                outcomes.append("in progress")
            finally:
                connection.close()

        threads = [threading.Thread(target=click) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(outcomes), ["in progress"] * 19 + ["started"])
        self.assertEqual((TrainingRun.objects.count(), OrmQ.objects.count()), (1, 1))


class TransitionsTestCase(TestCase):
    def setUp(self) -> None:
        self.run_ = TrainingRun.objects.create(preset="tuned")

    def claimed(self) -> uuid.UUID:
        owner = runs.claim(self.run_.pk)
        assert owner is not None
        return owner

    def status(self) -> str:
        self.run_.refresh_from_db()
        return self.run_.status

    def test_it_is_claimed_once(self) -> None:
        self.claimed()
        self.assertIsNone(runs.claim(self.run_.pk))
        self.run_.refresh_from_db()
        self.assertEqual((self.run_.status, self.run_.attempts), (Status.RUNNING, 1))

    def test_it_takes_progress_from_its_owner_only(self) -> None:
        owner = self.claimed()
        self.assertTrue(runs.report_progress(self.run_.pk, owner, epoch=3))
        self.assertFalse(runs.report_progress(self.run_.pk, uuid.uuid4(), epoch=9))
        self.run_.refresh_from_db()
        self.assertEqual(self.run_.epoch, 3)

    def test_it_is_finished_by_its_owner_only(self) -> None:
        owner = self.claimed()
        self.assertFalse(runs.finish(self.run_.pk, uuid.uuid4(), Status.SUCCEEDED))
        self.assertEqual(self.status(), Status.RUNNING)
        self.assertTrue(runs.finish(self.run_.pk, owner, Status.FAILED, error="why"))
        self.assertEqual(self.status(), Status.FAILED)

    def test_it_is_finished_once(self) -> None:
        owner = self.claimed()
        runs.finish(self.run_.pk, owner, Status.CANCELLED)
        self.assertFalse(runs.finish(self.run_.pk, owner, Status.SUCCEEDED))
        self.assertEqual(self.status(), Status.CANCELLED)

    def test_it_is_cancelled_at_once_while_it_waits(self) -> None:
        runs.request_cancel(self.run_)
        self.assertEqual(self.status(), Status.CANCELLED)
        self.assertIsNone(runs.claim(self.run_.pk))

    def test_it_is_asked_to_stop_while_it_runs(self) -> None:
        owner = self.claimed()
        runs.request_cancel(self.run_)
        self.assertEqual(self.status(), Status.RUNNING)
        self.assertFalse(runs.report_progress(self.run_.pk, owner, epoch=1))

    def test_it_does_not_succeed_after_it_was_cancelled(self) -> None:
        owner = self.claimed()
        runs.request_cancel(self.run_)
        self.assertFalse(runs.finish(self.run_.pk, owner, Status.SUCCEEDED))
        self.assertTrue(runs.finish(self.run_.pk, owner, Status.CANCELLED))

    def test_it_is_interrupted_when_its_worker_is_stopped(self) -> None:
        owner = self.claimed()
        self.assertEqual(runs.interrupt_running("stopped", owners=[uuid.uuid4()]), 0)
        self.assertEqual(self.status(), Status.RUNNING)
        self.assertEqual(runs.interrupt_running("stopped", owners=[owner]), 1)
        self.assertEqual(self.status(), Status.INTERRUPTED)
        self.assertFalse(runs.finish(self.run_.pk, owner, Status.SUCCEEDED))

    def test_it_never_lasts_less_than_nothing(self) -> None:
        self.claimed()
        TrainingRun.objects.update(started_at=timezone.now() + timedelta(days=1))
        self.run_.refresh_from_db()
        self.assertEqual(self.run_.elapsed_seconds, 0.0)


class SweepTestCase(TestCase):
    def setUp(self) -> None:
        self.run_ = TrainingRun.objects.create(preset="tuned")

    def sweep(self) -> str:
        runs.sweep()
        self.run_.refresh_from_db()
        return self.run_.status

    def test_it_interrupts_a_run_that_has_gone_silent(self) -> None:
        runs.claim(self.run_.pk)
        TrainingRun.objects.update(heartbeat_at=timezone.now() - LEASE - timedelta(seconds=1))
        self.assertEqual(self.sweep(), Status.INTERRUPTED)
        self.assertIn("Start it again", self.run_.error)
        runs.request_training()

    def test_it_leaves_a_run_that_beats(self) -> None:
        owner = runs.claim(self.run_.pk)
        assert owner is not None
        TrainingRun.objects.update(heartbeat_at=timezone.now() - LEASE - timedelta(seconds=1))
        self.assertTrue(runs.beat(self.run_.pk, owner))
        self.assertEqual(self.sweep(), Status.RUNNING)

    def test_it_interrupts_a_waiting_run_whose_task_is_gone(self) -> None:
        TrainingRun.objects.update(created_at=timezone.now() - timedelta(minutes=5))
        self.assertEqual(self.sweep(), Status.INTERRUPTED)

    def test_it_leaves_a_waiting_run_whose_task_waits_too(self) -> None:
        runs.request_cancel(self.run_)
        self.run_ = runs.request_training()
        TrainingRun.objects.update(created_at=timezone.now() - timedelta(minutes=5))
        self.assertEqual(self.sweep(), Status.QUEUED)

    def test_it_only_looks_when_there_is_nothing_to_settle(self) -> None:
        runs.claim(self.run_.pk)
        with CaptureQueriesContext(connection) as queries:
            self.assertEqual(runs.sweep(), 0)
        self.assertEqual([query["sql"] for query in queries if not query["sql"].startswith("SELECT")], [])

    def test_it_fences_off_a_worker_that_wakes_up_later(self) -> None:
        owner = runs.claim(self.run_.pk)
        assert owner is not None
        TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
        self.sweep()
        self.assertFalse(runs.report_progress(self.run_.pk, owner, epoch=5))
        self.assertFalse(runs.finish(self.run_.pk, owner, Status.SUCCEEDED))


class WorkerAliveTestCase(TestCase):
    def test_it_believes_fresh_heartbeats_only(self) -> None:
        self.assertFalse(runs.worker_alive())
        now = timezone.now()
        row = WorkerHeartbeat.objects.create(host="here", pid=1, started_at=now, seen_at=now - timedelta(minutes=2))
        self.assertFalse(runs.worker_alive())
        WorkerHeartbeat.objects.filter(pk=row.pk).update(seen_at=now)
        self.assertTrue(runs.worker_alive())
