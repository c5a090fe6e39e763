"""Every way in which model files rot, while a process serves from them and after it has started again."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.numpy
from django.test import override_settings

from cinema.tests.api_clients import ApiTestCase
from mlops import runs
from mlops.models import TrainingRun
from mlops.training import train
from recommender import artifacts, registry, serving
from recommender.tests.stored_versions import make_crowd, rate, store_version


class _Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(artifacts.root() / "code-was-run"),)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def plant_nan(file: Path) -> None:
    arrays = safetensors.numpy.load(file.read_bytes())
    name = next(name for name, array in sorted(arrays.items()) if array.dtype.kind == "f")
    arrays[name] = np.full_like(arrays[name], np.nan)
    file.write_bytes(safetensors.numpy.save(arrays))


def empty(file: Path) -> None:
    file.write_bytes(b"")


def delete(file: Path) -> None:
    file.unlink()


def replace_by_pickle(file: Path) -> None:
    file.write_bytes(pickle.dumps(_Bomb()))


def replace_by_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


VARIANTS = (truncate, flip_a_bit, plant_nan, empty, delete, replace_by_pickle, replace_by_link)


class CorruptArtifactTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_crowd()
        rate(self.alice, {0: 4.5, 1: 2.0})
        self.older = registry.live().version
        self.path = f"/api/ml/recommendations/{self.alice.pk}"

    def served(self) -> tuple[int, str | None]:
        response = self.api("GET", self.path, by=self.alice)
        return response.status_code, response.json().get("model_version")

    def test_who_serves_goes_on_and_who_starts_takes_the_newest_whole_one(self) -> None:
        assert self.older is not None
        for name in (artifacts.ARRAYS, artifacts.MANIFEST):
            for spoil in VARIANTS:
                if name == artifacts.MANIFEST and spoil is plant_nan:
                    continue  # it holds no arrays; the next test plants one in its JSON
                with self.subTest(f"{spoil.__name__} {name}"):
                    rotten = store_version()
                    registry.activate(rotten)
                    serving.forget()
                    self.assertEqual(self.served(), (200, rotten.label))
                    spoil(artifacts.root() / rotten.label / name)
                    self.assertEqual(self.served(), (200, rotten.label), "in memory it is whole")
                    serving.forget()
                    self.assertEqual(self.served(), (200, self.older.label), "after a restart")
                    registry.activate(self.older)
                    answer = self.api("POST", f"/api/ml/versions/{rotten.label}/activate", by=self.staff)
                    self.assert_problem(answer, 409, "artifact_corrupt")
                    self.assertNotIn("/", answer.json()["detail"], "no path is told")
                    self.assertEqual(registry.live().version, self.older)
                    registry.retire(rotten)
        self.assertFalse((artifacts.root() / "code-was-run").exists())

    def test_a_manifest_with_nan_is_no_json(self) -> None:
        rotten = store_version()
        manifest = artifacts.root() / rotten.label / artifacts.MANIFEST
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "x": float("nan")}))
        with self.assertRaises(registry.ArtifactCorrupt):
            registry.activate(rotten)

    def test_a_roll_back_to_a_rotten_one_is_refused(self) -> None:
        assert self.older is not None
        registry.activate(store_version())
        truncate(artifacts.root() / self.older.label / artifacts.ARRAYS)
        self.assert_problem(self.api("POST", "/api/ml/rollback", by=self.staff), 409, "artifact_corrupt")

    def test_without_any_whole_one_everybody_is_served_what_is_popular(self) -> None:
        assert self.older is not None
        truncate(artifacts.root() / self.older.label / artifacts.ARRAYS)
        serving.forget()
        answer = self.api("GET", self.path, by=self.alice).json()
        self.assertEqual((answer["model_version"], answer["fallback"]), (None, True))
        self.assertTrue(answer["items"])


class UnusableFolderTestCase(ApiTestCase):
    """The folder of models cannot be read or written, as with a disk that is gone."""

    def setUp(self) -> None:
        super().setUp()
        make_crowd()
        rate(self.alice, {0: 4.5, 1: 2.0})
        file = artifacts.root() / "a-file"
        file.touch()
        moved = override_settings(ARTIFACTS_DIR=file / "artifacts")
        moved.enable()
        self.addCleanup(moved.disable)
        serving.forget()

    def test_it_serves_what_is_popular_and_takes_ratings(self) -> None:
        answer = self.api("GET", f"/api/ml/recommendations/{self.alice.pk}", by=self.alice).json()
        self.assertTrue(answer["fallback"] and answer["items"])
        self.assertEqual(self.api("PUT", "/api/ratings/300", json={"value": 4.0}, by=self.alice).status_code, 201)

    def test_a_training_fails_and_says_why(self) -> None:
        run, owner = runs.start_in_foreground(preset="classic", hyperparameters={"n_factors": 4, "n_epochs": 1})
        with self.assertRaises(OSError), self.assertLogs("mlops.training", "ERROR"):
            train(run.pk, owner)
        run.refresh_from_db()
        self.assertEqual(run.status, TrainingRun.Status.FAILED)
        self.assertIn("could not be stored", run.error)
