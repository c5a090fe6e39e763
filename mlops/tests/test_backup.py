"""What is written into a backup, and every archive that is not what was written."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from unittest import mock, skipIf

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TransactionTestCase, override_settings

from cinema.models import Movie, User
from cinema.ratings import rate_movie
from mlops import backup, database_copy
from mlops.backup import ArchiveRefused, BackupFailed, read, write_backup
from recommender import artifacts, registry, retention
from recommender.tests.stored_versions import StoredVersionsMixin, make_catalogue, make_crowd, store_version

# PostgreSQL's programs do not come with Python; where they are missing, there is nothing to back up with.
NO_TOOLS = connection.vendor == "postgresql" and not (shutil.which("pg_dump") and shutil.which("pg_restore"))
WHY = "pg_dump and pg_restore are not installed"


def with_content(new: dict[str, bytes], member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(member, new.get(member.name, data))]


class SiteToBackUp(StoredVersionsMixin, TransactionTestCase):
    """Films, people, a live version and one before it, in a folder of data of the test's own."""

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.var = self.folder / "var"
        self.var.mkdir()
        moved = override_settings(VAR_DIR=self.var, SHARED_DIR=self.var)
        moved.enable()
        self.addCleanup(moved.disable)
        (self.var / "secret_key").write_text(settings.SECRET_KEY)
        (self.var / "credentials.json").write_text('{"admin": {"password": "the plain one"}}')
        (self.var / "art").mkdir()
        (self.var / "art" / ("a" * 32)).write_bytes(b"\xff\xd8\xff picture")
        (self.var / "art" / "half.part").write_bytes(b"half")
        make_catalogue()
        make_crowd()
        self.alice = User.objects.create_user("alice", password="correct horse")
        for movie_id, value in ((10, 5.0), (20, 4.5), (410, 1.0)):
            rate_movie(user=self.alice, movie=self.film(movie_id), value=value)
        self.old, self.live = store_version(), store_version()
        registry.activate(self.live)
        self.archive = self.folder / "site.tar"
        self.told: list[str] = []

    def film(self, movie_id: int) -> Movie:
        return Movie.objects.get(pk=movie_id)

    def back_up(self) -> backup.Manifest:
        return write_backup(self.archive, self.told.append)

    def members(self) -> list[str]:
        with tarfile.open(self.archive) as tar:
            return tar.getnames()


@skipIf(NO_TOOLS, WHY)
class BackupTestCase(SiteToBackUp):
    def test_it_holds_the_database_and_what_its_rows_name(self) -> None:
        manifest = self.back_up()
        self.assertEqual(
            set(manifest.members),
            {
                database_copy.FILES[connection.vendor], "secret_key", f"art/{'a' * 32}",
                *(f"artifacts/{version.label}/manifest.json" for version in (self.old, self.live)),
                *(f"artifacts/{version.label}/arrays.safetensors" for version in (self.old, self.live)),
            },
        )  # fmt: skip
        self.assertEqual(manifest.counts["users"], User.objects.count())
        self.assertEqual(manifest.damaged, {})
        self.assertEqual(read(self.archive), manifest)

    def test_nobody_else_may_read_it_and_nothing_is_left_beside_it(self) -> None:
        self.back_up()
        self.assertEqual(stat.S_IMODE(self.archive.stat().st_mode), 0o600)
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"var", "site.tar"})

    def test_passwords_in_plain_text_stay_out(self) -> None:
        self.back_up()
        self.assertNotIn(b"the plain one", self.archive.read_bytes())

    def test_it_replaces_no_file(self) -> None:
        self.archive.write_text("the only copy of something")
        with self.assertRaisesMessage(BackupFailed, "exists"):
            self.back_up()
        self.assertEqual(self.archive.read_text(), "the only copy of something")

    def test_it_says_that_a_folder_is_not_there(self) -> None:
        with self.assertRaisesMessage(CommandError, "No such file or directory"):
            call_command("backup", str(self.folder / "nowhere" / "site.tar"))

    def test_it_begins_anew_when_a_version_is_deleted_meanwhile(self) -> None:
        real = database_copy.take

        def take_then_delete(folder: Path) -> database_copy.DatabaseCopy:
            copy = real(folder)
            retention.delete(self.old)  # once; then it is deleted already
            return copy

        with mock.patch.object(database_copy, "take", take_then_delete):
            manifest = self.back_up()
        self.assertFalse([name for name in manifest.members if self.old.label in name])
        self.assertTrue([name for name in manifest.members if self.live.label in name])
        self.assertEqual(self.told.count("Copying the database…"), 2)
        self.assertEqual(manifest.damaged, {})

    def test_what_is_deleted_after_it_was_opened_is_in_it_all_the_same(self) -> None:
        real = backup._add

        def add(tar: tarfile.TarFile, name: str, file: io.BytesIO) -> dict[str, object]:
            retention.delete(self.old)
            return real(tar, name, file)

        with mock.patch.object(backup, "_add", add):
            manifest = self.back_up()
        self.assertTrue([name for name in manifest.members if self.old.label in name])
        self.assertEqual(manifest.damaged, {})

    def test_a_rotten_version_does_not_keep_the_ratings_from_being_saved(self) -> None:
        arrays = artifacts.root() / self.old.label / artifacts.ARRAYS
        arrays.chmod(0o600)
        arrays.write_bytes(arrays.read_bytes()[:-1] + b"?")
        shutil.rmtree(artifacts.root() / self.live.label)
        manifest = self.back_up()
        self.assertIn("altered", manifest.damaged[self.old.label])
        self.assertIn("cannot be read", manifest.damaged[self.live.label])

    def test_a_link_among_the_models_is_not_followed(self) -> None:
        arrays = artifacts.root() / self.old.label / artifacts.ARRAYS
        arrays.unlink()
        arrays.symlink_to(self.var / "credentials.json")
        self.assertIn(self.old.label, self.back_up().damaged)
        self.assertNotIn(b"the plain one", self.archive.read_bytes())

    def test_it_says_which_program_is_missing(self) -> None:
        if connection.vendor != "postgresql":
            self.skipTest("SQLite needs no program.")
        with mock.patch.object(database_copy.shutil, "which", return_value=None):
            self.assertRaisesMessage(BackupFailed, "pg_dump is not there", self.back_up)

    def test_a_password_is_in_the_environment_and_in_no_argument(self) -> None:
        if connection.vendor != "postgresql":
            self.skipTest("SQLite has no password.")
        with (
            mock.patch.dict(connection.settings_dict, {"PASSWORD": "swordfish"}),
            mock.patch.object(database_copy.subprocess, "run", wraps=database_copy.subprocess.run) as run,
        ):
            self.back_up()
        self.assertNotIn("swordfish", " ".join(run.call_args.args[0]))
        self.assertEqual(run.call_args.kwargs["env"]["PGPASSWORD"], "swordfish")
        self.assertFalse(run.call_args.kwargs.get("shell"))


@skipIf(NO_TOOLS, WHY)
class ArchiveTestCase(SiteToBackUp):
    """Archives that were cut, altered or made to do harm."""

    def setUp(self) -> None:
        super().setUp()
        self.manifest = self.back_up()

    def refuse(self, why: str = "") -> None:
        with self.assertRaisesMessage(ArchiveRefused, why):
            read(self.archive)

    def test_one_that_was_cut_short_is_refused_wherever_it_was_cut(self) -> None:
        whole = self.archive.read_bytes()
        with tarfile.open(self.archive) as tar:
            starts = [member.offset for member in tar] + [member.offset_data for member in tar]
            end = max(member.offset_data for member in tar) + 64  # the sum of the manifest is the last that counts
        for length in sorted({0, 1, 100, *starts, *(start + 5 for start in starts), len(whole) // 2, end - 1}):
            if length < end:
                self.archive.write_bytes(whole[:length])
                with self.subTest(length):
                    self.refuse()

    def test_one_altered_byte_is_noticed_wherever_it_is(self) -> None:
        whole = self.archive.read_bytes()
        with tarfile.open(self.archive) as tar:
            places = {member.name: (member.offset_data, member.size) for member in tar}
        for name, (start, size) in places.items():
            for place in (start, start + size // 2, start + size - 1):
                with self.subTest(name, place=place):
                    self.archive.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
                    self.refuse()

    def test_nothing_may_stand_behind_its_end(self) -> None:
        with self.archive.open("ab") as file:
            file.write(b"more")
        self.refuse("behind its end")

    def rewrite(self, change: Callable[[tarfile.TarInfo, bytes], list[tuple[tarfile.TarInfo, bytes]]]) -> None:
        """Writes the archive anew with each member as ``change`` has it; all the sums are right."""
        with tarfile.open(self.archive) as tar:
            members = [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
        with tarfile.open(self.archive, "w") as tar:
            for member, data in members:
                for new, content in change(member, data):
                    new.size = len(content)
                    tar.addfile(new, io.BytesIO(content))

    def put_in(self, extra: tarfile.TarInfo, data: bytes = b"") -> None:
        """A fresh backup with ``extra`` at its beginning, or in the place of what has that name."""
        self.archive.unlink()
        self.back_up()
        first = database_copy.FILES[connection.vendor]

        def change(member: tarfile.TarInfo, content: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
            if member.name == extra.name:
                return []
            return [(extra, data), (member, content)] if member.name == first else [(member, content)]

        self.rewrite(change)

    def test_names_that_lead_elsewhere_are_refused(self) -> None:
        for name in (
            "../out",
            "/etc/passwd",
            "artifacts/../../out",
            "artifacts/v20260101_000000/x",
            "db.sqlite3",
            "art/..",
        ):
            with self.subTest(name):
                self.put_in(tarfile.TarInfo(name), b"x")
                self.refuse("does not belong")

    def test_links_devices_and_folders_are_refused(self) -> None:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            with self.subTest(kind):
                extra = tarfile.TarInfo("secret_key")
                extra.type, extra.linkname = kind, "/etc/passwd"
                self.put_in(extra)
                self.refuse("not a plain file")

    def test_a_member_that_is_missing_or_there_twice_is_noticed(self) -> None:
        self.rewrite(lambda member, data: [] if member.name == "secret_key" else [(member, data)])
        self.refuse("not what its manifest says: secret_key")
        self.archive.unlink()
        self.back_up()
        self.rewrite(lambda member, data: [(member, data)] * (2 if member.name == "secret_key" else 1))
        self.refuse("twice")

    def test_a_manifest_of_another_format_is_refused(self) -> None:
        changes = (({"format": 99}, "format 99"), ({"vendor": "oracle"}, "malformed"), ({"more": 1}, "malformed"))
        for change, why in changes:
            with self.subTest(why):
                text = json.dumps({**asdict(self.manifest), **change}).encode()
                new = {"manifest.json": text, "manifest.sha256": hashlib.sha256(text).hexdigest().encode()}
                self.rewrite(partial(with_content, new))
                self.refuse(why)

    def test_what_is_no_archive_is_refused(self) -> None:
        for content in (b"", b"hello", os.urandom(20_000), b"\0" * 20_480):
            self.archive.write_bytes(content)
            self.refuse()
