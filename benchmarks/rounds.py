"""Taking turns: what else the machine does then falls on everybody alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def in_turn(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each says in each of so many rounds."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        # Whoever is first finds the caches as the last one left them: not always the same.
        for name in names[number % len(names) :] + names[: number % len(names)]:
            taken[name].append(contestants[name]())
    return taken
