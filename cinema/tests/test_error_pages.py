from __future__ import annotations

from unittest import mock

from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client, TestCase

from cinema.models import User


class ErrorPagesTestCase(TestCase):
    def setUp(self) -> None:
        self.client.force_login(User.objects.create_user("alice"))

    def test_it_says_that_there_is_nothing(self) -> None:
        response = self.client.get("/nothing/<script>")
        self.assertContains(response, "There is nothing here", status_code=404)
        self.assertContains(response, 'href="/movies"', status_code=404)
        self.assertNotContains(response, "nothing/<script>", status_code=404)

    def test_it_needs_no_database(self) -> None:
        with mock.patch("cinema.home_views.Viewer.of", side_effect=OperationalError("database is locked")):
            self.client.get("/sign-in")
            with self.assertNumQueries(2):  # session and user, both before the trouble
                response = self.client.get("/")
        self.assertContains(response, "Nothing was saved", status_code=503)
        self.assertNotContains(response, "locked", status_code=503)
        self.assertEqual(response["Retry-After"], "5")

    def test_it_tells_no_secret_of_a_broken_page(self) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get())
        with mock.patch("cinema.home_views.recommend_for", side_effect=ValueError("/srv/secret/path")):
            response = client.get("/")
        self.assertContains(response, "Something broke", status_code=500)
        self.assertNotContains(response, "secret", status_code=500)

    def test_it_says_that_a_request_makes_no_sense(self) -> None:
        with mock.patch("cinema.home_views.recommend_for", side_effect=SuspiciousOperation):
            self.assertContains(self.client.get("/"), "could not be understood", status_code=400)

    def test_it_has_no_inline_script_or_style(self) -> None:
        page = self.client.get("/nothing").content.decode()
        self.assertNotIn(" style=", page)
        self.assertEqual(page.count("<script"), page.count("<script src="))
