"""``python3 run.py bench``: all benchmarks of speed, one after the other, each in a process of its own.

The figures go to speed.json, where those of a benchmark that is not run again stay, and from there to a report. Exit
code 1 if a benchmark failed; the others are measured all the same.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, report
from benchmarks.databases import MISLEADING, ROOT

NAMES = (
    "training", "roofline", "sampler", "ranker", "foldin", "serving", "million", "growth", "coldstart",
    "engines", "spark",
)  # fmt: skip
# It trains the default preset on the demo ratings, which alone takes longer than a quick run may.
NOT_QUICK = ("coldstart",)
# Where nobody has them, they are not missed.
OPTIONAL = ("million", "engines", "spark")
NEEDS = {"engines": "pyspark", "spark": "pyspark"}


def main(arguments: Sequence[str] | None = None) -> int:
    var = Path(os.environ.get("CINEMA_VAR") or ROOT / "var")
    options = _options(arguments)
    path = var / "benchmarks" / "speed.json"
    told = read(path)
    failed = []
    for name in chosen(options.only, quick=options.quick):
        began = time.perf_counter()
        say(f"{name} …")
        extra = {"upto": options.growth} if name == "growth" and options.growth else {}
        outcome = run(name, {"quick": options.quick, **extra})
        seconds = time.perf_counter() - began
        say(f"    {seconds:.0f} s" if "figures" in outcome else f"    failed: {outcome['failed']}")
        if "failed" in outcome:
            failed.append(name)
        about = {"quick": options.quick, "seconds": round(seconds, 1), "machine": machine.described()}
        told["benchmarks"][name] = merged(name, told["benchmarks"].get(name, {}), {**outcome, **about})
        write(told, path)
    text = report.page(told)
    say("\n" + report.targets_for_terminal(told))
    folder = path.parent
    written = [path, *report.write(told, text, folder)]
    if options.docs:
        written += report.write(told, text, ROOT / "docs")
    for one in written:
        say(f"Written: {one}")
    if failed:
        say(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


def available(name: str) -> bool:
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        return False
    return importlib.util.find_spec(f"benchmarks.{name}") is not None


def chosen(only: Sequence[str], *, quick: bool) -> list[str]:
    """What is measured: all that there is, or what was asked for."""
    if only:
        return [name for name in NAMES if name in only]
    return [name for name in NAMES if not (quick and name in NOT_QUICK) and (name not in OPTIONAL or available(name))]


def run(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """``figures``, or ``failed`` with the last line that the benchmark had to say."""
    environment = {key: value for key, value in os.environ.items() if key not in MISLEADING}
    environment["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory(prefix="cinema-bench-") as folder:
        path = Path(folder) / "figures.json"
        command = [sys.executable, "-P", "-m", "benchmarks.one", name, json.dumps(options), str(path)]
        finished = subprocess.run(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        if finished.returncode == 0:
            figures: dict[str, Any] = json.loads(path.read_text())
            return {"figures": figures}
    sys.stderr.write(finished.stderr)
    lines = finished.stderr.strip().splitlines()
    reason = lines[-1] if lines else f"It ended with {finished.returncode} and said nothing."
    # It may go to a page that is published.
    return {"failed": reason.replace(str(ROOT), ".")}


def merged(name: str, before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The newer figures; of growth, those of each database and size. After a failure the older ones stay."""
    if "figures" not in before:
        return now
    if "figures" not in now:
        return {**before, "failed": now["failed"]}
    if name != "growth":
        return now
    figures = {kind: dict(sizes) for kind, sizes in before["figures"].items()}
    for kind, sizes in now["figures"].items():
        figures.setdefault(kind, {}).update(sizes)
    return {**now, "figures": figures}


def read(path: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {"benchmarks": {}}
    return told


def write(told: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(told, indent=1) + "\n")
    beside.replace(path)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: whether it works, not how fast it is")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=NAMES, metavar="NAME", help="these alone: " + ", ".join(NAMES)
    )
    parser.add_argument(
        "--growth", type=float, metavar="MILLIONS", help="growth up to so many million ratings: 10 or 25"
    )
    parser.add_argument("--docs", action="store_true", help="write the report to docs/ too")
    return parser.parse_args(arguments)


def say(text: str) -> None:
    print(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
