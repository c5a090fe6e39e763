from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import safetensors.numpy
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender import artifacts
from recommender.tests.stored_versions import StoredVersionsMixin, trained

LABEL = "v20261123_101500"


class ArtifactsTestCase(StoredVersionsMixin, SimpleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stored = artifacts.save(LABEL, trained(), {"algorithm": "test"})
        self.arrays: Path = artifacts.root() / LABEL / artifacts.ARRAYS

    def load(self) -> None:
        artifacts.load(LABEL, self.stored.manifest_sha256)

    def assert_refused(self) -> None:
        with self.assertRaises(artifacts.ArtifactCorrupt) as caught:
            self.load()
        self.assertNotIn(str(artifacts.root()), str(caught.exception))

    def overwrite(self, path: Path, data: bytes) -> None:
        path.chmod(0o640)
        path.write_bytes(data)

    def test_it_reads_back_what_it_wrote(self) -> None:
        model, manifest = artifacts.load(LABEL, self.stored.manifest_sha256)
        for name, array in trained().arrays().items():
            np.testing.assert_array_equal(model.arrays()[name], array)
        self.assertEqual(manifest["algorithm"], "test")

    def test_it_leaves_files_that_cannot_be_written(self) -> None:
        self.assertEqual(self.arrays.stat().st_mode & 0o777, 0o440)

    def test_it_leaves_no_temporary_folder(self) -> None:
        self.assertEqual([entry.name for entry in artifacts.root().iterdir()], [LABEL])

    def test_it_does_not_overwrite(self) -> None:
        with self.assertRaises(FileExistsError):
            artifacts.save(LABEL, trained(), {})

    def test_it_leaves_nothing_when_the_disk_is_full(self) -> None:
        with mock.patch("os.fsync", side_effect=OSError(28, "No space left on device")), self.assertRaises(OSError):
            artifacts.save("v20261123_101501", trained(), {})
        self.assertEqual([entry.name for entry in artifacts.root().iterdir()], [LABEL])

    def test_it_refuses_a_truncated_file(self) -> None:
        self.overwrite(self.arrays, self.arrays.read_bytes()[:-10])
        self.assert_refused()

    def test_it_refuses_a_flipped_bit(self) -> None:
        data = bytearray(self.arrays.read_bytes())
        data[-5] ^= 1
        self.overwrite(self.arrays, bytes(data))
        self.assert_refused()

    def test_it_refuses_an_empty_file(self) -> None:
        self.overwrite(self.arrays, b"")
        self.assert_refused()

    def test_it_refuses_a_missing_file(self) -> None:
        self.arrays.unlink()
        self.assert_refused()

    def test_it_refuses_a_missing_folder(self) -> None:
        artifacts.delete(LABEL)
        self.assert_refused()

    def test_it_does_not_follow_a_link(self) -> None:
        self.arrays.unlink()
        os.symlink("/etc/passwd", self.arrays)
        self.assert_refused()

    def test_it_refuses_an_altered_manifest(self) -> None:
        path = artifacts.root() / LABEL / artifacts.MANIFEST
        self.overwrite(path, path.read_bytes().replace(b"test", b"best"))
        self.assert_refused()

    def test_it_refuses_numbers_that_are_not_finite_even_with_a_matching_sum(self) -> None:
        model = trained()
        offsets = model.films.offsets.copy()
        offsets[4] = np.nan
        arrays = {**model.arrays(), "item_offsets": offsets}
        patched = mock.patch.object(type(model), "arrays", return_value=arrays)
        with patched, self.assertRaises(artifacts.ArtifactCorrupt):
            artifacts.save("v20261123_101501", model, {})
        self.assertFalse(artifacts.exists("v20261123_101501"))

    def test_it_refuses_labels_that_are_paths(self) -> None:
        for label in ("../../etc", "v1", "", "v20261123_101500/..", "v20261123_101500\n"):
            with self.subTest(label), self.assertRaises(artifacts.ArtifactCorrupt):
                artifacts.load(label, "")

    def test_it_runs_no_code_from_a_file(self) -> None:
        marker = artifacts.root() / "marker"
        payload = f"cos\nsystem\n(S'touch {marker}'\ntR.".encode()
        self.overwrite(self.arrays, payload)
        self.assert_refused()
        self.assertFalse(marker.exists())

    def test_it_names_folders_that_no_version_owns(self) -> None:
        (artifacts.root() / ".tmp-v20261123_101501-ab").mkdir()
        self.assertEqual(artifacts.leftovers({LABEL}), [".tmp-v20261123_101501-ab"])

    def test_it_holds_films_and_no_people(self) -> None:
        manifest = json.loads((artifacts.root() / LABEL / artifacts.MANIFEST).read_text())
        n_items, n_people = trained().n_items, 80
        for name, (_, shape) in manifest["arrays"]["layout"].items():
            self.assertNotIn(n_people, shape, name)
        arrays = safetensors.numpy.load(self.arrays.read_bytes())
        self.assertEqual(arrays["item_features"].shape[0], n_items)


class AnyBytesTestCase(StoredVersionsMixin, SimpleTestCase):
    """Whatever lies on the disk is a model or ArtifactCorrupt, even where somebody has made the sums fit."""

    def setUp(self) -> None:
        super().setUp()
        stored = artifacts.save(LABEL, trained(), {"algorithm": "test"})
        self.folder = artifacts.root() / LABEL
        self.sum = stored.manifest_sha256
        self.arrays = (self.folder / artifacts.ARRAYS).read_bytes()
        self.manifest = json.loads((self.folder / artifacts.MANIFEST).read_text())
        for path in self.folder.iterdir():
            path.chmod(0o640)

    def refuses_or_reads(self, arrays: bytes, manifest: bytes) -> None:
        (self.folder / artifacts.ARRAYS).write_bytes(arrays)
        (self.folder / artifacts.MANIFEST).write_bytes(manifest)
        try:
            model, _ = artifacts.load(LABEL, hashlib.sha256(manifest).hexdigest())
        except artifacts.ArtifactCorrupt:
            return
        for array in model.arrays().values():
            self.assertTrue(array.dtype.kind != "f" or np.isfinite(array).all())

    def with_sums_of(self, arrays: bytes) -> bytes:
        """A manifest that vouches for them."""
        told = {"sha256": hashlib.sha256(arrays).hexdigest(), "bytes": len(arrays)}
        return json.dumps({**self.manifest, "arrays": {**self.manifest["arrays"], **told}}).encode()

    @given(st.binary(max_size=400))
    def test_any_manifest(self, data: bytes) -> None:
        self.refuses_or_reads(self.arrays, data)

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ), max_leaves=8), st.data())  # fmt: skip
    def test_a_manifest_with_anything_in_one_place(self, value: object, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.manifest)))
        self.refuses_or_reads(self.arrays, json.dumps({**self.manifest, name: value}).encode())

    @given(st.binary(max_size=400))
    def test_any_arrays_that_the_manifest_vouches_for(self, data: bytes) -> None:
        self.refuses_or_reads(data, self.with_sums_of(data))

    @given(st.data())
    def test_arrays_with_other_bytes_that_the_manifest_vouches_for(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.arrays) - 1) | st.integers(0, 1200))
        other = data.draw(st.binary(min_size=1, max_size=16))
        arrays = self.arrays[:at] + other + self.arrays[at + len(other) :]
        self.refuses_or_reads(arrays, self.with_sums_of(arrays))


class TwinTestCase(StoredVersionsMixin, SimpleTestCase):
    """The model fitted on the training part, stored beside the one that serves."""

    def setUp(self) -> None:
        super().setUp()
        self.twin = replace(trained(), taste_weight=0.125)
        self.stored = artifacts.save(LABEL, trained(), {}, twin=self.twin)
        self.file: Path = artifacts.root() / LABEL / artifacts.TWIN

    def test_it_is_read_back_as_what_it_was(self) -> None:
        twin = artifacts.load_twin(LABEL, self.stored.manifest_sha256)
        self.assertEqual(twin.taste_weight, 0.125)
        np.testing.assert_array_equal(twin.films.features, self.twin.films.features)
        model, _ = artifacts.load(LABEL, self.stored.manifest_sha256)
        self.assertEqual(model.taste_weight, trained().taste_weight)

    def test_its_size_counts(self) -> None:
        files = sum(path.stat().st_size for path in self.file.parent.iterdir())
        self.assertEqual(self.stored.size, files)

    def test_a_rotten_twin_is_refused_and_keeps_nobody_from_being_served(self) -> None:
        self.file.chmod(0o640)
        data = bytearray(self.file.read_bytes())
        data[-1] ^= 1
        self.file.write_bytes(data)
        with self.assertRaises(artifacts.ArtifactCorrupt):
            artifacts.load_twin(LABEL, self.stored.manifest_sha256)
        artifacts.load(LABEL, self.stored.manifest_sha256)

    def test_an_artifact_may_have_none(self) -> None:
        stored = artifacts.save("v20261123_101501", trained(), {})
        with self.assertRaises(artifacts.NoTwin):
            artifacts.load_twin("v20261123_101501", stored.manifest_sha256)

    def test_it_goes_with_the_artifact(self) -> None:
        artifacts.delete(LABEL)
        self.assertFalse(self.file.exists())
