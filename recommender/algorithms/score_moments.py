"""What is summed up of many films once, so that the mean and the spread of anybody's scores cost no pass over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, Floats

_AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over some films' vectors v and tie-breaks t."""

    total: Array  # Σ v, (width,)
    squares: Array  # Σ v vᵀ, (width, width)
    with_ties: Array  # Σ v·t, (width,)
    ties: float  # Σ t
    squared_ties: float  # Σ t²

    @classmethod
    def of(cls, blocks: Floats, ties: Array, inside: NDArray[np.bool_]) -> Moments:
        """``blocks``: vectors, (n_blocks, width, n). ``ties``, ``inside``: (n_blocks · n,); the others do not count."""
        n_blocks, width, n = blocks.shape
        total, squares, with_ties = np.zeros(width), np.zeros((width, width)), np.zeros(width)
        for number in range(n_blocks):
            part = slice(number * n, (number + 1) * n)
            vectors = blocks[number].astype(np.float64)
            vectors *= inside[part]
            total += vectors.sum(axis=1)
            squares += vectors @ vectors.T
            with_ties += vectors @ ties[part]
        counted = ties * inside
        return cls(total, squares, with_ties, float(counted.sum()), float(counted @ counted))

    def along(self, vector: Array) -> tuple[float, float]:
        """Σ and Σ² of v·``vector``."""
        return float(self.total @ vector), float(vector @ self.squares @ vector)

    def of_scores(self, vector: Array, voices: Array, voices_ties: Array, beside: Array) -> tuple[float, float]:
        """Σ and Σ² of v·``vector`` + t, and of what some of the films have besides: ``voices``, with the ties and the
        products of these."""
        total, squares = self.along(vector)
        squares += 2 * float(self.with_ties @ vector) + self.squared_ties
        squares += float(voices @ (voices + 2 * (beside + voices_ties)))
        return total + self.ties + float(voices.sum()), squares


def sums(values: Floats, inside: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """Σ and Σ² of ``values``, ``inside`` alone: by a pass over them."""
    total, squares = 0.0, 0.0
    for first in range(0, len(values), _AT_ONCE):
        some = values[first : first + _AT_ONCE].astype(np.float64)
        if inside is not None:
            some *= inside[first : first + _AT_ONCE]
        total += float(some.sum())
        squares += float(some @ some)
    return total, squares


def mean_and_sd(values: Array) -> tuple[float, float]:
    """Both, of at least one number; what numpy's own ask of each list takes twice as long."""
    mean = float(values.sum()) / len(values)
    apart = values - mean
    return mean, (float(apart @ apart) / len(values)) ** 0.5


def spread(total: float, squares: float, n: int) -> float:
    """Standard deviation of ``n`` numbers."""
    return max(0.0, squares / n - (total / n) ** 2) ** 0.5 if n else 0.0
