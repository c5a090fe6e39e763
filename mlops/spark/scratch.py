"""The folder of a run on this machine: the JVM's scratch files, its log and, by default, what goes to Spark and back.

Folders are named after machine and process, so that what a killed process left is known for what it is and removed.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from pathlib import Path

import psutil

_PREFIX = "spark-"


def new_name() -> str:
    """Of a folder that belongs to this process."""
    return f"{_PREFIX}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def is_left_over(name: str) -> bool:
    """Whether a folder of that name belonged to a process of this machine that is gone."""
    ours = f"{_PREFIX}{socket.gethostname()}-"
    pid = name.removeprefix(ours).partition("-")[0]
    return name.startswith(ours) and pid.isdecimal() and not psutil.pid_exists(int(pid))


class Scratch:
    """Made at once, for nobody's eyes but ours; ``remove`` it afterwards."""

    def __init__(self, root: Path) -> None:
        """Raises OSError where it cannot be made."""
        self.root = root
        self.name = new_name()
        root.mkdir(parents=True, exist_ok=True)
        for folder in root.iterdir():
            if is_left_over(folder.name):
                shutil.rmtree(folder, ignore_errors=True)
        self.path.mkdir(mode=0o700)

    @property
    def path(self) -> Path:
        return self.root / self.name

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
