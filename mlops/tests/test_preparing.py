"""What ``up`` does before it starts a process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

from django.core.management.base import CommandError
from django.db import OperationalError
from django.test import TestCase, override_settings

from cinema.importing.sources import ImportRejected
from cinema.models import Movie
from mlops.management.commands import up


class PreparingTestCase(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        var = Path(folder.name)
        override = override_settings(VAR_DIR=var, SHARED_DIR=var, STATIC_ROOT=var / "static")
        override.enable()
        self.addCleanup(override.disable)
        self.var = var
        self.told: list[str] = []
        self.command = up.Command()
        self.replace(self.command, "_say", self.told.append)

    def replace(self, owner: object, name: str, by: object) -> None:
        patch = mock.patch.object(owner, name, by)
        patch.start()
        self.addCleanup(patch.stop)

    def collect(self) -> int:
        """How often static files were collected."""
        with mock.patch.object(up, "call_command") as call:
            call.side_effect = lambda *args, **options: (self.var / "static").mkdir(exist_ok=True)
            self.command._collect_static()
        return call.call_count

    def test_it_collects_static_files_once(self) -> None:
        self.assertEqual((self.collect(), self.collect()), (1, 0))

    def test_it_collects_them_again_when_they_have_gone(self) -> None:
        self.collect()
        (self.var / "static").rmdir()
        self.assertEqual(self.collect(), 1)

    def test_it_leaves_alone_what_was_collected_beforehand(self) -> None:
        with override_settings(STATIC_READY=True):
            self.assertEqual(self.collect(), 0)

    def test_it_says_why_the_demo_cannot_be_loaded(self) -> None:
        self.replace(self.command, "_collect_static", mock.Mock())
        self.replace(up, "load_demo", mock.Mock(side_effect=ImportRejected("The package is not there.")))
        with self.assertRaisesMessage(CommandError, "The package is not there."):
            self.command._prepare()

    def test_it_does_not_load_the_demo_beside_other_films(self) -> None:
        Movie.objects.create(title="Stalker")
        self.replace(self.command, "_collect_static", mock.Mock())
        self.replace(up, "load_demo", mock.Mock(side_effect=AssertionError))
        self.assertEqual(set(self.command._prepare()), {"admin", "viewer"})
        self.assertEqual(self.command._prepare(), {})

    def test_it_says_that_hosts_of_one_site_have_different_keys(self) -> None:
        shared = self.var / "shared"
        for key, told in (("one" * 20, 0), ("one" * 20, 0), ("other" * 20, 1), ("other" * 20, 0)):
            with override_settings(SHARED_DIR=shared, SECRET_KEY=key):
                self.command._compare_keys()
            self.assertEqual(len(self.told), told)
            self.told.clear()
        self.assertEqual((shared / "secret_key.digest").stat().st_mode & 0o777, 0o600)

    def test_it_says_that_the_database_does_not_answer(self) -> None:
        self.replace(up, "call_command", mock.Mock(side_effect=OperationalError("connection refused\n")))
        with self.assertRaisesMessage(CommandError, "The database cannot be used: connection refused"):
            self.command._prepare()
