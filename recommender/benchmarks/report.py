"""What was measured, as a page to read: docs/quality.md and its plot. Nothing here is computed but intervals."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recommender.algorithms.metrics import mean_with_interval
from recommender.benchmarks.judging import BOOTSTRAP_RESAMPLES, BOOTSTRAP_SEED, paired_difference
from recommender.benchmarks.quality_plot import Bar, Panel, draw
from recommender.benchmarks.results import Measured, Results
from recommender.benchmarks.rows import CONFIDENCE, NEWCOMERS, RANKING, RATING, ROWS, Bench

# GroupLens asks that ml-latest-small be not used for published results: it is printed and goes nowhere else.
PUBLISHED = {
    "ml-100k": "MovieLens 100K",
    "demo": "The demo ratings (MovieLens' small set of 2016)",
    "ml-1m": "MovieLens 1M",
}
TITLES = {**PUBLISHED, "latest-small": "ml-latest-small (not for publication)"}
SHORT = {"ml-100k": "ML-100K", "demo": "demo", "ml-1m": "ML-1M"}

Figures = dict[str, Any]

_METHOD = f"""\
- **RMSE** of predictions clipped to the scale of 0.5 to 5 stars: the mean of the folds and their range, or on a
  single split the 95 % interval (bootstrap over people).
- **NDCG@10, Precision@10, Recall@10** over the full catalogue: all films are ranked, those that the person rated in
  training left out. Relevant is a test film rated 4 stars or more, gain is binary, the mean is over people who have
  such a film. No candidates are sampled.
- **Against the best peer**: the mean difference of NDCG@10 person by person, with its 95 % interval
  ({BOOTSTRAP_RESAMPLES:,} bootstrap draws of people). The best peer is the one with the highest NDCG@10 on the test
  part itself, which favours the peers.
- **Coverage@10**: the share of films with five or more training ratings, and of all films, in somebody's list.
- **Settings** were chosen on slices of the training part that were cut the way the test part was, with other seeds: for
  lists on a random split the mean of three slices, else one; ours always on one, as every training does. Then the
  model was fitted on the whole training part and tested once. On folds this is done anew in each.
- **Fit** is one fit on the training part with the chosen settings, without the choosing, in seconds of processor time
  on one thread. Compare within a table; another machine takes other times.
"""

_CAVEATS = """\
## How to read it

- Splits differ between papers, and so do the films that are ranked, what counts as relevant and what is clipped:
  figures from elsewhere do not belong beside these.
- People rate films at MovieLens page by page, as the site lists them. The films of a page stand together in time, so
  part of what recency gains on the last ratings may be an artefact of how they were gathered. Hence the row without.
- The peers' settings were searched in as many combinations as stand above; a longer search may find better.
- Settings of lists are nearly tied. On ML-100K, settings of implicit ALS within 0.004 of each other on one slice
  reached NDCG@10 from 0.36 to 0.39 on the test part, and ours from 0.395 to 0.41. The intervals above know nothing of
  that choosing: a lead of less than 0.01 means little.
- The test ratings are of films that people chose to rate. How good a list is for somebody, no such figure tells.
- MovieLens: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM TiiS 5, 4,
  Article 19. https://doi.org/10.1145/2827872
"""


def about(bench: Bench) -> dict[str, Any]:
    """What a reader must know of the data set and how it is divided."""
    data, (split,) = bench.dataset.interactions, bench.ranking.splits
    return {
        "fingerprint": bench.dataset.fingerprint,
        "ratings": len(data),
        "people": data.n_users,
        "films": data.n_items,
        "rating_protocol": bench.rating.description,
        "ranking_protocol": bench.ranking.description,
        "ranking_test_ratings": len(split.test),
        "python": platform.python_version(),
    }


def write(results: Results, folder: Path) -> list[Path]:
    """quality.md and quality.svg of the data sets that may be published."""
    found = {name: results.measured(name) for name in PUBLISHED if name in results.datasets()}
    if not found:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    page, plot = folder / "quality.md", folder / "quality.svg"
    page.write_text(render({name: results.about(name) for name in found}, found), encoding="utf-8")
    plot.write_text(picture(found), encoding="utf-8")
    return [page, plot]


def render(abouts: dict[str, dict[str, Any]], measured: dict[str, Measured]) -> str:
    """The page, of the data sets in ``measured``."""
    lines = [
        "# How good it is beside others",
        "",
        "Our models and those of other libraries on the same ratings, divided and judged the same way. Written by",
        "`python3 run.py bench quality --docs`; every figure was measured by that command, none is quoted.",
        "",
        "![RMSE and NDCG@10 of all models, with their ranges](quality.svg)",
        "",
        *_method(abouts),
    ]
    for name in PUBLISHED:
        if name in measured:
            lines += ["", f"## {PUBLISHED[name]}", "", *tables(abouts[name], measured[name])]
    lines += ["", *_not_measured(measured), *_settings(measured), *_versions(abouts, measured)]
    return "\n".join([*lines, _CAVEATS])


def _method(abouts: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["## How it was measured", ""]
    for name, facts in abouts.items():
        parts = f"stars and lists on {facts['rating_protocol']}"
        if facts["rating_protocol"] != facts["ranking_protocol"]:
            parts = f"stars on {facts['rating_protocol']}; lists on {facts['ranking_protocol']}"
        lines += [
            f"- **{PUBLISHED[name]}**: {facts['ratings']:,} ratings by {facts['people']:,} people of "
            f"{facts['films']:,} films.",
            f"  Test part: {parts}.",
        ]
    return [*lines, *_METHOD.splitlines()]


def tables(facts: dict[str, Any], measured: Measured) -> list[str]:
    """All tables of one data set, in Markdown."""
    by_task = {task: _of(measured, task) for task in (RATING, RANKING, CONFIDENCE, NEWCOMERS)}
    lines: list[str] = []
    for task, table in ((RATING, _stars), (RANKING, _lists), (CONFIDENCE, _confidence), (NEWCOMERS, _newcomers)):
        if by_task[task]:
            lines += ["", *table(by_task[task], facts)] if lines else table(by_task[task], facts)
    return lines or ["Nothing measured."]


def _of(measured: Measured, task: str) -> Measured:
    return {name: figures for name, figures in measured.items() if figures["task"] == task}


def _stars(rows: Measured, facts: dict[str, Any]) -> list[str]:
    folds = len(next(iter(rows.values()))["per_split"])
    spread = "range of folds" if folds > 1 else "95 % interval"
    body = []
    for figures in sorted(rows.values(), key=lambda one: -one["rmse"]):
        low, high = _range(figures)
        body.append([_title(figures), f"{figures['rmse']:.4f}", f"{low:.4f} – {high:.4f}", _seconds(figures)])
    return [f"**Stars**: {facts['rating_protocol']}.", "", *_table(["", "RMSE", spread, "fit"], body)]


def _lists(rows: Measured, facts: dict[str, Any]) -> list[str]:
    best = _best_peer(rows)
    body = []
    for figures in sorted(rows.values(), key=lambda one: one["ndcg"]):
        body.append(
            [
                _title(figures),
                f"{figures['ndcg']:.4f}",
                _against(figures, best),
                f"{figures['precision']:.4f}",
                f"{figures['recall']:.4f}",
                f"{figures['coverage']:.3f}",
                f"{figures['coverage_all']:.3f}",
                _seconds(figures),
            ]
        )
    n_people = next(iter(rows.values()))["n_people"]
    headings = [
        "",
        "NDCG@10",
        "against the best peer",
        "Precision@10",
        "Recall@10",
        "Coverage@10",
        "of all films",
        "fit",
    ]
    return [
        f"**Lists**: {facts['ranking_protocol']}; {n_people:,} people have a relevant test film.",
        "",
        *_table(headings, body),
        *_price_of_discovery(rows),
    ]


def _best_peer(rows: Measured) -> Figures | None:
    peers = [figures for figures in rows.values() if not figures["ours"]]
    return max(peers, key=lambda figures: figures["ndcg"], default=None)


def _against(figures: Figures, best: Figures | None) -> str:
    if best is None or not figures["ours"]:
        return "the best peer" if figures is best else ""
    difference = paired_difference(figures["per_person"], best["per_person"])
    interval = difference.interval
    return (
        f"{difference.value:+.4f} [{interval[0]:+.4f}, {interval[1]:+.4f}]" if interval else f"{difference.value:+.4f}"
    )


def _price_of_discovery(rows: Measured) -> list[str]:
    plain, slotted = rows.get("lists-recency", rows.get("lists")), rows.get("lists-discovery")
    if plain is None or slotted is None:
        return []
    lost = paired_difference(slotted["per_person"], plain["per_person"])
    share = f" ({100 * lost.value / plain['ndcg']:+.1f} %)" if plain["ndcg"] else ""
    between = f", 95 % interval {lost.interval[0]:+.4f} to {lost.interval[1]:+.4f}" if lost.interval else ""
    return [
        "",
        f"One discovery in ten places changes NDCG@10 by {lost.value:+.4f}{share}{between}, and Coverage@10 from "
        f"{plain['coverage']:.3f} to {slotted['coverage']:.3f}.",
    ]


def _confidence(rows: Measured, facts: dict[str, Any]) -> list[str]:
    body = []
    for figures in rows.values():
        low, high = figures["interval"]
        body.append(
            [
                _title(figures),
                f"{figures['claimed']:.3f}",
                f"{figures['observed']:.3f} [{low:.3f}, {high:.3f}]",
                f"{figures['gap']:.3f}",
            ]
        )
    return [
        f"**Confidence** that a rating lies within a star of its prediction: {facts['ranking_protocol']}, "
        f"{facts['ranking_test_ratings']:,} ratings. The gap is the mean of "
        "|claimed − observed| over tenths of the claims.",
        "",
        *_table(["", "claimed", "observed", "gap"], body),
    ]


def _newcomers(rows: Measured, facts: dict[str, Any]) -> list[str]:
    body = []
    for figures in rows.values():
        difference = f"{figures['new'] - figures['known']:+.4f}"
        if figures["interval"]:
            low, high = figures["interval"]
            difference += f" [{low:+.4f}, {high:+.4f}]"
        body.append([_title(figures), f"{figures['new']:.4f}", f"{figures['known']:.4f}", difference])
    one = next(iter(rows.values()))
    return [
        f"**People who were not in the training**: RMSE on {facts['ranking_protocol']}, when the films were trained "
        f"without the person's ratings and when with them. Each of {one['n_people']} people is left out once, one part "
        f"in {one['n_parts']} at a time.",
        "",
        *_table(["", "not in the training", "in the training", "difference"], body),
    ]


def _not_measured(measured: dict[str, Measured]) -> list[str]:
    lines = []
    for name, title in PUBLISHED.items():
        if name not in measured:
            how = f"`--data {name}=PATH`" if name == "ml-1m" else f"`--data {name}`"
            lines.append(f"- {title}: was not given ({how}).")
            continue
        tasks = {figures["task"] for figures in measured[name].values()}
        lacking = [
            row.title for row in ROWS if row.task in tasks and not row.is_ours and row.name not in measured[name]
        ]
        if lacking:
            lines.append(f"- {title}: without {', '.join(lacking)}.")
    return ["## Not measured", "", *lines, ""] if lines else []


def _settings(measured: dict[str, Measured]) -> list[str]:
    """What was chosen from what, for each row that chooses."""
    lines = ["## Chosen settings", ""]
    for row in ROWS:
        if row.task not in (RATING, RANKING) or not (len(row.candidates) > 1 or (row.task == RATING and row.is_ours)):
            continue
        chosen = [
            f"{SHORT[name]}: {_chosen(rows[row.name]['settings'])}"
            for name, rows in measured.items()
            if row.name in rows
        ]
        if chosen:
            of = f" (of {len(row.candidates)})" if row.candidates else " (noise scales)"
            lines.append(f"- {row.title}{of}: {'; '.join(chosen)}.")
    return [*lines, ""] if len(lines) > 2 else []


def _chosen(settings: Sequence[dict[str, Any]]) -> str:
    """Each setting once, or its values over the folds."""
    words = []
    for key in settings[0]:
        values = list(dict.fromkeys(one[key] for one in settings))
        words.append(
            f"{key} {' / '.join(f'{value:g}' if isinstance(value, float) else str(value) for value in values)}"
        )
    return ", ".join(words)


def _versions(abouts: dict[str, dict[str, Any]], measured: dict[str, Measured]) -> list[str]:
    versions: dict[str, str] = {}
    for rows in measured.values():
        for figures in rows.values():
            versions |= figures["versions"]
    pythons = sorted({facts["python"] for facts in abouts.values()})
    words = [f"Python {' / '.join(pythons)}", *(f"{name} {version}" for name, version in sorted(versions.items()))]
    return ["## Versions", "", ", ".join(words) + ".", ""]


def picture(measured: dict[str, Measured]) -> str:
    """The plot of the same figures."""
    panels, words = [], []
    for name, rows in measured.items():
        stars = sorted(_of(rows, RATING).values(), key=lambda one: one["rmse"])
        lists = sorted(_of(rows, RANKING).values(), key=lambda one: -one["ndcg"])
        panels.append(
            Panel(f"{SHORT[name]}: RMSE, lower is better", [_bar(one, "rmse", *_range(one)) for one in stars])
        )
        panels.append(
            Panel(f"{SHORT[name]}: NDCG@10, higher is better", [_bar(one, "ndcg", *_spread(one)) for one in lists])
        )
        words += [
            f"{SHORT[name]} {key.upper()} {_words(key, ranked)}" for key, ranked in (("rmse", stars), ("ndcg", lists))
        ]
    return draw(panels, title="Our models beside others: RMSE and NDCG@10", description=". ".join(words) + ".")


def _words(key: str, ranked: Iterable[Figures]) -> str:
    return ", ".join(f"{one['title']} {one[key]:.4f}" for one in ranked)


def _bar(figures: Figures, key: str, low: float, high: float) -> Bar:
    return Bar(figures["title"], figures[key], low, high, figures["ours"])


def _range(figures: Figures) -> tuple[float, float]:
    """Of the folds, or the interval of a single split."""
    low, high = figures.get("interval") or (min(figures["per_split"]), max(figures["per_split"]))
    return low, high


def _spread(figures: Figures) -> tuple[float, float]:
    """The 95 % interval of NDCG over people."""
    estimate = mean_with_interval(np.array(figures["per_person"]["ndcg"]), seed=BOOTSTRAP_SEED)
    return estimate.interval or (figures["ndcg"], figures["ndcg"])


def _title(figures: Figures) -> str:
    return f"**{figures['title']}**" if figures["ours"] else str(figures["title"])


def _seconds(figures: Figures) -> str:
    seconds = figures["fit_seconds"]
    if seconds < 0.01:
        return "< 0.01 s"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The first column is of words, the others of figures."""
    ruler = ["---", *["---:"] * (len(headings) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (headings, ruler, *rows)]
