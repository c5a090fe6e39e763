"""A training whose models go to a disk that is full: a small file system in memory where we may mount one, else a limit
on the size of files, which the kernel keeps as strictly."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from django.test import TestCase, override_settings

from cinema.models import Movie, Rating, User
from cinema.ratings import rate_movie
from mlops import runs
from mlops.models import TrainingRun
from mlops.training import train
from recommender import artifacts, registry, serving
from recommender.recommend import recommend_for
from recommender.tests.stored_versions import StoredVersionsMixin, make_catalogue, make_crowd, store_version

SMALL = {"n_factors": 8, "n_epochs": 2}
ROOM = 64 * 1024  # bytes; less than any model, and one of 60 films has 20 KiB
FILLER = "filler"


def mounted(folder: Path) -> bool:
    """Whether a small file system could be mounted there: for that one must be root, and not in every container."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    try:
        return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@contextmanager
def small_disk() -> Iterator[Path]:
    """A folder that holds ROOM bytes, or where no file may be longer than a byte while ``artifacts`` writes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if mounted(folder):
            try:
                yield folder
            finally:
                subprocess.run(["umount", str(folder)], check=True)
        else:
            yield folder


class FullDiskTestCase(StoredVersionsMixin, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()

    def setUp(self) -> None:
        super().setUp()
        self.folder = self.enterContext(small_disk())
        self.enterContext(override_settings(ARTIFACTS_DIR=self.folder))
        self.alice = User.objects.create_user("alice")
        self.live = store_version()
        registry.activate(self.live)
        serving.forget()

    def train(self) -> TrainingRun:
        run, owner = runs.start_in_foreground(preset="classic", hyperparameters=SMALL)
        with self.assertRaises(OSError), self.assertLogs("mlops.training", "ERROR"):
            train(run.pk, owner)
        run.refresh_from_db()
        return run

    @contextmanager
    def full(self) -> Iterator[None]:
        """No byte more."""
        if os.path.ismount(self.folder):
            filler = self.folder / FILLER
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
            yield
            filler.unlink()
            return
        write = artifacts._write

        def within_the_limit(path: Path, data: bytes) -> None:
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
            try:
                write(path, data)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)

        with mock.patch.object(artifacts, "_write", within_the_limit):
            yield

    def test_it_fails_and_says_why_and_leaves_nothing_and_nothing_else_is_touched(self) -> None:
        before = sorted(path.name for path in self.folder.iterdir())
        film = Movie.objects.order_by("pk").first()
        assert film is not None
        with self.full():
            run = self.train()
            self.assertEqual(run.status, TrainingRun.Status.FAILED)
            self.assertRegex(run.error, "could not be stored: (No space left on device|File too large)")
            serving.forget()
            self.assertEqual(registry.live().version, self.live)
            rate_movie(user=self.alice, movie=film, value=4.5)
            self.assertEqual(recommend_for(self.alice, n=5).model_version, self.live.label)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), before)
        self.assertTrue(Rating.objects.filter(user=self.alice, movie=film).exists())
