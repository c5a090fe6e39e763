"""One file that holds a site: its database, the models that the database names, its posters and its key.

It is a tar archive that ends with a manifest of everything before it and the manifest's own sum, so that what was cut
short or altered is noticed before anything is read from it. ``var/credentials.json`` stays out: it holds passwords and
tokens in plain text, and a backup travels; the accounts are in the database and work with the same passwords.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from django.utils import timezone

from cinema import __version__
from cinema.credentials import credentials_path
from cinema.tmdb import art_path
from mlops import database_copy
from mlops.database_copy import DatabaseCopy
from recommender import artifacts
from recommender.models import ModelVersion

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_SUM = "manifest.sha256"
SECRET_KEY = "secret_key"  # the name of a file, not a key  # nosec B105
MAX_MANIFEST_BYTES = 64 * 1024**2
BLOCK = 1024**2
TRIES = 5
_NAMES = re.compile(
    r"database\.(sqlite3|pgdump)|secret_key|art/[0-9a-f]{32}"
    r"|artifacts/v[0-9]{8}_[0-9]{6}/(manifest\.json|arrays\.safetensors|twin\.safetensors)"
)

Say = Callable[[str], None]
# What to do with a member: its name, and its bytes in blocks.
Sink = Callable[[str, Iterator[bytes]], None]


class BackupFailed(Exception):
    """No backup was made; the message says why."""


class ArchiveRefused(Exception):
    """The file is no backup, or not the one that was written."""


def secret_key_path() -> Path:
    """Where the settings keep the key that they have made."""
    return credentials_path().with_name(SECRET_KEY)


class _DeletedMeanwhile(Exception):
    """A version was deleted between the copy of its row and the opening of its files."""


@dataclass(frozen=True)
class Manifest:
    format: int
    created_at: str
    code_version: str
    vendor: str  # of the database: sqlite or postgresql
    migrations: list[list[str]]  # [app, name], as applied
    counts: dict[str, int]
    damaged: dict[str, str]  # versions whose files were not whole when the backup was made, and why
    members: dict[str, dict[str, Any]]  # name → {"bytes", "sha256"}


def write_backup(target: Path, say: Say) -> Manifest:
    """Writes a backup of this site, which may be running, as ``target`` with mode 0600, and reads it back.

    Temporary sibling, fsync, verification, rename, fsync of the folder. Raises BackupFailed.
    """
    target = target.absolute()
    if os.path.lexists(target):
        raise BackupFailed(f"{target} exists. Choose another name, or remove it first.")
    try:
        # A folder of mode 0700.
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            archive = Path(scratch) / "backup.tar"
            _write(archive, Path(scratch), say)
            say("Reading it back…")
            manifest = read(archive)
            os.rename(archive, target)
        sync_folder(target.parent)
    except (OSError, database_copy.CopyFailed) as error:
        raise BackupFailed(str(error)) from error
    except ArchiveRefused as error:
        raise BackupFailed(f"What was written does not read back: {error}") from error
    return manifest


def _write(archive: Path, scratch: Path, say: Say) -> None:
    with ExitStack() as opened:
        copy, files, damaged = _opened_files(scratch, opened, say)
        say("Writing the archive…")
        output = opened.enter_context(os.fdopen(os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"))
        members: dict[str, dict[str, Any]] = {}
        with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, file in files.items():
                members[name] = _add(tar, name, file)
            # Opened one by one: there may be more of them than a process may have files open.
            for path in sorted(art_path("any").parent.glob("*")):
                if _NAMES.fullmatch(f"art/{path.name}"):
                    with _regular(path) as picture:
                        members[f"art/{path.name}"] = _add(tar, f"art/{path.name}", picture)
            manifest = Manifest(
                format=FORMAT,
                created_at=timezone.now().isoformat(timespec="seconds"),
                code_version=__version__,
                vendor=copy.vendor,
                migrations=copy.migrations,
                counts=copy.counts,
                damaged=damaged | _altered(copy, files, members),
                members=members,
            )
            text = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
            _add(tar, MANIFEST_SUM, BytesIO(_add(tar, MANIFEST, BytesIO(text))["sha256"].encode()))
        output.flush()
        os.fsync(output.fileno())


def _opened_files(
    scratch: Path, opened: ExitStack, say: Say
) -> tuple[DatabaseCopy, dict[str, IO[bytes]], dict[str, str]]:
    """The database's copy, then all files that its rows name, opened: what is deleted from now on can still be read."""
    for attempt in range(TRIES):
        folder = scratch / str(attempt)
        folder.mkdir()
        say("Copying the database…")
        copy = database_copy.take(folder)
        with ExitStack() as tried:
            files: dict[str, IO[bytes]] = {copy.path.name: tried.enter_context(_regular(copy.path))}
            damaged: dict[str, str] = {}
            try:
                for label in sorted(copy.versions):
                    _open_version(label, files, damaged, tried)
            except _DeletedMeanwhile:
                say("A version was deleted meanwhile. Once more…")
                continue
            if secret_key_path().exists():
                files[SECRET_KEY] = tried.enter_context(_regular(secret_key_path()))
            opened.push(tried.pop_all())
            return copy, files, damaged
    raise BackupFailed(f"Versions were deleted during each of {TRIES} tries. What keeps deleting them?")


def _open_version(label: str, files: dict[str, IO[bytes]], damaged: dict[str, str], opened: ExitStack) -> None:
    folder = artifacts.root() / label
    try:
        names = [artifacts.MANIFEST, artifacts.ARRAYS] + [artifacts.TWIN] * (folder / artifacts.TWIN).exists()
        found = {f"artifacts/{label}/{name}": opened.enter_context(_regular(folder / name)) for name in names}
    except OSError as error:
        if not ModelVersion.objects.ready().filter(label=label).exists():
            raise _DeletedMeanwhile(label) from error
        damaged[label] = f"cannot be read ({error.strerror})"
    else:
        files.update(found)


def _altered(copy: DatabaseCopy, files: dict[str, IO[bytes]], members: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Versions whose files are not those that their rows and manifests name. The ratings are saved all the same."""
    found = {}
    for label, sha256 in copy.versions.items():
        folder = f"artifacts/{label}"
        if f"{folder}/{MANIFEST}" not in members:
            continue
        if members[f"{folder}/{MANIFEST}"]["sha256"] != sha256:
            found[label] = f"{MANIFEST} was altered"
            continue
        file = files[f"{folder}/{MANIFEST}"]
        file.seek(0)
        said = json.load(file)
        for key, name in (("arrays", artifacts.ARRAYS), ("twin", artifacts.TWIN)):
            if key in said and members.get(f"{folder}/{name}", {}).get("sha256") != said[key]["sha256"]:
                found[label] = f"{name} is missing or was altered"
    return found


def _regular(path: Path) -> IO[bytes]:
    """Opens a file and no link: that could lead anywhere."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


class _Hashing:
    """A file that is summed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sum.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, file: IO[bytes]) -> dict[str, Any]:
    """Appends ``file`` and says what the manifest is to say of it."""
    member = tarfile.TarInfo(name)
    member.size = file.seek(0, os.SEEK_END)
    file.seek(0)
    member.mode = 0o600
    member.mtime = int(time.time())
    hashing = _Hashing(file)
    tar.addfile(member, hashing)
    return {"bytes": member.size, "sha256": hashing.sum.hexdigest()}


def read(archive: Path, sink: Sink | None = None) -> Manifest:
    """Checks every name, kind, size and sum of ``archive``; what it says of itself. Raises ArchiveRefused and OSError.

    ``sink`` gets each member on the way, before the sums are known to hold: what it makes of them may be used only
    once this has returned.
    """
    sums: dict[str, dict[str, Any]] = {}
    texts: dict[str, bytes] = {}
    try:
        with _regular(archive) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                _check_member(member, sums, texts)
                content = tar.extractfile(member)
                assert content is not None  # it is a regular file
                if member.name in (MANIFEST, MANIFEST_SUM):
                    texts[member.name] = content.read()
                    continue
                summed = _summed(content, member, sums)
                if sink is not None:
                    sink(member.name, summed)
                for _ in summed:  # what the sink left
                    pass
            file.seek(tar.offset)
            while block := file.read(BLOCK):
                if block.strip(b"\0"):
                    raise ArchiveRefused("Something stands behind its end.")
    except tarfile.TarError as error:
        raise ArchiveRefused(f"It is cut short, altered or no backup ({error}).") from error
    manifest = _manifest(texts)
    if manifest.members != sums:
        differing = sorted(name for name in manifest.members | sums if manifest.members.get(name) != sums.get(name))
        raise ArchiveRefused(f"Its content is not what its manifest says: {', '.join(differing[:5])}.")
    return manifest


def _check_member(member: tarfile.TarInfo, sums: dict[str, dict[str, Any]], texts: dict[str, bytes]) -> None:
    if member.type != tarfile.REGTYPE or member.issparse():
        raise ArchiveRefused(f"{member.name[:80]!r} is not a plain file.")
    if member.name in sums or member.name in texts:
        raise ArchiveRefused(f"{member.name} is there twice.")
    if member.name in (MANIFEST, MANIFEST_SUM):
        if member.size > MAX_MANIFEST_BYTES:
            raise ArchiveRefused(f"{member.name} is too large.")
    elif texts or not _NAMES.fullmatch(member.name):
        raise ArchiveRefused(f"{member.name[:80]!r} does not belong into a backup.")


def _summed(content: IO[bytes], member: tarfile.TarInfo, sums: dict[str, dict[str, Any]]) -> Iterator[bytes]:
    """The blocks of a member; after the last one its sum is in ``sums``."""
    digest, size = hashlib.sha256(), 0
    while block := content.read(BLOCK):
        digest.update(block)
        size += len(block)
        yield block
    sums[member.name] = {"bytes": size, "sha256": digest.hexdigest()}


def _manifest(texts: dict[str, bytes]) -> Manifest:
    if texts.keys() != {MANIFEST, MANIFEST_SUM}:
        raise ArchiveRefused("It has no manifest: it is cut short, altered or no backup.")
    if hashlib.sha256(texts[MANIFEST]).hexdigest().encode() != texts[MANIFEST_SUM]:
        raise ArchiveRefused("Its manifest was altered.")
    try:
        said = json.loads(texts[MANIFEST])
        if said["format"] != FORMAT:
            raise ArchiveRefused(f"It has format {said['format']!r}; this code reads format {FORMAT}.")
        manifest = Manifest(**said)
        database = database_copy.FILES[manifest.vendor]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ArchiveRefused("Its manifest is malformed.") from error
    if database not in manifest.members:
        raise ArchiveRefused("It holds no database.")
    return manifest


def sync_folder(path: Path) -> None:
    """Waits until the folder's entries are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
