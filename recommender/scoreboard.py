"""A version's metrics in plain words: titles, targets, and how each figure was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from recommender.models import ModelVersion

Unit = Literal["stars", "share", "bits", "plain"]


@dataclass(frozen=True, slots=True)
class Measure:
    title: str
    unit: Unit
    meaning: str
    target: float | None = None
    smaller_is_better: bool = False
    column: str = ""  # a heading short enough for a table of versions


MEASURES: dict[str, Measure] = {
    "rmse": Measure(
        "RMSE", "stars", "How far predictions are from the given stars; large misses weigh more.", 1.0, True, "RMSE"
    ),
    "precision_at_10_rated": Measure(
        "Precision@10, rated films",
        "share",
        "Of the ten test films we put first for a person, how many they rated 4 or more.",
        0.60,
        column="P@10",
    ),
    "recall_at_10_rated": Measure(
        "Recall@10, rated films",
        "share",
        "Of a person's test films rated 4 or more, how many we put among the first ten.",
        0.40,
        column="R@10",
    ),
    "coverage_at_10": Measure(
        "Coverage@10",
        "share",
        "Of the films with enough ratings, how many are in at least one person's list.",
        0.70,
        column="Coverage",
    ),
    "mae": Measure("MAE", "stars", "The average distance of predictions from the given stars.", None, True),
    "precision_at_10": Measure(
        "Precision@10", "share", "Of the ten places of a list, how many hold a film they liked."
    ),
    "recall_at_10": Measure("Recall@10", "share", "Of the films they liked, how many the list holds."),
    "ndcg_at_10": Measure(
        "NDCG@10", "plain", "Like precision, but the upper places count more. 1 is perfect.", column="NDCG@10"
    ),
    "hit_rate_at_10": Measure("Hit rate@10", "share", "How many lists hold at least one film they liked."),
    "coverage_at_10_all": Measure(
        "Coverage@10, all films", "share", "Of all films, how many are in at least one person's list."
    ),
    "novelty": Measure("Novelty", "bits", "How little known the recommended films are."),
    "diversity": Measure("Diversity", "plain", "How different the films of one list are from each other. 0 is alike."),
}
TARGETS = ["rmse", "precision_at_10_rated", "recall_at_10_rated", "coverage_at_10"]
FULL_CATALOGUE = ["precision_at_10", "recall_at_10", "ndcg_at_10", "hit_rate_at_10"]
BEYOND = ["mae", "coverage_at_10_all", "novelty", "diversity"]

_PASSPORT_WORDS = {
    "protocol": "Protocol",
    "split": "Split",
    "n": "People",
    "interval": "Interval",
    "baseline": "Baseline",
    "seed": "Seed",
    "preset": "Settings",
    "dataset_fingerprint": "Data (fingerprint)",
    "code_version": "Code",
    "libraries": "Computed with",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one version, as it is shown."""

    name: str
    title: str
    meaning: str
    value: str
    target: str
    met: bool | None  # None: there is no target, or no figure
    facts: list[tuple[str, str]]  # interval, people, what others reach on the same data
    passport: list[tuple[str, str]]


def shown(value: float | None, unit: Unit) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return {"stars": f"{value:.3f}", "bits": f"{value:.2f} bits", "plain": f"{value:.3f}"}[unit]


def is_met(name: str, value: float | None) -> bool | None:
    measure = MEASURES[name]
    if measure.target is None or value is None:
        return None
    return value < measure.target if measure.smaller_is_better else value > measure.target


def beside(figure: dict[str, Any], unit: Unit, baseline: str) -> list[tuple[str, str]]:
    """What simpler orders reach on the same data, as a word and a figure; ``baseline`` names the first of them."""
    words = {
        "baseline": baseline.capitalize(),
        "item_mean": "Film mean",
        "random_order": "Random order",
        "perfect_order": "Perfect order",
        "ceiling": "Reachable at most",
        "without_discovery": "Without discovery",
    }
    return [
        (word, shown(figure[key], unit))
        for key, word in words.items()
        # A ceiling that the lists have reached says nothing beside the value.
        if figure.get(key) is not None and not (key == "ceiling" and figure[key] <= (figure.get("value") or 0))
    ]


def figure(version: ModelVersion, name: str) -> Figure:
    measure = MEASURES[name]
    metric: dict[str, Any] = version.metrics.get(name) or {}
    value = metric.get("value")
    facts: list[tuple[str, str]] = []
    if interval := metric.get("interval"):
        facts.append(("95 % interval", f"{shown(interval[0], measure.unit)} to {shown(interval[1], measure.unit)}"))
    facts += beside(metric, measure.unit, str((metric.get("passport") or {}).get("baseline") or "baseline"))
    if metric.get("n") is not None:
        facts.append(("People", f"{metric['n']:,}"))
    target = ""
    if measure.target is not None:
        number = f"{measure.target:.1f}" if measure.unit == "stars" else f"{100 * measure.target:.0f} %"
        target = f"{'below' if measure.smaller_is_better else 'above'} {number}"
    return Figure(
        name=name,
        title=measure.title,
        meaning=measure.meaning,
        value=shown(value, measure.unit),
        target=target,
        met=is_met(name, value),
        facts=facts,
        passport=passport_words(metric.get("passport") or {}),
    )


def passport_words(passport: dict[str, Any]) -> list[tuple[str, str]]:
    """A passport as words and values, the known ones first."""
    known = [(word, passport[key]) for key, word in _PASSPORT_WORDS.items() if passport.get(key) is not None]
    others = [
        (key.replace("_", " "), value)
        for key, value in passport.items()
        if key not in _PASSPORT_WORDS and value is not None
    ]
    return [(word, str(value)) for word, value in known + others]


def figures(version: ModelVersion, names: list[str]) -> list[Figure]:
    """Of the named metrics those that ``version`` has; a target is shown even where its figure is missing."""
    return [figure(version, name) for name in names if name in version.metrics or name in TARGETS]


@dataclass(frozen=True, slots=True)
class MomentNote:
    helps: bool
    text: str


def moment(version: ModelVersion) -> MomentNote | None:
    """What the training found of effects of the moment; None for a version of before they were looked for."""
    found = version.diagnostics.get("moment")
    if not found:
        return None
    if not found["n_people"]:
        return MomentNote(False, "Too few people have rated anything to judge by.")
    low, high = found["interval"]
    difference = found["ndcg_with"] - found["ndcg_without"]
    change = f"{difference:+.4f} [{low:+.4f}, {high:+.4f}]".replace("-", "−")
    words = "They change" if found["helps"] else "They would have changed"
    return MomentNote(found["helps"], f"{words} NDCG@10 by {change} for {found['n_people']:,} people.")


_VOICES = {
    "ranker": "the ranker, which knows pairs of films",
    "ranker_factors": "its factors, which reach further",
    "rating_model": "the rating model: how much more than an average film one will like it",
    "network": "a neural network",
    "moment": "the moment",
}


def voices(version: ModelVersion) -> list[tuple[str, float]]:
    """What the order of a list is made of, and how much each part counts; empty for a version of before it was kept."""
    found = version.diagnostics.get("voices") or {}
    return [(words, float(found[name])) for name, words in _VOICES.items() if name in found]
