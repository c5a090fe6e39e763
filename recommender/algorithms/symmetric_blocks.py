"""Symmetric float32 matrices of some thousand rows: their product, factor and inverse, in blocks.

LAPACK's inverse works on one thread here and takes no advantage of symmetry: several times the time and twice the
memory. Blocks are the same on any number of threads, and so is every bit of the result. Of a symmetric matrix the lower
half is what counts, with whole blocks on the diagonal, until ``mirror`` fills in the upper one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Floats = NDArray[np.float32]

# Rows and columns that are worked on at a time.
BLOCK = 256


def shared_out(work: Callable[[int], T], blocks: range) -> list[T]:
    """What each block gives, in their order; numpy lets go of the interpreter while it multiplies."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(work, blocks))


def add_product(right: Floats, to: Floats, *, is_lower: bool = False) -> None:
    """Adds rightᵀ·right, (n, n), to the lower half of ``to``. ``is_lower``: above the diagonal ``right`` is zero."""

    def add(first: int) -> None:
        rows = right[first:] if is_lower else right
        to[first:, first : first + BLOCK] += rows[:, first:].T @ rows[:, first : first + BLOCK]

    shared_out(add, range(0, right.shape[1], BLOCK))


def factorize(matrix: Floats) -> None:
    """Puts L, matrix = LLᵀ, in the place of the lower half. Raises LinAlgError if it is not positive definite."""
    for first in range(0, len(matrix), BLOCK):
        end = min(first + BLOCK, len(matrix))
        corner = matrix[first:end, first:end]
        corner[:] = np.linalg.cholesky(corner)
        below = matrix[end:, first:end]
        below[:] = below @ np.linalg.inv(corner).T
        _subtract_product(below, matrix[end:, end:])


def _subtract_product(left: Floats, from_: Floats) -> None:
    """Takes left·leftᵀ off the lower half of ``from_``."""

    def subtract(first: int) -> None:
        from_[first:, first : first + BLOCK] -= left[first:] @ left[first : first + BLOCK].T

    shared_out(subtract, range(0, len(from_), BLOCK))


def solve_lower(lower: Floats, right: Floats, *, is_lower: bool = False) -> None:
    """Makes ``right`` L⁻¹·right. ``is_lower``: above the diagonal ``right`` is zero."""
    edges = [(first, min(first + BLOCK, len(lower))) for first in range(0, len(lower), BLOCK)]
    inverses = [np.linalg.inv(lower[first:end, first:end]) for first, end in edges]

    def solve(column: int) -> None:
        mine = right[:, column : column + BLOCK]
        top = column if is_lower else 0
        for (first, end), inverse in zip(edges, inverses, strict=True):
            if first > top:
                mine[first:end] -= lower[first:end, top:first] @ mine[top:first]
            if end > top:
                mine[first:end] = inverse @ mine[first:end]

    shared_out(solve, range(0, right.shape[1], BLOCK))


def mirror(matrix: Floats) -> None:
    """Fills in the upper half."""
    for first in range(0, len(matrix), BLOCK):
        end = min(first + BLOCK, len(matrix))
        matrix[first:end, end:] = matrix[end:, first:end].T
