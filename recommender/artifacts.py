"""Model files: written so that a crash leaves either a whole artifact or none, read so that a rotten one is refused.

An artifact is a folder ``var/artifacts/<label>/``: ``arrays.safetensors``, which can hold nothing but numbers,
``manifest.json`` with its sha256 and everything else that is known of the version, and ``twin.safetensors``, the same
model fitted on the training part alone, which is what later versions are compared with. Nobody is served from a twin.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.numpy
from django.conf import settings
from safetensors import SafetensorError

from cinema.fault_points import reach
from recommender.algorithms.ensemble import MalformedModel, TrainedModel

SCHEMA_VERSION = 5
ARRAYS = "arrays.safetensors"
TWIN = "twin.safetensors"
MANIFEST = "manifest.json"
MAX_ARRAYS_BYTES = 4 * 1024**3
MAX_MANIFEST_BYTES = 4 * 1024**2
_LABEL = re.compile(r"v[0-9]{8}_[0-9]{6}")
_TEMPORARY_PREFIX = ".tmp-"


class ArtifactCorrupt(Exception):
    """The artifact is missing, truncated, altered or malformed; the message says which, without a path."""


class NoTwin(Exception):
    """The artifact is whole, but was stored without its twin."""


@dataclass(frozen=True)
class StoredArtifact:
    manifest_sha256: str
    size: int  # bytes of all files


def root() -> Path:
    return Path(settings.ARTIFACTS_DIR)


def _folder(label: str) -> Path:
    if not _LABEL.fullmatch(label):
        raise ArtifactCorrupt("The label is not a version's.")
    return root() / label


def _write(path: Path, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o440)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _packed(model: TrainedModel, file: str) -> tuple[bytes, dict[str, Any]]:
    """The arrays as bytes, and what the manifest says of them."""
    arrays = {name: array.copy(order="C") for name, array in model.arrays().items()}
    data = safetensors.numpy.save(arrays)
    return data, {
        "file": file,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "layout": {name: [str(array.dtype), list(array.shape)] for name, array in sorted(arrays.items())},
    }


def save(label: str, model: TrainedModel, about: dict[str, Any], *, twin: TrainedModel | None = None) -> StoredArtifact:
    """Writes ``model`` and its ``twin`` under ``label`` and reads them back. ``about`` joins the manifest.

    Temporary sibling, fsync, manifest last, rename, fsync of the parent, verification. Raises FileExistsError if the
    label is taken and ArtifactCorrupt if what was read back differs.
    """
    folder = _folder(label)
    if folder.exists():
        raise FileExistsError(label)
    root().mkdir(parents=True, exist_ok=True)
    temporary = root() / f"{_TEMPORARY_PREFIX}{label}-{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        data, arrays = _packed(model, ARRAYS)
        manifest = {
            **about,
            "label": label,
            "schema_version": SCHEMA_VERSION,
            "settings": model.settings(),
            "arrays": arrays,
        }
        _write(temporary / ARRAYS, data)
        size = len(data)
        if twin is not None:
            data, arrays = _packed(twin, TWIN)
            manifest |= {"twin": arrays, "twin_settings": twin.settings()}
            _write(temporary / TWIN, data)
            size += len(data)
        text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False).encode()
        _write(temporary / MANIFEST, text)
        _sync_folder(temporary)
        reach("artifact_written")
        os.rename(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_folder(root())
    stored = StoredArtifact(hashlib.sha256(text).hexdigest(), size + len(text))
    try:
        load(label, stored.manifest_sha256)
        if twin is not None:
            load_twin(label, stored.manifest_sha256)
    except ArtifactCorrupt:
        delete(label)
        raise
    reach("artifact_in_place")
    return stored


def _read(path: Path, limit: int) -> bytes:
    """The bytes of a regular file. A link is not followed: it could lead anywhere."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ArtifactCorrupt(f"{path.name} cannot be read ({error.strerror}).") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ArtifactCorrupt(f"{path.name} is not a regular file.")
        try:
            # Into memory, never mapped: a file truncated under a mapping kills the process that reads it.
            data = file.read(limit + 1)
        except OSError as error:
            raise ArtifactCorrupt(f"{path.name} cannot be read ({error.strerror}).") from error
    if len(data) > limit:
        raise ArtifactCorrupt(f"{path.name} is too large.")
    return data


def _manifest(label: str, manifest_sha256: str) -> tuple[Path, dict[str, Any]]:
    folder = _folder(label)
    if folder.is_symlink() or not folder.is_dir():
        raise ArtifactCorrupt("The artifact's folder is missing.")
    text = _read(folder / MANIFEST, MAX_MANIFEST_BYTES)
    if hashlib.sha256(text).hexdigest() != manifest_sha256:
        raise ArtifactCorrupt(f"{MANIFEST} was altered (sha256 mismatch).")
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArtifactCorrupt(f"{MANIFEST} is malformed.") from error
    if not isinstance(manifest, dict) or not {"arrays", "settings"} <= manifest.keys():
        raise ArtifactCorrupt(f"{MANIFEST} is malformed.")
    if manifest.get("schema_version") != SCHEMA_VERSION or manifest.get("label") != label:
        raise ArtifactCorrupt(f"{MANIFEST} belongs to another version or schema.")
    return folder, manifest


def _unpacked(path: Path, expected: Any, numbers: Any) -> TrainedModel:
    data = _read(path, MAX_ARRAYS_BYTES)
    try:
        if len(data) != expected["bytes"] or hashlib.sha256(data).hexdigest() != expected["sha256"]:
            raise ArtifactCorrupt(f"{path.name} was altered (sha256 mismatch).")
        return TrainedModel.from_arrays(safetensors.numpy.load(data), numbers)
    except (SafetensorError, MalformedModel, KeyError, TypeError, ValueError) as error:
        raise ArtifactCorrupt(f"{path.name} is malformed: {error}") from error


def load(label: str, manifest_sha256: str) -> tuple[TrainedModel, dict[str, Any]]:
    """The model stored under ``label`` and its manifest. The very bytes that were hashed are parsed.

    ``manifest_sha256`` is what the version's row says. Raises ArtifactCorrupt.
    """
    folder, manifest = _manifest(label, manifest_sha256)
    return _unpacked(folder / ARRAYS, manifest["arrays"], manifest["settings"]), manifest


def load_twin(label: str, manifest_sha256: str) -> TrainedModel:
    """The twin stored with it, in the same way. Raises ArtifactCorrupt and NoTwin."""
    folder, manifest = _manifest(label, manifest_sha256)
    if "twin" not in manifest:
        raise NoTwin(f"Version {label} was stored without a twin.")
    return _unpacked(folder / TWIN, manifest["twin"], manifest.get("twin_settings"))


def exists(label: str) -> bool:
    return _folder(label).exists()


def delete(label: str) -> None:
    """Removes the files; the row must already say so."""
    shutil.rmtree(_folder(label), ignore_errors=True)


def leftovers(known_labels: set[str], *, at_least: float = 0.0) -> list[str]:
    """Names of folders that no version owns: what a crash between files and row left behind, or what a training writes
    at this moment. ``at_least``: only what has not been touched for so many seconds."""
    if not root().is_dir():
        return []
    before = time.time() - at_least
    found = []
    for entry in root().iterdir():
        with suppress(FileNotFoundError):  # it went meanwhile
            if entry.name not in known_labels and entry.stat(follow_symlinks=False).st_mtime <= before:
                found.append(entry.name)
    return sorted(found)


def delete_leftover(name: str) -> None:
    """Removes one of ``leftovers``."""
    path = root() / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
