"""A training's progress as one line at the terminal."""

from __future__ import annotations

from mlops.training import Progress

WIDTH = 30


def progress_bar(progress: Progress) -> str:
    filled = round(progress.progress * WIDTH)
    bar = "█" * filled + "░" * (WIDTH - filled)
    epoch = f"epoch {progress.epoch} of {progress.n_epochs}" if progress.epoch else ""
    return f"{bar} {progress.progress:4.0%} {progress.phase:16} {epoch:20}"
