"""Who works on a folder of data: one whole site, or one web part and one worker part, or one restore."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from django.conf import settings

Part = Literal["web", "worker"]
PARTS: tuple[Part, ...] = ("web", "worker")


class SiteRunning(Exception):
    """Somebody else holds what was asked for."""


def hold(part: Part | None = None) -> ExitStack:
    """Locks the folder of data, for as long as the answer is open or this process lives, however it ends.

    A ``part`` shares the folder with the other part, and with nothing else. Raises SiteRunning.
    """
    folder = Path(settings.VAR_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as locks:
        _lock(locks, folder / "up.lock", fcntl.LOCK_EX if part is None else fcntl.LOCK_SH)
        if part is not None:
            _lock(locks, folder / f"up-{part}.lock", fcntl.LOCK_EX)
        return locks.pop_all()


def preparing() -> ExitStack:
    """Waits until no other part of the site is setting up: two migrations at once would trip over each other."""
    with ExitStack() as locks:
        _lock(locks, Path(settings.VAR_DIR) / "preparing.lock", fcntl.LOCK_EX, wait=True)
        return locks.pop_all()


def _lock(locks: ExitStack, path: Path, kind: int, *, wait: bool = False) -> None:
    file = locks.enter_context(path.open("w"))
    try:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SiteRunning(f"{path.name} is held by another process.") from error
