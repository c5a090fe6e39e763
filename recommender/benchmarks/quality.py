"""``python3 run.py bench quality``: our models and their peers on public data, each row measured once.

The figures go to quality.json, and from there to a report; a row that is finished is not computed again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from recommender.benchmarks import datasets, report
from recommender.benchmarks.results import Results
from recommender.benchmarks.rows import ROWS, Bench, Row

ROOT = Path(__file__).parents[2]
DATA_SETS = ("ml-100k", "demo", "latest-small", "ml-1m")
DEFAULT_DATA = ("ml-100k", "demo")

Wanted = tuple[str, Path | None]


def main(arguments: Sequence[str] | None = None) -> int:
    var = Path(os.environ.get("CINEMA_VAR") or ROOT / "var")
    options = _options(arguments, var / "benchmarks")
    wanted: list[Wanted] = options.data or [(name, None) for name in DEFAULT_DATA]
    results = Results(options.out / "quality.json")
    problems = []
    for name, folder in wanted:
        try:
            dataset = datasets.read(name, folder, downloads=var / "benchmarks")
        except datasets.DataSetUnavailable as error:
            problems.append(str(error))
            say(str(error))
            continue
        problems += measure(Bench(dataset), results, only=options.only, fresh=options.fresh)
    named = [name for name, _ in wanted]
    for name in results.datasets():
        if name in named:
            say("\n".join(["", report.TITLES[name], "", *report.tables(results.about(name), results.measured(name))]))
    written = report.write(results, options.out)
    if options.docs:
        written += report.write(results, ROOT / "docs")
    for path in written:
        say(f"Written: {path}")
    return 1 if problems else 0


def measure(bench: Bench, results: Results, *, only: Sequence[str], fresh: bool) -> list[str]:
    """Measures the rows that are not finished; returns what failed, each with its reason."""
    dataset = bench.dataset
    results.open(dataset.name, report.about(bench))
    problems = []
    for row in rows_for(bench, only):
        if missing := row.missing():
            say(f"{dataset.name}: without {row.title}, as {', '.join(missing)} is not installed.")
            continue
        if not fresh and row.name in results.measured(dataset.name):
            say(f"{dataset.name}: {row.title} ({row.task}) is there already.")
            continue
        began = time.perf_counter()
        say(f"{dataset.name}: {row.title} ({row.task}) …")
        try:
            figures = row.measure(bench)
        except Exception as error:  # other people's code: the rest must not be lost with it
            if row.is_ours:
                raise
            problems.append(f"{dataset.name}: {row.title} failed: {error!r}")
            say(problems[-1])
            continue
        results.put(dataset.name, row, figures)
        say(f"    {time.perf_counter() - began:.0f} s")
    return problems


def rows_for(bench: Bench, only: Sequence[str]) -> list[Row]:
    """The rows that make sense on this data set, of those asked for."""
    return [
        row
        for row in ROWS
        if (not only or row.name in only)
        and (not row.only_in_time or bench.ranking.in_time)
        and (not row.only_on or bench.dataset.name in row.only_on)
    ]


def _data(text: str) -> Wanted:
    name, _, folder = text.partition("=")
    if name not in DATA_SETS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(DATA_SETS)}")
    if folder and name == "demo":
        raise argparse.ArgumentTypeError("the demo comes with CINÉMA and takes no path")
    if not folder and name not in DEFAULT_DATA:
        raise argparse.ArgumentTypeError(f"{name} needs the folder that it lies in: {name}=PATH")
    return name, Path(folder).expanduser() if folder else None


def _options(arguments: Sequence[str] | None, default_out: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py bench quality", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data",
        action="append",
        type=_data,
        metavar="NAME[=PATH]",
        help="ml-100k (downloaded, or its folder), demo, latest-small=PATH, ml-1m=PATH; may be repeated",
    )
    parser.add_argument("--out", type=Path, default=default_out, metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        choices=[row.name for row in ROWS],
        metavar="NAME",
        help="measure these alone: " + ", ".join(row.name for row in ROWS),
    )
    parser.add_argument("--fresh", action="store_true", help="measure again what is finished")
    parser.add_argument("--docs", action="store_true", help="write the report to docs/ too")
    return parser.parse_args(arguments)


def say(text: str) -> None:
    print(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
