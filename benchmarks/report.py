"""What was measured, as a page to read: docs/benchmarks.md and its plots. Ratios first; nothing is computed here that
is not in speed.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import speed_plots
from benchmarks.targets import LARGE, Verdict, verdicts

Figures = dict[str, Any]

HEAD = """# How fast it is

Measured by `python3 run.py bench --docs`, which writes this page anew: peers and we in the same run on the same
machine, in turns, medians over the rounds. Ratios carry over to other machines better than times do. `--only NAME …`
measures some, `--quick` tries whether all of it works, `--growth 25` goes on to 25 million ratings, and with
`DATABASE_URL` set growth is measured on PostgreSQL, in a database of its own. Everything is in
`var/benchmarks/speed.json`.
"""
MADE = "Ratings are drawn by chance in MovieLens' shape (`benchmarks/made_ratings.py`); real ones are named."


def page(told: dict[str, Any]) -> str:
    """The whole page. ``told``: as speed.json has it."""
    benchmarks: dict[str, Any] = told["benchmarks"]
    parts = [HEAD]
    if any(one.get("quick") for one in benchmarks.values()):
        quick = ", ".join(name for name, one in benchmarks.items() if one.get("quick"))
        parts.append(f"**A quick run, small and noisy**: {quick}.\n")
    parts += ["## The machine\n", *_machines(benchmarks), "", MADE, ""]
    parts += ["## What it must show\n", *_targets(verdicts(figures_of(told))), ""]
    for name, (title, section) in SECTIONS.items():
        one = benchmarks.get(name)
        if one is None:
            continue
        parts.append(f"## {title}\n")
        if "failed" in one:
            parts.append(f"**Failed** at the last try: `{one['failed']}`\n")
        if "figures" in one:
            parts += [*section(one["figures"]), ""]
    return "\n".join(parts).rstrip("\n") + "\n"


def write(told: dict[str, Any], text: str, folder: Path) -> list[Path]:
    """benchmarks.md and its plots in ``folder``; what was written."""
    figures = figures_of(told)
    files = {"benchmarks.md": text}
    if "training" in figures or "serving" in figures:
        files["benchmarks.svg"] = speed_plots.bars(figures)
    if figures.get("growth"):
        files["benchmarks-growth.svg"] = speed_plots.growth(figures["growth"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)
    return [folder / name for name in files]


def figures_of(told: dict[str, Any]) -> Figures:
    return {name: one["figures"] for name, one in told["benchmarks"].items() if "figures" in one}


def targets_for_terminal(told: dict[str, Any]) -> str:
    lines = []
    for verdict in verdicts(figures_of(told)):
        if verdict.measured is not None:
            lines.append(f"{verdict.word:8} {_measured(verdict):>12}  {_goal(verdict):>18}  {verdict.target.title}")
    return "\n".join(lines)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _machines(benchmarks: dict[str, Any]) -> list[str]:
    """Once, if all were measured on the same."""
    by_machine: dict[str, list[str]] = {}
    for name, one in benchmarks.items():
        if "machine" in one:
            by_machine.setdefault(json.dumps(one["machine"], sort_keys=True), []).append(name)
    lines = []
    for text, names in by_machine.items():
        machine = json.loads(text)
        libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
        of = f"{', '.join(names)}: " if len(by_machine) > 1 else ""
        lines.append(
            f"- {of}{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['vectors']}; {machine['system']}, Python {machine['python']}; {libraries}."
        )
    return lines


def _targets(found: Sequence[Verdict]) -> list[str]:
    rows = [[one.target.title, _goal(one), _measured(one), one.word] for one in found]
    said = f"A large set has {LARGE / 1e6:g} million ratings or more; the largest that was measured counts."
    return [*table(["", "target", "measured", ""], rows), "", said]


def _goal(verdict: Verdict) -> str:
    target = verdict.target
    return f"{'at most' if target.low else 'at least'} {target.goal:,g}{_unit(target.unit)}"


def _measured(verdict: Verdict) -> str:
    if verdict.measured is None:
        return "–"
    return f"{verdict.measured:,.{verdict.target.digits}f}{_unit(verdict.target.unit)}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _training(figures: Figures) -> list[str]:
    lines = [
        "One rating update of SGD at 50 factors, learning rate 0.01, regularization 0.02. Peers on one thread; what "
        "is done once for all epochs is left out of everybody's time and stands in the last column, as a share of "
        "our kernel's time over the classic preset's 20 epochs.",
        "",
    ]
    rows = []
    for one in figures.values():
        for name, ns in one["ns_per_update"].items():
            order = f"{one['order_of_kernel']:.3f}" if name == "ours, 1 thread" else ""
            rows.append([f"{one['ratings']:,} ratings: {name}", f"{one['times_ours'][name]:.2f}", f"{ns:.1f}", order])
    lines += table(["", "time ÷ ours on one thread", "ns an update", "shuffling and gathering"], rows)
    lines += _second_core(figures)
    avx = [one["libmf_uses_avx"] for one in figures.values() if one["libmf_uses_avx"] is not None]
    if avx:
        lines += [
            "",
            "LIBMF was built with AVX." if all(avx) else "LIBMF was built **without AVX**: it could be faster.",
        ]
    else:
        lines += ["", "LIBMF is not there: it is built from source, which needs a compiler."]
    return [*lines, "", "![Time of a rating update and requests a second, beside peers](benchmarks.svg)"]


def _roofline(figures: Figures) -> list[str]:
    one = next(iter(figures.values()))
    rows = [
        [
            f"{one['ratings']:,} ratings, factors of {one['table_mib']:g} MiB",
            f"{one['of_rows']:.0%}",
            f"{one['of_fma']:.0%}",
            f"{one['of_memory']:.2f}",
            f"{one['kernel_gbytes']:.1f} of {one['rows_gbytes']:.1f}",
            f"{one['kernel_gflops']:.1f} of {one['fma_gflops']:.1f}",
            f"{one['memory_gbytes']:.1f}",
        ]
        for one in figures.values()
    ]
    return [
        "Limits of one core, measured in the same run: multiply-adds on registers alone, STREAM's triad in memory, "
        "and rows of the factors' width read and written in the kernel's order with next to no arithmetic. An "
        f"update moves {one['bytes_per_update']} bytes and does {one['flops_per_update']} operations, so it is the "
        "rows' way to the core that bounds it. More than 1 × memory means that rows come from the caches.",
        "",
        *table(
            ["", "of rows' bandwidth", "of FMA limit", "× memory bandwidth", "GB/s", "GFLOP/s", "memory GB/s"], rows
        ),
    ]


def _sampler(figures: Figures) -> list[str]:
    rows = [
        [
            f"{one['ratings']:,} ratings",
            f"{one['faster_with_two']:.2f}",
            *(f"{1000 * seconds:.0f}" for seconds in one["seconds_per_sweep"].values()),
            "yes" if one["same_bits"] else "**no**",
        ]
        for one in figures.values()
    ]
    heads = ["", "two threads, times faster", "ms a sweep, one thread", "two threads", "same bits"]
    says = ["A sweep of the Bayesian sampler (16 factors, the default preset).", "", *table(heads, rows)]
    return [*says, *_second_core(figures)]


def _second_core(figures: Figures) -> list[str]:
    gains = [f"{one['machine_with_two']:.2f}" for one in figures.values() if "machine_with_two" in one]
    if not gains:
        return []
    gained = " and ".join(gains)
    return [
        "",
        f"In the same turns, two threads of nothing but products of small matrices did {gained} × what one did.",
    ]


def _ranker(figures: Figures) -> list[str]:
    ours = figures["ours"]
    base = ours["EASE"]["seconds"]
    rows = [[f"ours, {name}", f"{one['ndcg']:.3f}", f"{one['seconds'] / base:.2f}", f"{one['seconds']:.2f}", "", ""]
            for name, one in ours.items()]  # fmt: skip
    rows += [
        [
            name,
            f"{one['ndcg']:.3f}",
            f"{one['seconds'] / base:.2f}",
            f"{one['seconds']:.2f}",
            str(one["iterations"]),
            "yes" if one["reached"] else "no",
        ]
        for name, one in figures["peers"].items()
    ]
    lines = [
        f"Seconds of training to equal NDCG@10, on the demo's real ratings ({figures['ratings']:,} of them for "
        "training; the last fifth of each person's for the test), one thread each, everybody with tuned settings. A "
        "peer trains until it reaches our NDCG or its own best. Ours counts the latest ratings for more, which "
        f"costs no training: without that it has {figures['ours_without_recency_ndcg']:.3f}; popularity has "
        f"{figures['popularity_ndcg']:.3f}.",
        "",
        *table(["", "NDCG@10", "time ÷ ours", "seconds", "iterations", "reaches ours"], rows),
    ]
    return lines if figures["peers"] else [*lines, "", "implicit is not installed: it could not be compared with."]


def _foldin(figures: Figures) -> list[str]:
    rows = [
        [
            f"{row['kind']}, {row['films']:,} films, {row['rated']:,} ratings",
            f"{row['times_floor']:.1f}",
            f"{row['ours_us']:,.0f}",
            f"{row['floor_us']:,.0f}",
            f"{row['solve_us']:,.0f}",
            f"{row['floor_solve_us']:,.0f}",
        ]
        for row in figures["rows"]
    ]
    return [
        "A person solved from their ratings and scored against every film, best ten taken. The floor is the same "
        "solve, product and partition in bare numpy and float32, without the person's habit, variance or noise. "
        "Large catalogues are served from a shortlist instead, where the version has one.",
        "",
        *table(["", "time ÷ floor", "µs, ours", "µs, floor", "of it the solve", "floor's solve"], rows),
        *[f"\nLeft out: {one}." for one in figures["left_out"]],
    ]


def _serving(figures: Figures) -> list[str]:
    rows = [
        [
            name,
            f"{one['of_bare']:.2f}",
            f"{one['per_second']:,.0f}",
            *(f"{one[f'p{p}_ms']:.1f}" for p in (50, 95, 99)),
        ]
        for name, one in figures.items()
    ]
    return [
        "Eight clients, each sending its next request when the last is answered; gunicorn with two processes of "
        "four threads, SQLite at full durability, the load generator on the same cores. The bare view answers ten "
        "dicts through the same authentication.",
        "",
        *table(["", "÷ bare view", "requests/s", "p50 ms", "p95 ms", "p99 ms"], rows),
    ]


def _growth(figures: Figures) -> list[str]:
    lines = [
        "Each step in a process of its own; memory is the peak above what the process held with its libraries and "
        "kernels loaded. Training is reading all ratings and one epoch of the classic preset; its bytes a rating "
        "are without the factors' rows, of which there is one for each person and film. Into a database that "
        "serves, somebody rates every 50 ms meanwhile; from ten million on, a million more go into that database.",
        "",
        "In the plots what grows in proportion rises at 45 degrees. Below a million the lines are flatter: films and "
        "people come with every set, and rows are read by the block, however few. From ten to 25 million an import "
        "takes some percents more than 2.5 times as long, since its indexes are sorted, in n log n.",
        "",
    ]
    for kind, sizes in figures.items():
        found = [sizes[size] for size in sorted(sizes, key=int)]
        rows = [
            [
                f"{one['ratings']:,}",
                f"{one['import']['rows_per_second']:,}",
                f"{one['import']['ratings_per_second']:,}",
                f"{one['import']['peak_mib']:,.0f}",
                f"{one['import_into_serving']['rows_per_second']:,}",
                f"{one['import_into_serving']['longest_wait_ms']:,.0f}",
                f"{one['import_into_serving']['p95_wait_ms']:,.0f}",
            ]
            for one in found
        ]
        heads = [
            "ratings",
            "import rows/s",
            "ratings alone",
            "peak MiB",
            "into serving rows/s",
            "longest wait ms",
            "p95",
        ]
        lines += [f"**{kind}**, import:", "", *table(heads, rows), ""]
        rows = [
            [
                f"{one['ratings']:,}",
                f"{one['train']['bytes_per_rating']:.1f}",
                f"{one['train']['peak_mib']:,.0f}",
                f"{one['train']['factors_mib']:,.0f}",
                *(f"{one['train'][f'{part}_seconds']:.2f}" for part in ("read", "order", "epoch")),
            ]
            for one in found
        ]
        heads = ["ratings", "bytes a rating", "peak MiB", "factors MiB", "read s", "order s", "epoch s"]
        lines += [f"**{kind}**, training:", "", *table(heads, rows), ""]
    return [*lines, "![Seconds and memory by the number of ratings](benchmarks-growth.svg)"]


def _coldstart(figures: Figures) -> list[str]:
    fresh, web = figures["fresh_var"], figures["web_server"]
    return table(
        ["", "seconds", "÷ first answer"],
        [
            ["`manage.py up` on an empty folder: first answer", f"{fresh['first_answer_seconds']:.1f}", "1.0"],
            [
                "first live version, trained on the demo ratings",
                f"{fresh['first_live_version_seconds']:.1f}",
                f"{fresh['first_live_version_seconds'] / fresh['first_answer_seconds']:.1f}",
            ],
            [f"web server, median of {web['starts']}: first answer", f"{web['first_answer_seconds']:.2f}", "1.0"],
            [
                "first recommendation",
                f"{web['first_recommendation_seconds']:.2f}",
                f"{web['first_recommendation_seconds'] / web['first_answer_seconds']:.1f}",
            ],
        ],
    )


def _million(figures: Figures) -> list[str]:
    rows = []
    for name, one in figures.items():
        whole = one["ms"]["every film"]
        for way, ms in one["ms"].items():
            rows.append(
                [
                    f"{name}, {one['films']:,} films: {way}",
                    f"{whole / ms:.1f}",
                    f"{ms:.1f}",
                    f"{one['ms_slowest'][way]:.1f}",
                ]
            )
    same = "; ".join(f"{name}: {one['lists_the_same']}" for name, one in figures.items())
    return [
        "From a person's ratings to the films of their list, 200 ratings, without the database: from a shortlist, "
        "which serves large catalogues, and with every film scored.",
        "",
        *table(["", "times faster than every film", "ms", "slowest ms"], rows),
        "",
        f"Lists that are the same both ways: {same}.",
    ]


def _engines(figures: Figures) -> list[str]:
    rows = []
    for one in figures.values():
        spark, start = one["spark"], one["spark_start"]
        rows.append(
            [
                f"{one['ratings']:,}",
                "–" if spark is None else f"{spark / one['descent']:.1f}",
                "–" if spark is None else f"{spark / one['sampler']:.2f}",
                f"{one['descent']:.1f}",
                f"{one['sampler']:.1f}",
                "–" if spark is None else f"{spark:.1f}",
                "–" if start is None else f"{start:.1f}",
            ]
        )
    heads = ["ratings", "Spark ÷ descent", "Spark ÷ sampler", "descent s", "sampler s", "Spark s", "start of Spark s"]
    return ["Seconds of one fit of films by each engine, on this machine alone.", "", *table(heads, rows)]


def _plain(figures: Figures) -> list[str]:
    """As a table of names and values, for what has no section of its own shape."""
    return table(["", ""], ([name, value] for name, value in _flat(figures)))


def _flat(figures: Figures, before: str = "") -> Iterable[tuple[str, str]]:
    for name, value in figures.items():
        whole = f"{before}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _flat(value, f"{whole}: ")
        else:
            yield whole, f"{value:,}" if isinstance(value, int | float) else str(value)


SECTIONS: dict[str, tuple[str, Callable[[Figures], list[str]]]] = {
    "training": ("Training: SGD beside Surprise and LIBMF", _training),
    "roofline": ("Training: how near to what the core can do", _roofline),
    "sampler": ("Training: the Bayesian sampler on two threads", _sampler),
    "ranker": ("Training: the ranker beside implicit", _ranker),
    "foldin": ("Fold-in and scoring", _foldin),
    "serving": ("Serving", _serving),
    "million": ("A catalogue of a million films", _million),
    "growth": ("Growth", _growth),
    "coldstart": ("Cold start", _coldstart),
    "engines": ("Engines: the built-in ones and Spark", _engines),
    "spark": ("Spark", _plain),
}
