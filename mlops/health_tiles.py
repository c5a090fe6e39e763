"""What stands at the top of the health page: each thing that is watched with a word for how it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mlops.data_health import Burst, Drift
from mlops.models import HealthPolicy, ShuffleTestResult, Watch
from mlops.serving_health import Step

State = Literal["good", "warn", "bad", "quiet"]
WORDS: dict[State, str] = {"good": "✓ well", "warn": "! look", "bad": "✕ not well", "quiet": "too little to say"}


@dataclass(frozen=True, slots=True)
class Tile:
    title: str
    value: str
    state: State
    text: str

    @property
    def word(self) -> str:
        return WORDS[self.state]


def worst(tiles: list[Tile]) -> State:
    states = {tile.state for tile in tiles}
    order: tuple[State, ...] = ("bad", "warn", "good")
    return next((state for state in order if state in states), "quiet")


def serving_tiles(policy: HealthPolicy, served: Step) -> list[Tile]:
    """Of a stretch of time as one."""
    found = [
        _share("Impersonal lists", served.fallback_share, policy.fallback_share, served.lists,
               "Lists that everybody would get: no version, or nothing known of the person."),
        _share("Errors", served.error_share, policy.error_share, served.handled, "Answers of 500 and above."),
        _time("Lists, 95 % within", served.latency_ms(0.95), policy.slow_ms,
              "Whole requests that a list was made for, as the server measures them."),
        _time("Learned, 95 % within", served.learning_ms(0.95), policy.learning_ms,
              "From a rating until the new list was there."),
    ]  # fmt: skip
    return found


def _share(title: str, value: float | None, limit: float, n: int, text: str) -> Tile:
    if value is None:
        return Tile(title, "–", "quiet", text)
    text = f"{text} Of {n:,}; {100 * limit:g} % are taken for well."
    return Tile(title, f"{100 * value:.1f} %", "good" if value <= limit else "bad", text)


def _time(title: str, value: float | None, limit: float, text: str) -> Tile:
    if value is None:
        return Tile(title, "–", "quiet", text)
    text = f"{text} Up to {limit:g} ms are taken for well."
    return Tile(title, f"{value:.0f} ms", "good" if value <= limit else "bad", text)


def drift_tiles(policy: HealthPolicy, mean: Drift, genres: Drift) -> list[Tile]:
    few = f"{mean.n:,} newer ratings of {mean.people:,} people: too few to tell drift from chance."
    if mean.beyond is None:
        return [Tile("Mean rating", "–", "quiet", few), Tile("Genres", "–", "quiet", few)]
    text = f"{mean.now:.2f} stars since the training, {mean.was:.2f} before; chance alone moves it by {mean.noise:.2f}."
    moved = Tile("Mean rating", f"{mean.moved:+.2f}".replace("-", "−"), "warn" if mean.beyond else "good",
                 f"{text} Up to {policy.mean_drift:g} are taken for well.")  # fmt: skip
    if genres.beyond is None:
        return [moved, Tile("Genres", "–", "quiet", few)]
    text = f"So much of what is rated went to other genres; chance alone moves {100 * genres.noise:.1f} %."
    return [
        moved,
        Tile("Genres", f"{100 * genres.moved:.1f} %", "warn" if genres.beyond else "good",
             f"{text} Up to {100 * policy.genre_drift:g} % beyond chance are taken for well."),
    ]  # fmt: skip


def burst_tile(films: list[Burst], accounts: list[Burst]) -> Tile:
    n = len(films) + len(accounts)
    if not n:
        text = "No film and no account has far more ratings today than its past lets expect."
        return Tile("Bursts", "none", "good", text)
    text = f"{len(films)} films and {len(accounts)} accounts with unusually many ratings."
    return Tile("Bursts", str(n), "warn", text)


def lists_tile(tested: ShuffleTestResult | None) -> Tile:
    title = "Lists against popularity"
    if tested is None:
        return Tile(title, "–", "quiet", "Not tested yet: the worker does, every hour.")
    result: dict[str, Any] | None = tested.result
    if result is None:
        text = f"{tested.n} newly liked films of {tested.people} people: too few to say anything."
        return Tile(title, "–", "quiet", text)
    interval = result["model_interval"]
    text = (
        f"A film that somebody went on to like stood above {100 * result['model']:.0f} % of the others"
        + (f" [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]" if interval else "")
        + f", by popularity above {100 * result['popularity']:.0f} %, by chance above 50 %."
    )
    state: State = "good" if result["beats_popularity"] else "bad" if result["beats_chance"] is False else "warn"
    if result["beats_popularity"] is None and result["beats_chance"]:
        text += " Better than chance; against popularity the difference is not clear."
    return Tile(title, f"{100 * result['model']:.0f} %", state, text)


def agreement_tile(agreement: dict[str, Any] | None) -> Tile:
    title = "Online against retrained"
    if agreement is None:
        return Tile(title, "–", "quiet", "Measured after a training, against the version that was live then.")
    text = (
        f"The last training moved predictions by {agreement['rmse']:.2f} stars and left "
        f"{100 * agreement['overlap_at_10']:.0f} % of ten places, for {agreement['people']} people with "
        f"{agreement['newer_ratings']:,} newer ratings: what was learned at once was that close to it."
    )
    return Tile(title, f"{agreement['rmse']:.2f} stars", "good", text)


def watch_tile(watch: Watch | None) -> Tile:
    title = "Watch over the live version"
    if watch is None:
        return Tile(title, "–", "quiet", "It begins when another version becomes live.")
    states: dict[str, State] = {"watching": "quiet", "passed": "good", "too few": "quiet", "alarm": "bad"}
    trouble = " ".join(one["text"] for one in watch.findings if not one["passed"])
    text = trouble or "It is held against what was live before."
    return Tile(title, watch.get_state_display(), states.get(watch.state, "quiet"), text)
