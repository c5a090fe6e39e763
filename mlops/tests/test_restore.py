"""A site made anew from a backup, on whichever database the tests run, and everything that is refused before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from unittest import mock, skipIf
from uuid import uuid4

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections
from psycopg import sql

from cinema.models import Movie, Rating, User
from cinema.ratings import rate_movie
from mlops import database_copy, restore, runs, site_lock
from mlops.restore import RestoreRefused
from mlops.tests.test_backup import NO_TOOLS, WHY, SiteToBackUp
from recommender import artifacts
from recommender.recommend import recommend_for

LIST = """
import json
from cinema.models import Rating, User
from recommender.recommend import recommend_for
from django.db import connection, connections
connection.ensure_connection()
user = User.objects.get(username="alice")
print(json.dumps({
    "list": [[item.movie_id, item.score] for item in recommend_for(user).items],
    "ratings": [list(row) for row in Rating.objects.filter(user__username__startswith="rater")
                .values_list("user_id", "movie_id", "value")],
}))
"""


class OtherSite:
    """A folder of data, and on PostgreSQL a database, of their own; everything is done by processes of their own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.database = f"restored_{uuid4().hex[:8]}"
        self.environment = {**os.environ, "CINEMA_VAR": str(var), "LOG_LEVEL": "ERROR"}
        self.environment.pop("CINEMA_TEST_DB", None)
        if connection.vendor == "postgresql":
            self._execute("CREATE DATABASE {}", self.database)
            url = os.environ["DATABASE_URL"]
            self.environment["DATABASE_URL"] = f"{url.rsplit('/', 1)[0]}/{self.database}"

    def _execute(self, statement: str, *names: str) -> None:
        with database_copy.postgres(database_copy.MAINTENANCE, autocommit=True) as session:
            session.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def databases(self) -> list[str]:
        with database_copy.postgres(database_copy.MAINTENANCE) as session:
            query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1"
            return [name for (name,) in session.execute(query, [self.database])]

    def remove(self) -> None:
        if connection.vendor == "postgresql":
            for name in self.databases():
                self._execute("DROP DATABASE {}", name)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.var)): p.read_bytes() for p in sorted(self.var.rglob("*")) if p.is_file()}


@skipIf(NO_TOOLS, WHY)
class RestoreTestCase(SiteToBackUp):
    def setUp(self) -> None:
        super().setUp()
        self.other = OtherSite(self.folder / "other")
        self.other.var.mkdir()
        self.addCleanup(self.other.remove)

    def test_what_was_acknowledged_before_a_backup_is_there_after_it_and_lists_are_the_same(self) -> None:
        people = [User.objects.create_user(f"rater-{n}", password="battery staple") for n in range(4)]
        films = list(Movie.objects.order_by("pk"))
        acknowledged: list[tuple[int, int, float]] = []
        enough, stop = threading.Event(), threading.Event()

        def rate() -> None:
            with closing(connection):
                for n, (user, film) in enumerate((user, film) for user in people for film in films):
                    if stop.is_set():
                        return
                    rate_movie(user=user, movie=film, value=(n % 10 + 1) / 2)
                    acknowledged.append((user.pk, film.pk, (n % 10 + 1) / 2))
                    if n == 20:
                        enough.set()

        rater = threading.Thread(target=rate)
        rater.start()
        try:
            self.assertTrue(enough.wait(60))
            before = list(acknowledged)
            self.back_up()
        finally:
            stop.set()
            rater.join(60)
        outcome = self.other.manage("restore", str(self.archive))
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertNotIn("before", outcome.stdout)  # where nothing was, nothing is kept
        checked = self.other.manage("verify_integrity", "--json")
        self.assertEqual(checked.returncode, 0, checked.stdout)
        found = json.loads(self.other.manage("shell", "-v", "0", "-c", LIST).stdout)
        kept = {tuple(row) for row in found["ratings"]}
        self.assertLessEqual(set(before), kept)
        # One moment of the database: where a rating is in it, so are all before it.
        self.assertEqual(kept, set(acknowledged[: len(kept)]))
        own = [[item.movie_id, item.score] for item in recommend_for(self.alice).items]
        self.assertEqual(found["list"], own)
        self.assertEqual((self.other.var / "secret_key").read_text(), settings.SECRET_KEY)
        self.assertEqual((self.other.var / "secret_key").stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.other.var / "art" / ("a" * 32)).read_bytes(), b"\xff\xd8\xff picture")
        self.assertFalse([path.name for path in self.other.var.iterdir() if "restor" in path.name])

    def test_an_older_backup_is_migrated_and_the_site_that_was_there_is_kept_aside(self) -> None:
        self.addCleanup(call_command, "migrate", verbosity=0)
        run, _ = runs.start_in_foreground()  # its process will be gone when the backup is restored
        type(run).objects.update(heartbeat_at="2026-01-01T00:00Z", started_at="2026-01-01T00:00Z")
        self.back_up()
        newer = self.archive.rename(self.folder / "newer.tar")
        call_command("migrate", "recommender", "0003", verbosity=0)
        self.back_up()
        call_command("migrate", verbosity=0)
        self.assertEqual(self.other.manage("restore", str(newer)).returncode, 0)
        (self.other.var / "credentials.json").write_text("{}")
        old_model = artifacts.root() / self.old.label / artifacts.ARRAYS
        kept = (self.other.var / "artifacts" / self.old.label / artifacts.ARRAYS).read_bytes()
        self.assertEqual(kept, old_model.read_bytes())
        unchanged = self.other.files()
        outcome = self.other.manage("restore", str(self.archive))
        self.assertIn("--replace", outcome.stderr)
        self.assertEqual({**self.other.files(), "up.lock": b""}, {**unchanged, "up.lock": b""})
        outcome = self.other.manage("restore", str(self.archive), "--replace")
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertIn("is kept as", outcome.stdout)
        checked = self.other.manage("verify_integrity", "--json")
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertNotIn("[ ]", self.other.manage("showmigrations").stdout)
        (aside,) = self.other.var.glob("before-restore-*")
        self.assertEqual((aside / "credentials.json").read_text(), "{}")
        self.assertFalse((self.other.var / "credentials.json").exists())
        self.assertEqual((aside / "secret_key").read_text(), settings.SECRET_KEY)
        if connection.vendor == "sqlite":
            self.assertTrue((aside / "db.sqlite3").exists())
        else:
            self.assertEqual(len([name for name in self.other.databases() if "_before_" in name]), 1)
            self.assertFalse([name for name in self.other.databases() if "_restoring_" in name])

    def test_what_does_not_fit_together_is_refused_and_nothing_is_touched(self) -> None:
        Rating.objects.filter(user=self.alice).update(value=4.0)
        type(self.live).objects.filter(pk=self.live.pk).update(status="deleted")  # and yet it is live
        self.back_up()
        before = self.other.files()
        outcome = self.other.manage("restore", str(self.archive))
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("live pointer", outcome.stdout)
        self.assertIn("does not fit together", outcome.stderr)
        left = {name: data for name, data in self.other.files().items() if name not in ("up.lock", "secret_key")}
        self.assertEqual(left, before)
        if connection.vendor == "postgresql":
            self.assertEqual(self.other.databases(), [self.other.database])


@skipIf(NO_TOOLS, WHY)
class RefusedTestCase(SiteToBackUp):
    """Before anything is unpacked: the site of the test itself is the one that would be replaced."""

    def setUp(self) -> None:
        super().setUp()
        self.back_up()
        used = mock.patch.object(database_copy, "check_unused_postgres")  # the test uses it
        used.start()
        self.addCleanup(used.stop)

    def refuse(self, why: str, *, replace: bool = True) -> None:
        site_lock.hold().close()
        before = {str(p): p.read_bytes() for p in sorted(self.folder.rglob("*")) if p.is_file()}
        n_ratings = Rating.objects.count()
        with self.assertRaisesMessage(RestoreRefused, why):
            restore.restore(self.archive, replace=replace, say=self.told.append)
        after = {str(p): p.read_bytes() for p in sorted(self.folder.rglob("*")) if p.is_file()}
        self.assertEqual(after, before)
        self.assertEqual(Rating.objects.count(), n_ratings)

    def test_a_cut_archive(self) -> None:
        self.archive.write_bytes(self.archive.read_bytes()[:-60_000])
        self.refuse("nothing was touched")

    def test_an_altered_archive(self) -> None:
        whole = self.archive.read_bytes()
        self.archive.write_bytes(whole[:40_000] + b"?" + whole[40_001:])
        self.refuse("nothing was touched")

    def test_a_file_that_is_not_there(self) -> None:
        self.archive.unlink()
        self.refuse("No such file")

    def test_a_site_that_is_there_unless_it_is_to_be_replaced(self) -> None:
        self.refuse("--replace", replace=False)

    def test_a_backup_of_newer_code(self) -> None:
        self.archive.unlink()
        with connection.cursor() as cursor:
            values = "('cinema', '9999_later', '2026-01-01')"
            cursor.execute(f"INSERT INTO django_migrations (app, name, applied) VALUES {values}")
        try:
            self.back_up()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
        self.refuse("cinema.9999_later")

    def test_a_backup_of_another_kind_of_database(self) -> None:
        other = "sqlite" if connection.vendor == "postgresql" else "postgresql"
        with mock.patch.object(connections["default"], "vendor", other):
            self.assertRaisesMessage(
                RestoreRefused, "DATABASE_URL", restore.restore, self.archive, replace=True, say=self.told.append
            )

    def test_a_site_that_runs_here_as_a_whole_or_in_part(self) -> None:
        for part in (None, "web", "worker"):
            with self.subTest(part), site_lock.hold(part):
                self.assertRaisesMessage(
                    RestoreRefused, "running", restore.restore, self.archive, replace=True, say=self.told.append
                )

    def test_a_disk_that_is_too_small(self) -> None:
        with mock.patch.object(restore.shutil, "disk_usage", return_value=mock.Mock(free=1000)):
            self.refuse("MB free")

    def test_a_folder_of_somebody_else(self) -> None:
        with mock.patch.object(restore.os, "geteuid", return_value=12345):
            self.refuse("as that user")

    def test_the_command_says_it_in_one_sentence(self) -> None:
        self.archive.write_bytes(b"nothing")
        with self.assertRaisesMessage(CommandError, "nothing was touched"):
            call_command("restore", str(self.archive), "--replace")


@skipIf(connection.vendor != "postgresql" or NO_TOOLS, "This is about PostgreSQL's sessions")
class UsedDatabaseTestCase(SiteToBackUp):
    def test_a_database_that_another_host_uses_is_left_alone(self) -> None:
        self.back_up()
        name = str(connection.settings_dict["NAME"])
        with database_copy.postgres(name), self.assertRaisesMessage(RestoreRefused, "on every host"):
            restore.restore(self.archive, replace=True, say=self.told.append)
