"""Reading what ``judgement`` has found on the test part, for pages and the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlops.models import Search
from recommender.scoreboard import MEASURES
from recommender.scoreboard import shown as shown_in

WORDS = {"better": "beats", "worse": "is worse than", "open": "cannot be told from"}


@dataclass(frozen=True, slots=True)
class JudgedFigure:
    title: str
    preset: str
    preset_interval: str
    best: str
    best_interval: str


@dataclass(frozen=True, slots=True)
class Judged:
    sentence: str
    trial: int
    at: datetime
    figures: list[JudgedFigure]
    is_old: bool  # a better trial has come since


def verdict(preset: str, judgement: dict[str, Any]) -> str:
    """One sentence: does the best trial beat the preset on the test part?"""
    if judgement["preset"] == judgement["best"]:
        return f"The best trial is the preset {preset} itself: nothing that was tried beats it."
    parts = []
    for name, title in (("rmse", "RMSE"), ("ndcg_at_10", "NDCG@10")):
        one = judgement["differences"][name]
        low, high = one["interval"]
        parts.append(
            f"{WORDS[one['verdict']]} it in {title} ({_signed(one['value'])} [{_signed(low)}, {_signed(high)}])"
        )
    return f"On the test part, trial {judgement['trial']} against the preset {preset}: it {' and '.join(parts)}."


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def shown(search: Search) -> Judged | None:
    if not search.judgement:
        return None
    found = search.judgement
    best = search.best
    return Judged(
        sentence=verdict(search.preset, found),
        trial=found["trial"],
        at=datetime.fromisoformat(found["at"]),
        figures=[_figure(name, found) for name in found["preset"]],
        is_old=best is not None and best.number != found["trial"],
    )


def _figure(name: str, found: dict[str, Any]) -> JudgedFigure:
    measure, preset, best = MEASURES[name], found["preset"][name], found["best"][name]
    return JudgedFigure(
        title=measure.title,
        preset=shown_in(preset["value"], measure.unit),
        preset_interval=_interval(preset, measure.unit),
        best=shown_in(best["value"], measure.unit),
        best_interval=_interval(best, measure.unit),
    )


def _interval(metric: dict[str, Any], unit: Any) -> str:
    if not metric["interval"]:
        return ""
    return " to ".join(shown_in(end, unit) for end in metric["interval"])
