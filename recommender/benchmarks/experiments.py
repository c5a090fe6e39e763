"""Whether the statistics of experiments keep what they promise: how often they err, and how many lists they need.

    python -m recommender.benchmarks.experiments [--experiments 1000] [--seed 1] [--json FILE]

A made-up crowd (``simulated_people``) is shown two rankings, of which one is known to earn 5 % more engagement. What
is measured: how many experiments without an effect stop wrongly though one looks all the time; how many lists it takes
to find the effect, by A/B and by interleaving; how often the interval of SNIPS covers the truth; whether the sample
ratio test is silent when it should be and speaks when it should; and from how many people on anything may be concluded
at all. Everything follows from the seed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from recommender.algorithms.confidence_sequences import ALPHA, mixing_for_effect
from recommender.algorithms.engagement_effects import MIN_PEOPLE
from recommender.algorithms.off_policy import MIN_EFFECTIVE, MIN_EFFECTIVE_PEOPLE
from recommender.algorithms.sample_ratio import ALPHA as SAMPLE_RATIO_ALPHA
from recommender.benchmarks.experiment_trials import (
    Schedule,
    Stop,
    ab_looks,
    first_stop,
    interleaving_looks,
    naked_stop,
    new_policy_value,
    people_at_wrong_stops,
    snips_of_a_log,
    visits,
    warned_after,
)
from recommender.benchmarks.simulated_people import RELATIVE_DIFFERENCE, Crowd, crowd

# Differences that are worth finding, told beforehand: 5 % of the usual engagement, and 0.05 points per list.
POINTS_OF_INTEREST = 0.05
LONG, SHORT = Schedule(200, 120_000), Schedule(200, 20_000)
# Of the search for how many people are needed, with intervals that are tuned to decide early.
AT_ONCE = Schedule(20, 4000)
EFFECTS_AT_ONCE = (0.1, 0.25)
MINIMUMS = (2, 3, 5, 7, 10, 15, 20, 30)
# New policies: the second ranking, drawn as the first was, and with most of the chance on the first few.
OFFSETS = (3.0, 0.5)
LOG_LENGTHS = (100, 10_000)
EDGES = (25.0, 50.0, 100.0, 200.0, 500.0, 10_000.0)
PEOPLE_EDGES = (2.0, 5.0, 10.0, 15.0, 30.0, 100.0, 2000.0)
ASSIGNED, EVERY = 3000, 10

Figures = dict[str, Any]


def generators(seed: int, part: int, n: int) -> Iterator[np.random.Generator]:
    """One for each experiment of a part, so that none depends on how many others there are."""
    return (np.random.default_rng((seed, part, number)) for number in range(n))


def without_effect(people: Crowd, seed: int, n: int) -> Figures:
    """A/A: how many experiments stop, all wrongly, when one looks until the end."""
    mixing = _mixings(people)
    looks = {"ab": ab_looks, "interleaving": interleaving_looks}
    stopped = {f"{name}_{how}": 0 for name in looks for how in ("always_valid", "naked")}
    for rng in generators(seed, 1, n):
        seen = visits(people, LONG, rng)
        for name, look in looks.items():
            effects = list(look(people, seen, LONG, rng, differ=False))
            stopped[f"{name}_always_valid"] += first_stop(effects, mixing[name]) is not None
            stopped[f"{name}_naked"] += naked_stop(effects)
    return {"looks": len(LONG.looks), "lists": LONG.last} | {name: count / n for name, count in stopped.items()}


def with_effect(people: Crowd, seed: int, n: int) -> Figures:
    """How many lists until a decision: of those who never decide, more than the last look."""
    mixing = _mixings(people)
    stops: dict[str, list[Stop | None]] = {"ab": [], "interleaving": []}
    for rng in generators(seed, 2, n):
        long, short = visits(people, LONG, rng), visits(people, SHORT, rng)
        stops["ab"].append(first_stop(ab_looks(people, long, LONG, rng, differ=True), mixing["ab"]))
        looks = interleaving_looks(people, short, SHORT, rng, differ=True)
        stops["interleaving"].append(first_stop(looks, mixing["interleaving"]))
    figures: Figures = {name: _decisions(found) for name, found in stops.items()}
    medians = [figures[name]["median_lists"] for name in stops]
    figures["times_fewer"] = medians[0] / medians[1] if None not in medians else None
    return figures


def _decisions(stops: Sequence[Stop | None]) -> Figures:
    decided = [stop for stop in stops if stop is not None]
    lists = np.array([stop.n_lists if stop else np.inf for stop in stops])
    low, median, high = np.quantile(lists, [0.1, 0.5, 0.9], method="lower").tolist()
    return {
        "decided": len(decided) / len(stops),
        "wrong_direction": sum(stop.estimate < 0 for stop in decided) / len(stops),
        "median_lists": None if np.isinf(median) else int(median),
        "tenth_to_ninetieth": [None if np.isinf(each) else int(each) for each in (low, high)],
        "median_people": int(np.median([stop.n_people for stop in decided])) if decided else None,
    }


def _mixings(people: Crowd) -> dict[str, float]:
    return {
        "ab": mixing_for_effect(RELATIVE_DIFFERENCE * people.rates[0]),
        "interleaving": mixing_for_effect(POINTS_OF_INTEREST),
    }


def few_people(people: Crowd, seed: int, n: int) -> Figures:
    """A/A with intervals tuned to large effects, so that they decide early: how many err under which minimum."""
    figures: Figures = {"minimum": list(MINIMUMS)}
    looks = {"ab": ab_looks, "interleaving": interleaving_looks}
    most: dict[tuple[str, float], list[float]] = {(name, effect): [] for name in looks for effect in EFFECTS_AT_ONCE}
    for rng in generators(seed, 3, n):
        seen = visits(people, AT_ONCE, rng)
        for name, look in looks.items():
            effects = list(look(people, seen, AT_ONCE, rng, differ=False))
            for tuned in EFFECTS_AT_ONCE:
                most[name, tuned].append(people_at_wrong_stops(effects, mixing_for_effect(tuned)))
    for (name, tuned), at in most.items():
        figures[f"{name}_{tuned}"] = [float(np.mean(np.array(at) >= minimum)) for minimum in MINIMUMS]
    return figures


def coverage(people: Crowd, seed: int, n: int) -> list[Figures]:
    """Of logs of all lengths, for each new policy: how many intervals cover what it is worth."""
    found = []
    for part, offset in enumerate(OFFSETS, start=10):
        truth = new_policy_value(people, offset)
        rows = []
        for rng in generators(seed, part, n):
            n_lists = int(np.exp(rng.uniform(*np.log(LOG_LENGTHS))))
            value = snips_of_a_log(people, n_lists, offset, rng)
            if value is None:
                rows.append((0.0, 0.0, 0.0, 0.0))
                continue
            low, high = value.interval
            rows.append((value.effective_sample_size, value.effective_people, low <= truth <= high, value.value))
        lists, crowds, covered, values = np.array(rows).T
        enough = (lists >= MIN_EFFECTIVE) & (crowds >= MIN_EFFECTIVE_PEOPLE)
        found.append(
            {
                "offset": offset,
                "truth": truth,
                "covered": float(covered[enough].mean()),
                "mean_estimate": float(values[enough].mean()),
                "logs": int(enough.sum()),
                "refused": int(n - enough.sum()),
                "by_effective_lists": _covered_within(lists, covered, EDGES),
                "by_effective_people": _covered_within(crowds, covered, PEOPLE_EDGES),
            }
        )
    return found


def _covered_within(of: Any, covered: Any, edges: Sequence[float]) -> list[Figures]:
    bins = [(low, high, (of >= low) & (of < high)) for low, high in pairwise(edges)]
    return [
        {
            "from": low,
            "to": high,
            "logs": int(here.sum()),
            "covered": float(covered[here].mean()) if here.any() else None,
        }
        for low, high, here in bins
    ]


def sample_ratios(seed: int, n: int) -> Figures:
    """How often the test warns of halves, and of 45 to 55 instead, while people are assigned one by one."""
    figures: Figures = {"alpha": SAMPLE_RATIO_ALPHA, "assigned": ASSIGNED}
    for part, (name, share) in enumerate({"halves": 0.5, "bug": 0.45}.items(), start=20):
        warned = [warned_after(share, ASSIGNED, EVERY, rng) for rng in generators(seed, part, n)]
        at = [people for people in warned if people is not None]
        figures[name] = {"warned": len(at) / n, "median_people": float(np.median(at)) if at else None}
    return figures


def measure(seed: int, n: int, people: Crowd | None = None) -> Figures:
    """All of it, of ``n`` experiments each."""
    people = crowd(seed) if people is None else people
    return {
        "seed": seed,
        "experiments": n,
        "alpha": ALPHA,
        "truth": {
            "engagement": list(people.rates),
            "relative_difference": people.relative_difference,
            "mean_preference": people.mean_preference,
            "noise": people.noise,
            "lists_by_form": people.lists_by_form,
        },
        "without_effect": without_effect(people, seed, n),
        "with_effect": with_effect(people, seed, n),
        "few_people": few_people(people, seed, n) | {"chosen": MIN_PEOPLE},
        "snips": coverage(people, seed, n),
        "sample_ratio": sample_ratios(seed, n),
    }


def table(figures: Figures) -> list[str]:
    """The lines of Markdown tables."""
    truth, null, effect = figures["truth"], figures["without_effect"], figures["with_effect"]
    ratio, few = figures["sample_ratio"], figures["few_people"]
    first, second = truth["engagement"]
    lines = [
        f"True engagement per list {first:.4f} and {second:.4f}: {truth['relative_difference']:+.2%}. "
        f"Mean preference {truth['mean_preference']:+.4f} points per list.",
        "",
        f"| of {figures['experiments']} experiments, {null['looks']} looks each | A/B | interleaving |",
        "| --- | --- | --- |",
    ]
    for label, how in (("always-valid interval", "always_valid"), ("p < .05 at any look", "naked")):
        lines.append(
            f"| no effect: wrongly stopped, {label} | {null[f'ab_{how}']:.1%} | {null[f'interleaving_{how}']:.1%} |"
        )
    ways = effect["ab"], effect["interleaving"]
    for label, key, form in (
        ("decided", "decided", "{:.1%}"),
        ("decided in the wrong direction", "wrong_direction", "{:.1%}"),
        ("lists until decided, median", "median_lists", "{:,}"),
        ("people by then, median", "median_people", "{:,}"),
    ):
        cells = ["—" if way[key] is None else form.format(way[key]) for way in ways]
        lines.append(f"| effect: {label} | {cells[0]} | {cells[1]} |")
    lines += [
        "",
        "| SNIPS | worth | mean estimate | covered | logs | refused |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for policy in figures["snips"]:
        lines.append(
            f"| new policy, offset {policy['offset']} | {policy['truth']:.4f} | {policy['mean_estimate']:.4f} "
            f"| {policy['covered']:.1%} | {policy['logs']} | {policy['refused']} |"
        )
    for name in ("lists", "people"):
        lines += ["", f"| effective {name} | " + " | ".join(f"offset {offset}" for offset in OFFSETS) + " |"]
        lines.append("| --- |" + " --- |" * len(OFFSETS))
        for bins in zip(*(policy[f"by_effective_{name}"] for policy in figures["snips"]), strict=True):
            cells = ["—" if each["covered"] is None else f"{each['covered']:.1%} of {each['logs']}" for each in bins]
            lines.append(f"| {bins[0]['from']:.0f} to {bins[0]['to']:.0f} | " + " | ".join(cells) + " |")
    lines += ["", "| wrongly stopped by the fewest people asked for | " + " | ".join(map(str, few["minimum"])) + " |"]
    lines.append("| --- |" + " --- |" * len(few["minimum"]))
    for name in few:
        if name not in ("minimum", "chosen"):
            lines.append(f"| {name.replace('_', ', tuned to ')} | " + " | ".join(f"{x:.1%}" for x in few[name]) + " |")
    lines += ["", "| preference of a list by | lists for the same certainty |", "| --- | --- |"]
    lines += [f"| {form} | {times:.2f} |" for form, times in truth["lists_by_form"].items()]
    lines += ["", f"| sample ratio, α = {ratio['alpha']} | warned | people by then, median |", "| --- | --- | --- |"]
    for label, name in (("halves", "halves"), ("45 to 55", "bug")):
        at = ratio[name]["median_people"]
        lines.append(f"| {label} | {ratio[name]['warned']:.1%} | {'—' if at is None else format(at, ',.0f')} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="experiments", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--experiments", type=int, default=1000, help="of each kind (1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=None, help="where to write the figures")
    options = parser.parse_args(arguments)
    if options.experiments < 1:
        print("At least one experiment.", file=sys.stderr)
        return 1
    figures = measure(options.seed, options.experiments)
    print("\n".join(table(figures)))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
