"""The exchange of an old state for a restored one, cut short at every step."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from unittest import mock

from django.core.management import CommandError
from django.test import SimpleTestCase, override_settings

from mlops import swap
from mlops.management.commands.up import Command
from mlops.swap import Swap, SwapFailed


class Crash(BaseException):
    """The process ends here."""


def make_database(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE said (text)")
        database.execute("INSERT INTO said VALUES (?)", [text])
        database.commit()


def said(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT text FROM said").fetchone()[0])


class SwapTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.number = 0
        self.root = Path(folder.name)
        self.fresh()

    def fresh(self) -> None:
        """An old state in a folder of its own, and a new one beside it."""
        self.number += 1
        self.var = self.root / str(self.number)
        self.var.mkdir()
        moved = override_settings(VAR_DIR=self.var, SHARED_DIR=self.var)
        moved.enable()
        self.addCleanup(moved.disable)
        new, aside = self.var / ".restoring", self.var / "before"
        for folder, text in ((self.var, "old"), (new, "new")):
            (folder / "artifacts" / "v1").mkdir(parents=True)
            (folder / "artifacts" / "v1" / "arrays").write_text(text)
            (folder / "secret_key").write_text(text)
            make_database(folder / "db.sqlite3", text)
        (self.var / "artifacts" / "v0").mkdir()
        self.plan = Swap(
            staging=[str(new)],
            put=[(str(new / name), str(self.var / name), str(aside / name)) for name in ("artifacts/v1", "secret_key")],
            away=[(str(self.var / "artifacts" / "v0"), str(aside / "artifacts" / "v0"))],
            sqlite=tuple(str(folder / "db.sqlite3") for folder in (new, self.var, aside)),  # type: ignore[arg-type]
        )

    def state(self, folder: Path) -> tuple[str, str, str]:
        arrays = (folder / "artifacts" / "v1" / "arrays").read_text()
        return arrays, (folder / "secret_key").read_text(), said(folder / "db.sqlite3")

    def assert_exchanged(self) -> None:
        self.assertEqual(self.state(self.var), ("new",) * 3)
        self.assertEqual(self.state(self.var / "before"), ("old",) * 3)
        self.assertFalse((self.var / "artifacts" / "v0").exists())
        self.assertTrue((self.var / "before" / "artifacts" / "v0").exists())
        self.assertFalse((self.var / ".restoring").exists())
        self.assertFalse(swap.finish(), "nothing is left to do")

    def test_it_exchanges_the_two(self) -> None:
        swap.begin(self.plan)
        self.assert_exchanged()

    def test_a_crash_at_any_step_leaves_the_old_state_whole_or_is_made_good_at_the_next_start(self) -> None:
        steps = ("os.rename", "os.replace", "os.link", "sync_folder", "shutil.rmtree")
        crashes = 0
        for step in steps:
            for when in range(12):
                for after in (False, True):
                    self.fresh()
                    owner, _, name = f"mlops.swap.{step}".rpartition(".")
                    real = getattr(swap if owner == "mlops.swap" else getattr(swap, owner.rpartition(".")[2]), name)
                    calls = 0

                    def crash(*args: object, real=real, when=when, after=after, **options: object) -> object:
                        nonlocal calls
                        calls += 1
                        if calls != when + 1:
                            return real(*args, **options)
                        if after:
                            real(*args, **options)
                        raise Crash

                    with mock.patch(f"{owner}.{name}", crash):
                        try:
                            swap.begin(self.plan)
                        except Crash:
                            crashes += 1
                    with self.subTest(step, when=when, after=after):
                        if swap.finish() or not (self.var / ".restoring" / "db.sqlite3").exists():
                            # What was promised is done; a crash while tidying up may leave an empty folder.
                            swap.shutil.rmtree(self.var / ".restoring", ignore_errors=True)
                            self.assert_exchanged()
                        else:
                            self.assertEqual(self.state(self.var), ("old",) * 3)
        self.assertGreater(crashes, 20)

    def test_a_database_in_use_is_left_alone_and_nothing_is_promised(self) -> None:
        with closing(sqlite3.connect(self.var / "db.sqlite3")) as user:
            user.execute("SELECT * FROM said").fetchall()
            with mock.patch.object(swap, "LOCK_SECONDS", 0.05), self.assertRaisesMessage(SwapFailed, "in use"):
                swap.begin(self.plan)
        self.assertFalse((self.var / swap.JOURNAL).exists())
        self.assertEqual(self.state(self.var), ("old",) * 3)

    def test_the_old_databases_log_is_not_read_into_the_new_one(self) -> None:
        with closing(sqlite3.connect(self.var / "db.sqlite3")) as user:
            user.execute("UPDATE said SET text = 'in the log'")
            user.commit()
            log = (self.var / "db.sqlite3-wal").read_bytes()
        self.assertTrue(log)
        (self.var / "db.sqlite3-wal").write_bytes(log)  # as a killed process leaves it
        swap.begin(self.plan)
        self.assertEqual(said(self.var / "db.sqlite3"), "new")
        self.assertFalse((self.var / "db.sqlite3-wal").exists())

    def test_a_broken_database_can_be_replaced(self) -> None:
        (self.var / "db.sqlite3").write_bytes(b"rubbish" * 1000)
        swap.begin(self.plan)
        self.assertEqual(said(self.var / "db.sqlite3"), "new")
        self.assertTrue((self.var / "before" / "db.sqlite3").read_bytes().startswith(b"rubbish"))

    def test_models_on_another_disk_are_copied_aside(self) -> None:
        real = os.rename

        def rename(old: str | Path, new: str | Path) -> None:
            if "before" in str(new):
                raise OSError(swap.errno.EXDEV, "Invalid cross-device link")
            real(old, new)

        with mock.patch("mlops.swap.os.rename", rename):
            swap.begin(self.plan)
        self.assert_exchanged()

    def test_up_completes_a_restore_that_was_cut_short(self) -> None:
        with mock.patch("mlops.swap.sync_folder", side_effect=[None, Crash]), self.assertRaises(Crash):
            swap.begin(self.plan)
        command = Command()
        told: list[str] = []
        with mock.patch.object(command, "_say", told.append):
            command._hold(None).close()
        self.assertIn("complete now", told[0])
        self.assert_exchanged()

    def test_up_does_not_start_on_half_a_state(self) -> None:
        with mock.patch("mlops.swap.sync_folder", side_effect=[None, Crash]), self.assertRaises(Crash):
            swap.begin(self.plan)
        with (
            mock.patch("mlops.swap.os.rename", side_effect=OSError(28, "No space left on device")),
            self.assertRaisesMessage(CommandError, "No space left"),
        ):
            Command()._hold(None)
