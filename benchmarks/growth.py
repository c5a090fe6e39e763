"""Time and memory as the ratings grow: importing a set into an empty database and into one that serves, reading the
ratings and training one epoch. Each step has a process of its own; its memory is the peak above what it held when the
libraries and kernels were loaded."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.databases import ROOT, database_kind, own_database
from benchmarks.made_ratings import Shape, write_movielens

# In millions. The larger ones are measured where they are asked for.
SIZES = (0.1, 1.0, 10.0, 25.0)
# What is there already where a set of up to MORE_RATINGS goes into a database that serves. Of larger sets, as many more
# ratings go to where the set itself has just been put.
SERVING_RATINGS, MORE_RATINGS = 100_000, 1_000_000


def measure(*, quick: bool, upto: float = 1.0) -> dict[str, Any]:
    """By database and number of ratings asked for; ``upto`` in millions."""
    figures: dict[str, Any] = {}
    for size in SIZES[:1] if quick else SIZES:
        if size <= upto:
            figures[str(round(size * 1e6))] = _of_size(Shape(round(size * 1e6)))
            print(f"    {size:g} million", flush=True)
    return {database_kind(): figures}


def _of_size(shape: Shape) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="cinema-bench-") as name:
        folder = Path(name)
        write_movielens(shape, folder / "made")
        with own_database(folder / "empty") as environment:
            _step(environment, "prepare")
            imported = _step(environment, "import", str(folder / "made"), "made")
            trained = _step(environment, "train")
            if shape.n_ratings > MORE_RATINGS:
                write_movielens(Shape(MORE_RATINGS, seed=1), folder / "more")
                serving = _into_serving(folder / "more", environment)
        if shape.n_ratings <= MORE_RATINGS:
            with own_database(folder / "serving") as environment:
                _step(environment, "prepare")
                write_movielens(Shape(SERVING_RATINGS, seed=1), folder / "before")
                _step(environment, "import", str(folder / "before"), "before")
                serving = _into_serving(folder / "made", environment)
    n = trained["ratings"]
    return {
        "ratings": n,
        "films": shape.n_films,
        "people": shape.n_people,
        "measured_on": time.strftime("%Y-%m-%d"),
        "import": {
            "seconds": round(imported["seconds"], 2),
            "rows_per_second": round(imported["ratings"] / imported["seconds"]),
            "ratings_per_second": round(imported["ratings"] / imported["rating_seconds"]),
            "peak_mib": round(imported["peak_bytes"] / 1024**2, 1),
        },
        "import_into_serving": serving,
        "train": {
            **{key: round(trained[key], 3) for key in ("seconds", "read_seconds", "order_seconds", "epoch_seconds")},
            "peak_mib": round(trained["peak_bytes"] / 1024**2, 1),
            "factors_mib": round(trained["factor_bytes"] / 1024**2, 1),
            "bytes_per_rating": round((trained["peak_bytes"] - trained["factor_bytes"]) / n, 1),
        },
    }


def _into_serving(made: Path, environment: dict[str, str]) -> dict[str, Any]:
    """While somebody rates every 50 ms, in another process."""
    writer = subprocess.Popen(
        _command("write"), env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    try:
        writer.stdout.readline()
        imported = _step(environment, "import", str(made), "more")
    finally:
        told, _ = writer.communicate()  # ends its standard input
    waits = json.loads(told.splitlines()[-1])
    return {
        "seconds": round(imported["seconds"], 2),
        "rows_per_second": round(imported["ratings"] / imported["seconds"]),
        "ratings_per_second": round(imported["ratings"] / imported["rating_seconds"]),
        "written_meanwhile": waits["written"],
        "longest_wait_ms": round(waits["longest_wait_seconds"] * 1000, 1),
        "p95_wait_ms": round(waits["p95_seconds"] * 1000, 1),
    }


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.growth_step", *arguments]


def _step(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    finished = subprocess.run(
        _command(*arguments), env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    told: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return told
