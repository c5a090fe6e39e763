"""Whoever deletes their account is gone: from serving at once, and from every table."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import models
from django.test import Client, override_settings
from knox.models import AuthToken

from cinema.importing.people import Upload, UploadedRating
from cinema.importing.review import begin_import
from cinema.library import hide_movie
from cinema.models import Movie, Rating, User
from cinema.mydata import accounts
from cinema.onboarding import pick_films, say_unseen
from cinema.tests.api_clients import ApiTestCase
from mlops.models import TrainingRun
from recommender import registry
from recommender.models import Activation
from recommender.tests.stored_versions import DRAMA_FAN, rate, store_version

NAME, PASSWORD = "zebedee_the_forgotten", "boing said zebedee"


def traces_of(pk: int, name: str) -> list[str]:
    """Where a table still points to that person or says their name."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.related_model is User:
                wanted: dict[str, Any] = {f"{field.name}_id": pk}
            elif isinstance(field, (models.CharField, models.TextField, models.JSONField)):
                wanted = {f"{field.name}__icontains": name}
            else:
                continue
            if model._default_manager.filter(**wanted).exists():
                found.append(f"{model._meta.label}.{field.name}")
    return found


@override_settings(REDIS_URL="")  # what is in the database is looked at
class DeletionTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.leaver = User.objects.create_user(NAME, password=PASSWORD, is_staff=True)
        self.client.force_login(self.leaver)

    def leave_traces(self) -> None:
        rate(self.leaver, DRAMA_FAN)
        hide_movie(user=self.leaver, movie=Movie.objects.get(pk=200))
        say_unseen(user=self.leaver, movie=Movie.objects.get(pk=210))
        pick_films(user=self.leaver, movie_ids=[220])
        begin_import(user=self.leaver, upload=Upload("imdb", [UploadedRating(2, ("Film 3",), 1963, 4.0, None)], 0))
        registry.activate(store_version(), actor=self.leaver, reason="a test")
        TrainingRun.objects.create(preset="tuned", requested_by=self.leaver, status=TrainingRun.Status.SUCCEEDED)
        users, tokens = (ContentType.objects.get_for_model(model) for model in (User, AuthToken))
        log = {"user": self.staff, "action_flag": CHANGE, "change_message": "[]"}
        LogEntry.objects.create(content_type=users, object_id=str(self.leaver.pk), object_repr=NAME, **log)
        LogEntry.objects.create(user=self.leaver, action_flag=DELETION, object_repr="something", change_message="[]")
        LogEntry.objects.create(content_type=tokens, object_id="ab", object_repr=f"ab : {NAME}", **log)
        Client().post("/sign-in", {"username": NAME.upper(), "password": "wrong"})
        Client().post("/forgotten-password", {"username": f" {NAME.title()}"})
        self.assertEqual(self.api("GET", "/api/me", by=self.leaver).status_code, 200)

    def delete(self, **changed: str) -> Any:
        return self.client.post("/my/account/delete", {"username": NAME, "password": PASSWORD, **changed})

    def test_no_table_holds_a_trace_of_them(self) -> None:
        self.leave_traces()
        pk = self.leaver.pk
        before = traces_of(pk, NAME)
        self.assertGreaterEqual(
            set(before),
            {"cinema.User.username", "cinema.Rating.user", "knox.AuthToken.user", "admin.LogEntry.object_repr",
             "recommender.Activation.actor", "mlops.TrainingRun.requested_by", "cinema.ThrottleCount.key",
             "cinema.PendingImport.user", "cinema.AuditEntry.actor", "cinema.ResetRequest.name",
             "axes.AccessAttempt.username"},
        )  # fmt: skip
        entries = (Activation.objects.count(), TrainingRun.objects.count())
        self.assertRedirects(self.delete(), "/account-deleted")
        self.assertEqual(traces_of(pk, NAME), [])
        self.assertFalse(LogEntry.objects.filter(object_id=str(pk)).exists())
        self.assertEqual((Activation.objects.count(), TrainingRun.objects.count()), entries)

    def test_serving_knows_nothing_of_them_at_once(self) -> None:
        self.leave_traces()
        pk = self.leaver.pk
        for path in (f"/api/ml/recommendations/{pk}", f"/api/ml/explain/{pk}/60"):
            self.assertEqual(self.api("GET", path, by=self.staff).status_code, 200)
        self.delete()
        for path in (f"/api/ml/recommendations/{pk}", f"/api/ml/explain/{pk}/60"):
            self.assert_problem(self.api("GET", path, by=self.staff), 404)

    def test_every_session_and_token_of_theirs_ends(self) -> None:
        other = Client()
        other.force_login(self.leaver)
        alices = Client()
        alices.force_login(self.alice)
        self.assertEqual(self.api("GET", "/api/me", by=self.leaver).status_code, 200)
        self.delete()
        self.assertEqual(other.get("/my/ratings").status_code, 302)
        self.assertEqual(self.client.get("/my/ratings").status_code, 302)
        self.assert_problem(self.api("GET", "/api/me", by=self.leaver), 401)
        self.assertEqual(alices.get("/my/ratings").status_code, 200)
        theirs = [row for row in Session.objects.all() if row.get_decoded().get("_auth_user_id") == str(self.leaver.pk)]
        self.assertEqual(theirs, [])

    def test_others_keep_what_is_theirs(self) -> None:
        rate(self.alice, DRAMA_FAN)
        self.delete()
        self.assertEqual(Rating.objects.of(self.alice).count(), len(DRAMA_FAN))
        self.assertEqual(User.objects.filter(pk__in=[self.alice.pk, self.bob.pk]).count(), 2)

    def test_it_says_what_is_gone_and_what_remains(self) -> None:
        for path in ("/my/account/delete", "/account-deleted"):
            page = self.client.get(path)
            self.assertContains(page, "Gone at once")
            self.assertContains(page, "until the next training")
            self.assertContains(page, "Backups")

    def test_it_takes_name_and_password(self) -> None:
        for wrong in ({"username": "alice"}, {"username": NAME.upper()}, {"username": ""}, {"password": "wrong"},
                      {"password": ""}, {"password": "\0"}, {"username": "x" * 200}):  # fmt: skip
            with self.subTest(str(wrong)), self.settings(THROTTLE_RATES={"delete-account": 100}):
                self.assertEqual(self.delete(**wrong).status_code, 422)
        self.assertEqual(self.client.get("/my/account/delete").status_code, 200)
        self.assertTrue(User.objects.filter(username=NAME).exists())

    def test_nobody_guesses_passwords_here(self) -> None:
        codes = [self.delete(password="wrong").status_code for _ in range(6)]
        self.assertEqual(codes, [422] * 5 + [429])
        self.assertEqual(self.delete().status_code, 429)
        self.assertTrue(User.objects.filter(username=NAME).exists())

    def test_it_needs_the_forms_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.leaver)
        answer = client.post("/my/account/delete", {"username": NAME, "password": PASSWORD})
        self.assertEqual(answer.status_code, 403)
        self.assertTrue(User.objects.filter(username=NAME).exists())

    def test_the_last_superuser_stays(self) -> None:
        User.objects.filter(pk=self.leaver.pk).update(is_superuser=True)
        User.objects.create_user("retired", password=PASSWORD, is_superuser=True, is_active=False)
        answer = self.delete()
        self.assertContains(answer, "You are the last administrator", status_code=409)
        body = {"username": NAME, "password": PASSWORD}
        self.assert_problem(self.api("DELETE", "/api/me", by=self.leaver, json=body), 409, "last_superuser")
        User.objects.filter(username="retired").update(is_active=True)
        self.assertRedirects(self.delete(), "/account-deleted")

    def test_deleting_twice_at_once_is_no_error(self) -> None:
        stale = User.objects.get(pk=self.leaver.pk)
        accounts.delete_account(user=self.leaver)
        accounts.delete_account(user=stale)
        self.assertFalse(User.objects.filter(username=NAME).exists())


class ApiDeletionTestCase(DeletionTestCase):
    def delete(self, **changed: str) -> Any:
        body = {"username": NAME, "password": PASSWORD, **changed}
        return self.api("DELETE", "/api/me", by=self.leaver, json=body)

    def assertRedirects(self, response: Any, *args: Any, **kwargs: Any) -> None:
        self.assertEqual((response.status_code, response.content), (204, b""))

    def test_it_takes_name_and_password(self) -> None:
        for wrong in ({"username": "alice"}, {"username": NAME.upper()}, {"password": "wrong"}, {"password": "\0"}):
            with self.subTest(str(wrong)):
                self.assert_problem(self.delete(**wrong), 400, "invalid")
        self.assert_problem(self.api("DELETE", "/api/me", by=self.leaver, body=b"[]"), 400)
        self.assertTrue(User.objects.filter(username=NAME).exists())

    def test_nobody_guesses_passwords_here(self) -> None:
        codes = [self.delete(password="wrong").status_code for _ in range(6)]
        self.assertEqual(codes, [400] * 5 + [429])
        self.assertTrue(User.objects.filter(username=NAME).exists())

    def test_the_last_superuser_stays(self) -> None:
        User.objects.filter(pk=self.leaver.pk).update(is_superuser=True)
        self.assert_problem(self.delete(), 409, "last_superuser")
        self.assertTrue(User.objects.filter(username=NAME).exists())
