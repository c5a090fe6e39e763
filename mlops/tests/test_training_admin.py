from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.test import TestCase
from django.utils import timezone

from cinema.models import User
from mlops.models import TrainingRun, WorkerHeartbeat


class TrainingAdminTestCase(TestCase):
    def setUp(self) -> None:
        self.client.force_login(User.objects.create_superuser("grace"))

    def test_the_queues_own_tables_are_not_there(self) -> None:
        for model in apps.get_app_config("django_q").get_models():
            self.assertFalse(admin.site.is_registered(model), model)
        for name in ("schedule", "success", "failure", "ormq"):
            self.assertEqual(self.client.get(f"/admin/django_q/{name}/").status_code, 404)
        self.assertNotContains(self.client.get("/admin/"), "django_q")

    def test_runs_and_heartbeats_can_only_be_looked_at(self) -> None:
        now = timezone.now()
        run = TrainingRun.objects.create(preset="tuned", status="succeeded")
        beat = WorkerHeartbeat.objects.create(host="here", pid=1, started_at=now, seen_at=now)
        for model, pk in (("trainingrun", run.pk), ("workerheartbeat", beat.pk)):
            base = f"/admin/mlops/{model}/"
            self.assertEqual(self.client.get(base).status_code, 200)
            self.assertEqual(self.client.get(f"{base}{pk}/change/").status_code, 200)
            self.assertEqual(self.client.post(f"{base}{pk}/change/", {"status": "failed"}).status_code, 403)
            self.assertEqual(self.client.get(f"{base}add/").status_code, 403)
            self.assertEqual(self.client.post(f"{base}{pk}/delete/", {"post": "yes"}).status_code, 403)
        run.refresh_from_db()
        self.assertEqual(run.status, "succeeded")
