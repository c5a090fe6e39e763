"""What a second thread can gain on this machine at all, measured in the same turns as what ours gains: on shared
machines two processors are now and then one and a half."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SIZE = 256  # three matrices that stay in a core's own cache
PRODUCTS = 40

ALONE, TOGETHER = "products, one thread", "products, two threads"


def contestants() -> dict[str, Callable[[], float]]:
    """Seconds for PRODUCTS products of matrices on one thread, and on each of two at once."""
    pool = ThreadPoolExecutor(2)
    left = np.random.default_rng(0).random((SIZE, SIZE), np.float32)

    def multiply(_: int) -> None:
        product = np.empty_like(left)
        for _ in range(PRODUCTS):
            np.matmul(left, left, out=product)

    def alone() -> float:
        started = time.perf_counter()
        multiply(0)
        return time.perf_counter() - started

    def together() -> float:
        started = time.perf_counter()
        list(pool.map(multiply, range(2)))
        return time.perf_counter() - started

    return {ALONE: alone, TOGETHER: together}


def gain(times: dict[str, list[float]]) -> float:
    """How many times as much two threads do as one, by the median round. Takes both out of ``times``."""
    alone, together = np.array(times.pop(ALONE)), np.array(times.pop(TOGETHER))
    return round(float(np.median(2 * alone / together)), 3)
