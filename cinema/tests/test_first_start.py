from __future__ import annotations

import json
import tempfile
from pathlib import Path

from django.test import TestCase, override_settings
from knox.auth import TokenAuthentication

from cinema import first_start
from cinema.credentials import credentials_path
from cinema.importing.formats import DEMO_SOURCE
from cinema.models import Movie, Rating, User


class EnsureAccountsTestCase(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        override = override_settings(VAR_DIR=Path(folder.name), SHARED_DIR=Path(folder.name))
        override.enable()
        self.addCleanup(override.disable)

    def kept(self) -> dict[str, dict[str, str]]:
        kept: dict[str, dict[str, str]] = json.loads(credentials_path().read_text())
        return kept

    def demo_films(self) -> None:
        Movie.objects.bulk_create(
            Movie(pk=pk, title=f"Film {pk}", source=DEMO_SOURCE, source_id=pk) for pk in first_start.VIEWER_RATINGS
        )

    def test_it_makes_an_administrator_and_a_viewer(self) -> None:
        first_start.ensure_accounts()
        admin, viewer = User.objects.order_by("pk")
        self.assertTrue(admin.is_staff and admin.is_superuser)
        self.assertFalse(viewer.is_staff or viewer.is_superuser)

    def test_it_keeps_credentials_that_work_where_only_we_can_read_them(self) -> None:
        first_start.ensure_accounts()
        self.assertEqual(credentials_path().stat().st_mode & 0o777, 0o600)
        self.assertEqual(set(self.kept()), {"admin", "viewer"})
        for role, account in self.kept().items():
            self.assertEqual(set(account), {"username", "password", "token"})
            signed_in = self.client.post("/sign-in", {"username": account["username"], "password": account["password"]})
            self.assertEqual(signed_in.status_code, 302, role)
            self.client.logout()
            user, token = TokenAuthentication().authenticate_credentials(account["token"].encode())
            self.assertEqual(user.username, account["username"])
            self.assertIsNone(token.expiry)

    def test_it_draws_new_passwords_every_time(self) -> None:
        first_start.ensure_accounts()
        one = self.kept()
        User.objects.all().delete()
        first_start.ensure_accounts()
        self.assertNotEqual(one["admin"]["password"], self.kept()["admin"]["password"])

    def test_it_does_nothing_the_second_time(self) -> None:
        first_start.ensure_accounts()
        first = self.kept()
        self.assertEqual(first_start.ensure_accounts(), {})
        self.assertEqual(self.kept(), first)
        self.assertEqual(User.objects.count(), 2)

    def test_it_gives_the_viewer_a_dozen_ratings_of_the_demo(self) -> None:
        self.demo_films()
        first_start.ensure_accounts()
        self.assertEqual(Rating.objects.filter(user__username="viewer").count(), 12)

    def test_it_rates_nothing_in_somebody_elses_catalogue(self) -> None:
        Movie.objects.bulk_create(Movie(pk=pk, title="Other") for pk in first_start.VIEWER_RATINGS)
        first_start.ensure_accounts()
        self.assertFalse(Rating.objects.exists())

    def test_it_comes_after_people_of_an_import_but_not_after_real_ones(self) -> None:
        User.objects.create(username="movielens-demo:1", source=DEMO_SOURCE, source_id=1, is_active=False)
        self.assertTrue(first_start.ensure_accounts())
        User.objects.filter(source="").exclude(username="admin").delete()
        self.assertEqual(first_start.ensure_accounts(), {})
