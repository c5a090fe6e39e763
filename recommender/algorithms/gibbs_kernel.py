"""Drawing rows of a factor matrix from their Gaussian conditionals: the inner loop of the Gibbs sampler.

Every row is drawn from its own ratings alone, given the rows of the other side, so rows can be shared out among
threads without changing a single bit of the result: the normal numbers come in from outside.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Outcome = TypeVar("Outcome")

# Blocks of rows that a thread takes at a time: enough of them that no thread waits long for the last.
BLOCKS_PER_THREAD = 8


@dataclass(frozen=True, eq=False)
class Grouped:
    """Ratings grouped by one side: those of row a are at ``starts[a]:starts[a + 1]``.

    ``row``, ``other``: (n,) the row on this and on the other side. ``value``: (n,) stars.
    """

    starts: NDArray[np.int64]
    row: NDArray[np.int32]
    other: NDArray[np.int32]
    value: Array


def grouped(row: NDArray[np.int32], other: NDArray[np.int32], value: NDArray[np.float32], n_rows: int) -> Grouped:
    order = np.argsort(row, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n_rows))]).astype(np.int64)
    return Grouped(starts, row[order], other[order], value[order].astype(np.float64))


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"}, error_model="numpy")
def _draw_rows(first, end, starts, other, residual, weight, vectors, precision, prior_information, normal, out):  # type: ignore[no-untyped-def]
    k = vectors.shape[1]
    a = np.empty((k, k))
    b = np.empty(k)
    for row in range(first, end):
        for f in range(k):
            b[f] = prior_information[row, f]
            for g in range(f + 1):
                a[f, g] = precision[f, g]
        t = starts[row]
        stop = starts[row + 1]
        # Four ratings at a time: each entry of the matrix is then fetched and stored a quarter as often.
        while t + 4 <= stop:
            v0, v1, v2, v3 = vectors[other[t]], vectors[other[t + 1]], vectors[other[t + 2]], vectors[other[t + 3]]
            w0, w1, w2, w3 = weight[t], weight[t + 1], weight[t + 2], weight[t + 3]
            e0, e1, e2, e3 = residual[t], residual[t + 1], residual[t + 2], residual[t + 3]
            for f in range(k):
                s0, s1, s2, s3 = w0 * v0[f], w1 * v1[f], w2 * v2[f], w3 * v3[f]
                b[f] += s0 * e0 + s1 * e1 + s2 * e2 + s3 * e3
                for g in range(f + 1):
                    a[f, g] += s0 * v0[g] + s1 * v1[g] + s2 * v2[g] + s3 * v3[g]
            t += 4
        while t < stop:
            v0 = vectors[other[t]]
            for f in range(k):
                s0 = weight[t] * v0[f]
                b[f] += s0 * residual[t]
                for g in range(f + 1):
                    a[f, g] += s0 * v0[g]
            t += 1
        # A = LLᵀ in place, then x = L⁻ᵀ(L⁻¹b + z) has mean A⁻¹b and covariance A⁻¹.
        for c in range(k):
            s = a[c, c]
            for m in range(c):
                s -= a[c, m] * a[c, m]
            s = math.sqrt(s)
            a[c, c] = s
            inverse = 1.0 / s
            for r in range(c + 1, k):
                x = a[r, c]
                for m in range(c):
                    x -= a[r, m] * a[c, m]
                a[r, c] = x * inverse
        for c in range(k):
            x = b[c]
            for m in range(c):
                x -= a[c, m] * b[m]
            b[c] = x / a[c, c]
        for c in range(k):
            b[c] += normal[row, c]
        for c in range(k - 1, -1, -1):
            x = b[c]
            for m in range(c + 1, k):
                x -= a[m, c] * b[m]
            b[c] = x / a[c, c]
        for c in range(k):
            out[row, c] = b[c]


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
def _squared_errors(first, end, starts, other, residual, rows, vectors, out):  # type: ignore[no-untyped-def]
    for row in range(first, end):
        for t in range(starts[row], starts[row + 1]):
            s = residual[t]
            for f in range(rows.shape[1]):
                s -= rows[row, f] * vectors[other[t], f]
            out[t] = s * s


# Without fastmath, these give what numpy gives, bit by bit.


@numba.njit(nogil=True, cache=True)
def _prepare(begin, stop, value, mean, other, bias, index, weights, residual, weight):  # type: ignore[no-untyped-def]
    for t in range(begin, stop):
        residual[t] = value[t] - mean - bias[other[t]]
        weight[t] = weights[index[t]]


@numba.njit(nogil=True, cache=True)
def _row_sums(first, end, starts, values, out):  # type: ignore[no-untyped-def]
    for row in range(first, end):
        s = 0.0
        for t in range(starts[row], starts[row + 1]):
            s += values[t]
        out[row] = s


# What is done once for each rating is shared out with the rows: in numpy, on one thread, it would take as long as all
# the rest on two. It goes into arrays that are there already (``out``): in new ones, the first write to each page takes
# longer than the arithmetic, and threads wait for one another there.


def prepare(
    ratings: Grouped,
    rows: tuple[int, int],
    mean: float,
    bias: Array,
    weights: Array,
    index: NDArray[np.int32],
    out: tuple[Array, Array],
) -> None:
    """Of the ratings of ``rows`` (the first, and the one after the last): what neither the mean nor the other side's
    ``bias`` (n_other,) explains, and the weight, which is ``weights[index]``."""
    begin, stop = ratings.starts[rows[0]], ratings.starts[rows[1]]
    _prepare(begin, stop, ratings.value, mean, ratings.other, bias, index, weights, *out)


def square_errors(
    ratings: Grouped, rows: tuple[int, int], residual: Array, drawn: Array, vectors: Array, out: tuple[Array, Array]
) -> None:
    """Of the ratings of ``rows``: (residual_t − x_a·v_t)² and its sum for each row, (n,) and (n_rows,). The first of
    ``out`` may be ``residual``."""
    _squared_errors(*rows, ratings.starts, ratings.other, residual, drawn, vectors, out[0])
    _row_sums(*rows, ratings.starts, *out)


class Pool:
    """Threads that draw rows together; the kernels let go of the interpreter while they compute."""

    def __init__(self, n_threads: int | None = None) -> None:
        self.n_threads = n_threads or len(os.sched_getaffinity(0))
        self._executor = ThreadPoolExecutor(self.n_threads) if self.n_threads > 1 else None

    def submit(self, work: Callable[[], Outcome]) -> Future[Outcome]:
        """``work`` by one of the threads while others do what is asked for next; where there is one, at once."""
        if self._executor is not None:
            return self._executor.submit(work)
        done: Future[Outcome] = Future()
        done.set_result(work())
        return done

    def draw_rows(
        self,
        ratings: Grouped,
        residual: Array,
        weight: Array,
        vectors: Array,
        precision: Array,
        prior_information: Array,
        normal: Array,
        before: Callable[[int, int], None] | None = None,
        after: Callable[[int, int, Array], None] | None = None,
    ) -> Array:
        """One draw of each row x_a ~ N(A⁻¹b, A⁻¹), A = Λ + Σ_t w_t v_t v_tᵀ, b = Λm_a + Σ_t w_t e_t v_t, (n_rows, k).

        ``residual`` e, ``weight`` w: (n,) in the order of ``ratings``; ``vectors``: (n_other, k); ``precision`` Λ:
        (k, k); ``prior_information`` Λm: (n_rows, k); ``normal``: (n_rows, k) standard normal numbers. ``before`` and
        ``after`` are called for some rows (the first, the one after the last, and all that are drawn) by the thread
        that draws them, while what they need of the ratings is in its cache.
        """
        out = np.empty_like(normal)
        arguments = (ratings.starts, ratings.other, residual, weight, vectors, precision, prior_information, normal)

        def draw(first: int, end: int) -> None:
            if before is not None:
                before(first, end)
            _draw_rows(first, end, *arguments, out)
            if after is not None:
                after(first, end, out)

        self._share(draw, ratings.starts)
        return out

    def _share(self, work: Callable[[int, int], None], starts: NDArray[np.int64]) -> None:
        n_rows = len(starts) - 1
        if self._executor is None or n_rows < 2:
            work(0, n_rows)
            return
        # Equal work, not equal numbers of rows: a row costs about as much as k/3 ratings besides its own.
        cost = starts + 8 * np.arange(n_rows + 1)
        n_blocks = min(n_rows, BLOCKS_PER_THREAD * self.n_threads)
        edges = np.unique(np.searchsorted(cost, np.linspace(0, cost[-1], n_blocks + 1)))
        futures = [self._executor.submit(work, int(a), int(b)) for a, b in itertools.pairwise(edges)]
        for future in futures:
            future.result()
