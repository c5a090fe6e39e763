"""What a search's page shows: its history as a drawing, its trials, parameters and importances as tables."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cinema.plots import Frame, Tick, round_values, side_bars
from mlops.models import Search, Trial
from mlops.tables import Column, Table

WIDTH, HEIGHT = 760, 320
# Where trials without a value stand, above all others: a curve ends in another measure than a trial.
STRIP = 20.0
# From so many judged trials on importances say more than chance does.
MEANINGFUL_TRIALS = 20

State = Trial.State


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    state: str  # complete, pruned or failed
    is_best: bool
    is_outside: bool  # its value lies beyond the edge that it is drawn at
    title: str


@dataclass(frozen=True, slots=True)
class HistoryPlot:
    """Value by trial. ``best_path``: the best so far, as steps."""

    title: str
    description: str
    width: int
    height: int
    frame: Frame
    points: list[Point]
    best_path: str
    preset_y: float | None
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    better: str  # which way
    strip: float | None  # where trials without a value stand, if there are any


def history_plot(search: Search) -> HistoryPlot | None:
    """None before two trials have a value."""
    counted = search.done
    known = [trial.value for trial in counted if trial.value is not None]
    if len(known) < 2:
        return None
    low, high = _range(search, known)
    has_strip = len(known) < len(counted)
    frame = Frame(64.0, WIDTH - 14.0, 2.2 * STRIP if has_strip else 16.0, HEIGHT - 34.0)
    slots = max(len(counted), min(search.max_trials or 0, 60))
    across, up = frame.across(0.5, slots + 0.5), frame.up(low, high)
    best = search.best
    points, path, so_far = [], "", None
    for place, trial in enumerate(counted, start=1):
        x, value = across(place), trial.value
        title = _title(search, trial)
        if value is None:
            points.append(Point(x, STRIP, trial.state, False, False, title))
        else:
            is_best = best is not None and trial.pk == best.pk
            outside = not low <= value <= high
            points.append(Point(x, up(min(high, max(low, value))), trial.state, is_best, outside, title))
            if so_far is None or (value < so_far if search.smaller_is_better else value > so_far):
                so_far = value
        if so_far is not None:
            y = up(min(high, max(low, so_far)))
            path += f"H{x}V{y}" if path else f"M{x} {y}"
    if path:
        path += f"H{across(len(counted) + 0.5)}"
    of_preset = search.of_preset
    every = max(1, -(-slots // 12))
    return HistoryPlot(
        title=f"{search.measure} by trial",
        description=_described(search),
        width=WIDTH,
        height=HEIGHT,
        frame=frame,
        points=points,
        best_path=path,
        preset_y=up(of_preset.value) if of_preset is not None and of_preset.value is not None else None,
        x_ticks=[
            Tick(across(place), str(counted[place - 1].number) if place <= len(counted) else "")
            for place in range(1, slots + 1, every)
        ],
        y_ticks=[Tick(up(value), f"{value:.{3 if high - low >= 0.01 else 4}f}") for value in round_values(low, high)],
        better="down" if search.smaller_is_better else "up",
        strip=STRIP if has_strip else None,
    )


def _range(search: Search, known: Sequence[float]) -> tuple[float, float]:
    """From the best to what is not hopeless: a single wild trial must not press all others together."""
    low, high = min(known), max(known)
    if len(known) >= 4:
        quarter, _, three_quarters = statistics.quantiles(known, n=4)
        reach = 1.5 * (three_quarters - quarter)
        low, high = max(low, quarter - reach), min(high, three_quarters + reach)
    must = [trial.value for trial in (search.best, search.of_preset) if trial is not None and trial.value is not None]
    low, high = min([low, *must]), max([high, *must])
    margin = 0.08 * (high - low) or 0.01
    return low - margin, high + margin


def _title(search: Search, trial: Trial) -> str:
    said = f"Trial {trial.number}, {trial.get_state_display()}"
    if trial.value is not None:
        said += f": {search.measure} {trial.value:.4f}"
    elif trial.curve:
        said += f" when its curve was at {trial.curve[-1][1]:.4f}"
    return said


def _described(search: Search) -> str:
    done, best, preset = search.done, search.best, search.of_preset
    said = f"{len(done)} trials, {sum(trial.state == State.PRUNED for trial in done)} of them pruned."
    if best is not None:
        said += f" The best, number {best.number}, has {best.value:.4f}."
    if preset is not None:
        said += f" The preset has {preset.value:.4f}."
    return said


def trials_table(search: Search) -> Table:
    """Every trial, those that were interrupted too."""
    names = parameter_names(search)
    columns = [
        Column("number", "Trial", number=True),
        Column("state", "State"),
        Column("rmse", "RMSE", number=True),
        Column("ndcg_at_10", "NDCG@10", number=True),
        Column("seconds", "Seconds", number=True),
        *(Column(name, name, number=True) for name in names),
        Column("pruned_at_rmse", "Left at RMSE", number=True),
        Column("error", "Error"),
    ]
    best, preset = search.best, search.of_preset
    rows, cells = [], []
    for trial in search.all_trials:
        left_at = trial.curve[-1][1] if trial.state == State.PRUNED and trial.curve else None
        parameters = [trial.parameters.get(name) for name in names]
        rows.append(
            [trial.number, trial.state, trial.rmse, trial.ndcg, trial.seconds, *parameters, left_at, trial.error]
        )
        state = trial.get_state_display()
        if best is not None and trial.pk == best.pk:
            state = "★ best"
        if preset is not None and trial.pk == preset.pk:
            state += ", the preset"
        cells.append(
            [
                str(trial.number),
                state,
                four(trial.rmse),
                four(trial.ndcg),
                "–" if trial.seconds is None else f"{trial.seconds:.1f}",
                *(plain(value) for value in parameters),
                four(left_at),
                trial.error or "–",
            ]
        )
    return Table("trials", f"Trials of search {search.pk}", columns, rows, cells, "None was begun yet.")


def parameter_names(search: Search) -> list[str]:
    if search.all_trials:
        return list(search.all_trials[0].parameters)
    return list(search.space.parameters) if search.preset_exists else []


def parameters_table(search: Search) -> Table:
    """The best trial's parameters beside the preset's, and what was searched."""
    best = search.best.parameters if search.best is not None else {}
    preset = search.config.as_dict() if search.preset_exists else {}
    space = search.space.parameters if search.preset_exists else {}
    columns = [
        Column("parameter", "Parameter"),
        Column("preset", "Preset", number=True),
        Column("best", "Best trial", number=True),
        Column("searched", "Searched"),
    ]
    rows: list[list[Any]] = [
        [name, preset.get(name), best.get(name), space[name].described if name in space else None]
        for name in parameter_names(search)
    ]
    cells = [
        [str(name), plain(before), _changed(before, after), searched or "–"] for name, before, after, searched in rows
    ]
    return Table("parameters", "The best parameters beside the preset's", columns, rows, cells)


def _changed(before: Any, after: Any) -> str:
    if after is None or after == before:
        return plain(after)
    if isinstance(after, bool) or not isinstance(after, (int, float)) or not isinstance(before, (int, float)):
        return plain(after)
    return f"{plain(after)} {'↑' if after > before else '↓'}"


@dataclass(frozen=True, slots=True)
class ImportanceBar:
    name: str
    share: float
    width: float  # percent


def importance_bars(search: Search) -> list[ImportanceBar]:
    ordered = _by_importance(search)
    shares = [share for _, share in ordered]
    _, bars = side_bars(shares, least=0.0)
    return [ImportanceBar(name, share, bar.width) for (name, share), bar in zip(ordered, bars, strict=True)]


def _by_importance(search: Search) -> list[tuple[str, float]]:
    """Largest first: PostgreSQL keeps the keys of a JSON object in an order of its own."""
    return sorted(((name, float(share)) for name, share in search.importances.items()), key=lambda one: -one[1])


def importances_table(search: Search) -> Table:
    columns = [Column("parameter", "Parameter"), Column("share", "Share", number=True)]
    rows: list[list[Any]] = [[name, share] for name, share in _by_importance(search)]
    cells = [[name, f"{share:.0%}"] for name, share in rows]
    return Table("importances", "How much each parameter matters", columns, rows, cells, "Too few trials.")


def four(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def plain(value: Any) -> str:
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
