"""How each data set is divided, for what it is judged by and for what settings are chosen by.

Settings are always chosen on a slice of the training part that is cut the same way as the test part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from recommender.algorithms.interactions import Interactions
from recommender.algorithms.splits import Split, last_per_user, random_ratings

SEED = 0
# Slices for choosing settings are drawn with another seed than the test parts.
SLICE_SEED = 1
N_SLICES = 3
FOLDS = 5

Cut = Callable[[Interactions, int], Split]  # data and a seed → two parts


@dataclass(frozen=True)
class Protocol:
    """``splits``: all parts to be judged on. ``cut``: how the training part is divided again to choose settings."""

    splits: list[Split]
    cut: Cut
    in_time: bool  # whether the test ratings are later than the training ones
    description: str

    def slice(self, train: Interactions) -> Split:
        return self.cut(train, SLICE_SEED)

    def slices(self, train: Interactions) -> list[Split]:
        """Several where they can be drawn: settings of lists are so nearly tied that one slice chooses by luck."""
        return [self.cut(train, SLICE_SEED + number) for number in range(1 if self.in_time else N_SLICES)]


def folds(data: Interactions, n: int = FOLDS, *, seed: int = SEED) -> list[Split]:
    """``n`` random parts of equal size, each the test part once."""
    number = np.random.default_rng(seed).permutation(len(data)) % n
    return [Split(data.take(number != k), data.take(number == k), f"fold {k + 1} of {n}") for k in range(n)]


def without_time(data: Interactions, *, seed: int = SEED) -> Interactions:
    """The same ratings in a random order of time.

    Where the test part is random, so must be the slice that our pipeline sets apart by time.
    """
    return replace(data, time=np.random.default_rng(seed).permutation(len(data)).astype(np.int64))


def _random(share: float) -> Cut:
    return lambda data, seed: random_ratings(data, share, seed=seed)


def _last(data: Interactions, seed: int) -> Split:
    return last_per_user(data)


def random_protocol(data: Interactions, share: float) -> Protocol:
    cut = _random(share)
    return Protocol(
        [cut(without_time(data), SEED)], cut, False, f"a random {100 * share:.0f} % of all ratings, seed {SEED}"
    )


def fold_protocol(data: Interactions) -> Protocol:
    description = f"{FOLDS} random folds, seed {SEED}"
    return Protocol(folds(without_time(data)), _random(1 / FOLDS), False, description)


def last_protocol(data: Interactions) -> Protocol:
    return Protocol([last_per_user(data)], _last, True, "the last 20 % of each person's ratings by time")


def rating_protocol(name: str, data: Interactions) -> Protocol:
    """What predicted stars are judged by on the data set ``name``."""
    return fold_protocol(data) if name == "ml-100k" else ranking_protocol(name, data)


def ranking_protocol(name: str, data: Interactions) -> Protocol:
    """What lists are judged by on the data set ``name``."""
    if name == "ml-100k":
        return random_protocol(data, 0.2)
    return random_protocol(data, 0.1) if name == "ml-1m" else last_protocol(data)
