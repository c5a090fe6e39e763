"""How ratings are divided into a part to learn from and a part to be judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions

# People with fewer ratings stay in the training part: one of their four ratings would say nothing.
MIN_RATINGS_TO_SPLIT = 5
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    train: Interactions
    test: Interactions
    name: str
    divide: Callable[[Interactions], Split] | None = None  # how other ratings are divided the same way

    def again(self) -> Split:
        """The training part divided once more, the same way: what settings are chosen on."""
        return (self.divide or last_per_user)(self.train)


def _split(data: Interactions, is_test: NDArray[np.bool_], name: str, divide: Callable[[Interactions], Split]) -> Split:
    return Split(data.take(~is_test), data.take(is_test), name, divide)


def last_per_user(data: Interactions, share: float = TEST_SHARE) -> Split:
    """The last max(1, round(share·n)) ratings of each person with at least five, by time, ties by film number."""
    order = np.lexsort((data.item, data.time, data.user))
    counts = data.user_counts
    # Python's round() and numpy's both round halves to even; the definition wants the usual halves up.
    n_test = np.where(counts >= MIN_RATINGS_TO_SPLIT, np.maximum(1, np.floor(share * counts + 0.5)), 0).astype(np.int64)
    ends = np.cumsum(counts)
    users = data.user[order]
    from_the_end = ends[users] - np.arange(len(data))  # 1 for a person's last rating
    is_test = np.zeros(len(data), dtype=np.bool_)
    is_test[order] = from_the_end <= n_test[users]
    return _split(data, is_test, f"last {share:.0%} per person by time", partial(last_per_user, share=share))


def random_ratings(data: Interactions, share: float = TEST_SHARE, *, seed: int) -> Split:
    """Every rating is in the test part with the same chance, whoever gave it."""
    is_test = np.random.default_rng(seed).random(len(data)) < share
    return _split(data, is_test, f"random {share:.0%}", partial(random_ratings, share=share, seed=seed + 1))


def last_overall(data: Interactions, share: float = TEST_SHARE) -> Split:
    """The last ``share`` of all ratings by time: nothing in the training part is younger than the test part."""
    order = np.lexsort((data.item, data.user, data.time))
    is_test = np.zeros(len(data), dtype=np.bool_)
    is_test[order[len(data) - round(share * len(data)) :]] = True
    return _split(data, is_test, f"last {share:.0%} of all ratings by time", partial(last_overall, share=share))
