"""Whether the hour and the day make lists better, on ratings with time stamps.

    python -m recommender.benchmarks.context [--folder FOLDER] [--utc-offset HOURS] [--preset balanced] [--worlds 20]

The demo ratings, and another MovieLens set where its folder is given. The films, the order of lists and the settings of
the effects are fitted and chosen as a training does, on the training part alone (``context_fit`` has the protocol). The
line "validation" is the one that decides. The line "test" is of the test part, with the settings of the highest
validation mean but "off", whatever the decision: what would have been gained or lost.

Two made-up worlds stand beside them (``people_in_context``): one where horror is chosen more on weekend evenings, which
has to be found, and one where those who come then are those who like horror, which must not be taken for an effect.
With ``--worlds``, so many more of either, with other seeds: in how many the effects are switched on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.context import CELLS, ContextEffects, Verdict
from recommender.algorithms.context_fit import OFF, ContextChoice, ContextJudges, ContextSettings, choose_context
from recommender.algorithms.context_learning import Choices, choices_of, learn_effects
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import Array, history_of
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.ordering import Ordering
from recommender.algorithms.pipeline import make_trainer
from recommender.algorithms.presets import PRESETS, configuration
from recommender.algorithms.splits import Split, last_per_user
from recommender.algorithms.tuning import tune, validation_split
from recommender.benchmarks import datasets
from recommender.benchmarks.datasets import DataSet
from recommender.benchmarks.people_in_context import GENRES, PLANTED_CELL, PLANTED_GENRE, World, world

SEED = 0
PLANTED, MADE_UP_PEOPLE = 1.0, 1500
N_SHOWN = 5
# By a file that it must hold.
_FORMS = {"ratings.csv": "latest-small", "ratings.dat": "ml-1m", "u.data": "ml-100k"}


@dataclass(frozen=True, eq=False)
class Measured:
    """``would_be``: the effects with the settings that would be taken if they had to be on."""

    name: str
    choice: ContextChoice
    test: Verdict
    would_be: ContextEffects
    people_in_cells: NDArray[np.int64]  # how many people rated in 0, 1, 2 … cells of time


def liked(ratings: Interactions, utc_offset: int) -> Choices:
    """Those that a list should have shown."""
    return choices_of(ratings.take(ratings.value >= RELEVANT), utc_offset)


def settings_if_on(choice: ContextChoice) -> ContextSettings:
    """Of the highest mean but "off"; the first one where nothing was tried."""
    tried = {settings: ndcg for settings, ndcg in choice.ndcg.items() if settings != OFF}
    return max(tried, key=lambda settings: tried[settings]) if tried else ContextSettings(0.05, 0.25)


def order_scores(ordering: Ordering, known: Interactions, trained: NDArray[np.bool_], user: int) -> Array:
    """What the list of one person is sorted by, −inf for what they rated. ``trained``: (n_users,) whose ratings the
    films were trained on."""
    history = history_of(known, user, trained=bool(trained[user]))
    scores = ordering.order(ordering.films.solve(history)).scores.copy()
    scores[history.item] = -np.inf
    return scores


def measure(dataset: DataSet, preset: str, utc_offset: int) -> Measured:
    """As ``pipeline`` trains, with the effects of context besides."""
    config = configuration(preset, None)
    side = SideInformation(dataset.genres.membership, dataset.years)
    split = last_per_user(dataset.interactions)
    validation = validation_split(split, seed=SEED)
    trainer = make_trainer(config, validation.fit, side)
    for _ in trainer.epochs(None):
        pass
    tuning = tune(trainer.films(), validation, trainer.film_variance(), seed=SEED)
    films = replace(trainer.films(), scales=tuning.scales)
    ordering = Ordering(films, tuning.ranker, tuning.taste_weight)
    choice = choose_context(
        choices_of(validation.known, utc_offset),
        ContextJudges(
            liked(validation.held_out, utc_offset),
            partial(order_scores, ordering, validation.known, ~validation.newcomer),
            ordering.ranked_films,
            seed=SEED,
        ),
        dataset.genres,
    )
    trainer = make_trainer(config, split.train, side)
    for _ in trainer.epochs(None):
        pass
    films = replace(trainer.films(), scales=tuning.scales)
    ordering = Ordering(films, tuning.fit_ranker(split.train), tuning.taste_weight)
    everybody = np.ones(split.train.n_users, np.bool_)
    judges = ContextJudges(
        liked(split.test, utc_offset),
        partial(order_scores, ordering, split.train, everybody),
        ordering.ranked_films,
        seed=SEED,
    )
    return _measured(dataset.name, choice, judges, split, dataset.genres, utc_offset)


def measure_world(name: str, made_up: World) -> Measured:
    """The same with the plain order of a made-up world."""
    judges = _judges_of_world(made_up, made_up.split())
    return _measured(name, choose_in_world(made_up), judges, made_up.split(), made_up.genres, 0)


def choose_in_world(made_up: World) -> ContextChoice:
    """What would be decided there."""
    inner = made_up.split().again()
    return choose_context(choices_of(inner.train), _judges_of_world(made_up, inner), made_up.genres)


def _judges_of_world(made_up: World, split: Split) -> ContextJudges:
    films = np.arange(made_up.interactions.n_items)
    return ContextJudges(liked(split.test, 0), partial(made_up.scores, split.train), films, seed=SEED)


def switched_on(n_worlds: int) -> list[str]:
    """In how many worlds of each sort, one line for each."""
    lines = []
    for name, effect in (("planted", PLANTED), ("confounded", 0.0)):
        worlds = (
            world(MADE_UP_PEOPLE, effect=effect, confounded=not effect, seed=seed) for seed in range(1, n_worlds + 1)
        )
        n_on = sum(choose_in_world(one).verdict.helps for one in worlds)
        lines.append(f"{name}: switched on in {n_on} of {n_worlds} worlds")
    return lines


def _measured(
    name: str, choice: ContextChoice, judges: ContextJudges, split: Split, genres: GenreTable, utc_offset: int
) -> Measured:
    settings, learned_from = settings_if_on(choice), choices_of(split.train, utc_offset)
    effects = learn_effects(learned_from, genres, prior_sd=settings.prior_sd, weight=settings.weight)
    pairs = np.unique(np.stack([learned_from.user, learned_from.cells[:, 0].astype(np.int32)]), axis=1)
    people_in_cells = np.bincount(np.bincount(pairs[0], minlength=split.train.n_users))
    return Measured(name, choice, judges.verdict(judges.ndcg(None), judges.ndcg(effects)), effects, people_in_cells)


def table(measured: Sequence[Measured]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [
        "| ratings | part | settings | NDCG@10 without | with | difference | people | helps |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in measured:
        best = one.choice.best
        chosen = f"best: {_settings(best.prior_sd, best.weight)}"
        on = _settings(one.would_be.prior_sd, one.would_be.weight)
        lines += [_line(one.name, "validation", chosen, one.choice.verdict), _line(one.name, "test", on, one.test)]
    return lines


def _settings(prior_sd: float, weight: float) -> str:
    return f"τ {prior_sd:g}, weight {weight:g}" if weight else "off"


def _line(name: str, part: str, settings: str, verdict: Verdict) -> str:
    low, high = verdict.interval
    helps = "yes" if verdict.helps else "no"
    return (
        f"| {name} | {part} | {settings} | {verdict.ndcg_without:.4f} | {verdict.ndcg_with:.4f} "
        f"| {verdict.difference:+.4f} [{low:+.4f}, {high:+.4f}] | {verdict.n_people} | {helps} |"
    )


def largest(effects: ContextEffects) -> list[str]:
    """The genres that a cell changes most, as "weekend evening: Horror +65 %"."""
    order = np.argsort(-np.abs(effects.genre_effects), axis=None, kind="stable")[:N_SHOWN]
    cells, genres = np.unravel_index(order, effects.genre_effects.shape)
    return [
        f"{CELLS[cell]}: {effects.genres.names[genre]} {np.expm1(float(effects.genre_effects[cell, genre])):+.0%}"
        for cell, genre in zip(cells.tolist(), genres.tolist(), strict=True)
    ]


def report(measured: Sequence[Measured]) -> list[str]:
    lines = table(measured)
    for one in measured:
        several, total = int(one.people_in_cells[2:].sum()), int(one.people_in_cells[1:].sum())
        lines += [
            "",
            f"{one.name}: {several} of {total} people chose in more than one cell of time, and alone say anything.",
            f"  learned: {'; '.join(largest(one.would_be))}",
            f"  verdict: {'on' if one.choice.verdict.helps else 'left off'}",
        ]
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="context", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=None, help="another MovieLens set")
    parser.add_argument("--utc-offset", type=float, default=0.0, help="hours that people's clocks are ahead of UTC")
    parser.add_argument("--preset", default="balanced", choices=[name for name in PRESETS if name != "spark"])
    parser.add_argument("--worlds", type=int, default=0, help="how many more made-up worlds of either sort")
    options = parser.parse_args(arguments)
    utc_offset = round(options.utc_offset * 3600)
    measured = [
        measure_world("planted", world(MADE_UP_PEOPLE, effect=PLANTED, seed=SEED)),
        measure_world("confounded", world(MADE_UP_PEOPLE, confounded=True, seed=SEED)),
    ]
    try:
        measured.append(measure(datasets.read("demo", None, downloads=Path()), options.preset, utc_offset))
        if options.folder is not None:
            form = next((form for file, form in _FORMS.items() if (options.folder / file).exists()), "latest-small")
            dataset = datasets.read(form, options.folder, downloads=Path())
            measured.append(measure(dataset, options.preset, utc_offset))
    except datasets.DataSetUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(report(measured)))
    for one, effect in zip(measured, (PLANTED, 0.0), strict=False):
        learned = float(one.would_be.genre_effects[PLANTED_CELL, PLANTED_GENRE])
        name = f"{GENRES[PLANTED_GENRE]} on {CELLS[PLANTED_CELL]}s"
        print(f"{one.name}: log ratio of {name} {learned:+.2f}, true {effect:+.2f}")
    if options.worlds:
        print("\n".join(switched_on(options.worlds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
