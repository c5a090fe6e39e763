"""What one core can do at most, and how much of it the SGD kernel takes.

Measured, not looked up: multiplications with addition (FMA) on registers alone; bytes a second to memory; bytes a
second when rows of the factors' width are read and written in random order within tables of the factors' size, as SGD
does, with next to no arithmetic. Then the kernel itself, in turns with these.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from benchmarks.made_ratings import Shape, interactions
from benchmarks.rounds import in_turn
from recommender.algorithms.factorization import MatrixFactorizationConfig
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.matrix_factorization import MatrixFactorizationTrainer
from recommender.algorithms.sgd_kernel import AHEAD, row_width

N_FACTORS = 50
# Sums that do not wait for each other: enough to hide the latency of an FMA, few enough for 16 registers.
CHAINS = 10
LANES = (8, 16)
FMA_LOOPS = 4_000_000
MEMORY_BYTES = 512 * 1024**2  # well beyond the caches of a core
WIDTH = row_width(N_FACTORS)
# A rating: two dot products' worth of reading, two rows written; (user, item, value) read.
BYTES_PER_UPDATE = 2 * 2 * 4 * WIDTH + 12
# Multiply and add for the dot product; for each row's float a multiplication and a multiply-add.
FLOPS_PER_UPDATE = 2 * WIDTH + 2 * 3 * WIDTH


def measure(*, quick: bool) -> dict[str, Any]:
    """Limits of one core and the kernel's share of them, at two sizes; medians over the rounds."""
    sizes = {"ml-100k": 100_000} if quick else {"ml-100k": 100_000, "ml-1m": 1_000_000}
    return {name: _of_size(interactions(Shape(n)), rounds=3 if quick else 7) for name, n in sizes.items()}


def _of_size(data: Interactions, rounds: int) -> dict[str, Any]:
    config = MatrixFactorizationConfig(n_factors=N_FACTORS)
    trainer = MatrixFactorizationTrainer(config, data, n_threads=1)
    trainer.train_epoch()
    n = len(data)

    def kernel() -> float:
        started = time.perf_counter()
        trainer.train_epoch()
        return (time.perf_counter() - started) / n * 1e9

    limits: dict[str, Callable[[], float]] = {"kernel": kernel, "rows": _row_bandwidth(data), "memory": _bandwidth()}
    limits |= {f"fma {lanes}": _fma_limit(lanes) for lanes in LANES}
    for limit in limits.values():
        limit()  # compiles
    told = {name: float(np.median(taken)) for name, taken in in_turn(limits, rounds).items()}
    gflops, gbytes = FLOPS_PER_UPDATE / told["kernel"], BYTES_PER_UPDATE / told["kernel"]
    peak = max(told[f"fma {lanes}"] for lanes in LANES)
    table_bytes = 4 * WIDTH * (data.n_users + data.n_items)
    return {
        "ratings": n,
        "table_mib": round(table_bytes / 1024**2, 2),
        "flops_per_update": FLOPS_PER_UPDATE,
        "bytes_per_update": BYTES_PER_UPDATE,
        "kernel_ns": round(told["kernel"], 2),
        "kernel_gflops": round(gflops, 1),
        "kernel_gbytes": round(gbytes, 1),
        "fma_gflops": round(peak, 1),
        "memory_gbytes": round(told["memory"], 1),
        "rows_gbytes": round(told["rows"], 1),
        "of_fma": round(gflops / peak, 3),
        "of_rows": round(gbytes / told["rows"], 3),
        # Were every row fetched from memory: the caches make more possible.
        "of_memory": round(gbytes / told["memory"], 3),
    }


def _fma_limit(lanes: int) -> Callable[[], float]:
    loop = _fma_loop(lanes)
    start = np.linspace(0.5, 1.5, CHAINS * lanes, dtype=np.float32)

    def gflops() -> float:
        started = time.perf_counter()
        loop(FMA_LOOPS, start)
        return 2 * CHAINS * lanes * FMA_LOOPS / (time.perf_counter() - started) / 1e9

    return gflops


def _fma_loop(lanes: int) -> Callable[[int, NDArray[np.float32]], float]:
    """CHAINS vectors, each again and again x ← ½x + ½, all in registers."""
    vector = ir.VectorType(ir.FloatType(), lanes)

    @intrinsic
    def run(typing_context, n, start):  # type: ignore[no-untyped-def]
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            n, array = args
            data = context.make_array(signature.args[1])(context, builder, array).data
            at = builder.bitcast(data, vector.as_pointer())
            word = ir.IntType(64)
            first = [builder.load(builder.gep(at, [ir.Constant(word, c)]), align=4) for c in range(CHAINS)]
            half = ir.Constant(vector, [0.5] * lanes)
            before = builder.block
            body, after = builder.append_basic_block("fma"), builder.append_basic_block("fma.done")
            builder.branch(body)
            builder.position_at_end(body)
            turn = builder.phi(word)
            sums = [builder.phi(vector) for _ in range(CHAINS)]
            # Contracted: one instruction where the processor has it.
            following = [
                builder.fadd(builder.fmul(one, half, flags=("contract",)), half, flags=("contract",)) for one in sums
            ]
            next_turn = builder.add(turn, ir.Constant(word, 1))
            turn.add_incoming(ir.Constant(word, 0), before)
            turn.add_incoming(next_turn, body)
            for one, begin, new in zip(sums, first, following, strict=True):
                one.add_incoming(begin, before)
                one.add_incoming(new, body)
            builder.cbranch(builder.icmp_signed("<", next_turn, n), body, after)
            builder.position_at_end(after)
            total = following[0]
            for one in following[1:]:
                total = builder.fadd(total, one)
            return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

        return types.float32(types.int64, start), codegen

    @numba.njit
    def loop(n, start):  # type: ignore[no-untyped-def]
        return run(n, start)

    called: Callable[[int, NDArray[np.float32]], float] = loop
    return called


@numba.njit(fastmath=True)
def _triad(a, b, c):  # type: ignore[no-untyped-def]
    for i in range(a.shape[0]):
        a[i] = b[i] + np.float32(3) * c[i]


def _bandwidth() -> Callable[[], float]:
    """STREAM's triad (McCalpin 1995): two arrays read, one written; what a write fetches first is not counted."""
    n = MEMORY_BYTES // 12
    a, b, c = (np.full(n, value, np.float32) for value in (0, 1, 2))

    def gbytes() -> float:
        started = time.perf_counter()
        _triad(a, b, c)
        return 12 * n / (time.perf_counter() - started) / 1e9

    return gbytes


@intrinsic
def _touch(typing_context, users, items, user, item, user_ahead, item_ahead):  # type: ignore[no-untyped-def]
    """Adds 1 to both rows, loading all before storing any, and asks for two rows that will come."""
    word, vector = ir.IntType(64), ir.VectorType(ir.FloatType(), 8)
    small, byte = ir.IntType(32), ir.IntType(8).as_pointer()

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def row(which: int, number: Any) -> Any:
            data = context.make_array(signature.args[which])(context, builder, args[which]).data
            return builder.gep(data, [builder.mul(builder.sext(number, word), ir.Constant(word, WIDTH))])

        kind = ir.FunctionType(ir.VoidType(), [byte, small, small, small])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        for which in (0, 1):
            start = builder.bitcast(row(which, args[4 + which]), byte)
            for line in range(0, 4 * WIDTH, 64):
                at = builder.gep(start, [ir.Constant(word, line)])
                builder.call(prefetch, [at, *(ir.Constant(small, value) for value in (1, 3, 1))])
        starts = [builder.bitcast(row(which, args[2 + which]), vector.as_pointer()) for which in (0, 1)]
        places = [builder.gep(start, [ir.Constant(word, v)]) for start in starts for v in range(WIDTH // 8)]
        loaded = [builder.load(place, align=4) for place in places]
        for place, value in zip(places, loaded, strict=True):
            builder.store(builder.fadd(value, ir.Constant(vector, [1.0] * 8)), place, align=4)
        return context.get_dummy_value()

    return types.void(users, items, user, item, user_ahead, item_ahead), codegen


@numba.njit
def _touch_rows(users, items, user, item):  # type: ignore[no-untyped-def]
    n = user.shape[0]
    for t in range(n):
        ahead = min(t + AHEAD, n - 1)
        _touch(users, items, user[t], item[t], user[ahead], item[ahead])


def _row_bandwidth(data: Interactions) -> Callable[[], float]:
    """Both rows of each rating read and written, in random order, one addition for each float; the rows to come are
    prefetched."""
    order = np.random.default_rng(0).permutation(len(data))
    user, item = data.user[order], data.item[order]
    users, items = np.zeros((data.n_users, WIDTH), np.float32), np.zeros((data.n_items, WIDTH), np.float32)

    def gbytes() -> float:
        started = time.perf_counter()
        _touch_rows(users, items, user, item)
        return BYTES_PER_UPDATE * len(user) / (time.perf_counter() - started) / 1e9

    return gbytes
