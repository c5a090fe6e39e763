"""A folder or a zip file that somebody hands in: its files by name, opened for reading and never unpacked to disk."""

from __future__ import annotations

import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

# MovieLens' largest files are below 1 GB and shrink five-fold in a zip.
MAX_BYTES = 4 * 1024**3
MAX_RATIO = 100
MAX_FILES = 10_000
# Below this much text the ratio says nothing: a tiny file of equal lines shrinks a lot too.
RATIO_COUNTS_FROM = 16 * 1024**2
# A longer line is no row of ratings, and is skipped without being held in memory.
MAX_LINE = 64 * 1024

_BUFFER = 1024**2
# What reading a file or an archive's entry raises where it is torn, garbled or packed in a way unknown here.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError)


class ImportRejected(Exception):
    """What was handed in cannot be imported. The message is one plain sentence for whoever asked."""


class Source:
    """Files of one folder or zip file. ``files`` maps their paths, as "ml-1m/ratings.dat", to their sizes."""

    def __init__(self, name: str, files: dict[str, int]) -> None:
        self.name = name  # of the folder or the zip file, without its ending
        self.files = files
        self.bytes_read = 0

    def _open_raw(self, file: str) -> IO[bytes]:
        raise NotImplementedError

    def _check_amount(self) -> None:
        if self.bytes_read > MAX_BYTES:
            raise ImportRejected(f"There is more than {MAX_BYTES // 1024**3} GiB of text in it, which is too much.")

    @contextmanager
    def open(self, file: str) -> Iterator[BinaryIO]:
        try:
            raw = self._open_raw(file)
        except _DAMAGE as error:
            raise ImportRejected(f"{file} could not be opened.") from error
        with raw, io.BufferedReader(_Counted(self, file, raw), _BUFFER) as stream:
            yield stream


class FolderSource(Source):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files = {}
        for path in [*folder.iterdir(), *folder.glob("*/*")]:
            if path.is_file():
                files[path.relative_to(folder).as_posix()] = path.stat().st_size
        super().__init__(folder.resolve().name, files)

    def _open_raw(self, file: str) -> IO[bytes]:
        return (self._folder / file).open("rb", buffering=0)


class ZipSource(Source):
    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._packed_bytes = path.stat().st_size
        super().__init__(path.stem, _checked_entries(archive))

    def _open_raw(self, file: str) -> IO[bytes]:
        return self._archive.open(file)

    def _check_amount(self) -> None:
        super()._check_amount()
        # Against the size of the file on disk: what the archive says about itself may be a lie.
        if self.bytes_read > max(RATIO_COUNTS_FROM, MAX_RATIO * self._packed_bytes):
            raise ImportRejected(f"The zip file unpacks to more than {MAX_RATIO} times its size, as a zip bomb does.")


def _checked_entries(archive: zipfile.ZipFile) -> dict[str, int]:
    """Sizes by name. One entry that a MovieLens archive would never hold condemns the whole."""
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise ImportRejected(f"The zip file holds more than {MAX_FILES:,} files.")
    files: dict[str, int] = {}
    for entry in entries:
        # orig_filename: zipfile itself cuts a name at a NUL.
        name = entry.orig_filename
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or name[1:2] == ":" or not name.isprintable():
            raise ImportRejected(f"The zip file holds an entry with an unsafe name: {name[:100]!a}.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ImportRejected(f"The zip file holds a symbolic link: {name[:100]}.")
        if entry.flag_bits & 0x1:
            raise ImportRejected("The zip file is encrypted.")
        if name in files:
            raise ImportRejected(f"The zip file holds two files of the same name: {name[:100]}.")
        if not entry.is_dir():
            files[name] = entry.file_size
    if sum(files.values()) > MAX_BYTES:
        raise ImportRejected(f"The zip file unpacks to more than {MAX_BYTES // 1024**3} GiB, which is too much.")
    return files


class _Counted(io.RawIOBase):
    """Counts the bytes that really come out, and turns what breaks on the way into a rejection."""

    def __init__(self, source: Source, file: str, raw: IO[bytes]) -> None:
        super().__init__()
        self._source, self._file, self._raw = source, file, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        try:
            data = self._raw.read(len(view))
        except _DAMAGE as error:
            raise ImportRejected(f"{self._file} is damaged and could not be read to its end.") from error
        view[: len(data)] = data
        self._source.bytes_read += len(data)
        self._source._check_amount()
        return len(data)


@contextmanager
def open_source(path: Path | str) -> Iterator[Source]:
    path = Path(path)
    with ExitStack() as opened:
        try:
            source: Source
            if path.is_dir():
                source = FolderSource(path)
            elif not path.exists():
                raise ImportRejected(f"There is nothing at {path}.")
            elif not path.is_file() or not zipfile.is_zipfile(path):
                raise ImportRejected(f"{path} is neither a folder nor a zip file.")
            else:
                source = ZipSource(opened.enter_context(zipfile.ZipFile(path)), path)
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise ImportRejected(f"{path} is damaged, or not a zip file that can be read here.") from error
        except (OSError, ValueError) as error:
            raise ImportRejected(f"{str(path)!a} could not be opened.") from error
        yield source


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines counted from 1, with their ends; None for one that is longer than any row."""
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        if len(line) < MAX_LINE or line.endswith(b"\n"):
            yield number, line
            continue
        while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass
        yield number, None
