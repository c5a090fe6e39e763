"""Whether the first questions are worth more than asking about the most popular films.

    python -m recommender.benchmarks.first_questions

Newcomers are people left out: each person of the demo is in one of four folds, and asked about films by a version that
was trained on the other three, with the default preset. Of each one's ratings a quarter, drawn at random, is the test
part and never asked about; from the rest they answer, and say "haven't seen it" to all other films. That makes them
look less well-travelled than people are, for all ways of asking alike. They pick up to three groups: those with the
highest sum of (stars − 3.25), by the root of the group's size, of what they could answer.

RMSE is taken of each person's test ratings and averaged over people: pooled over ratings it would be that of a few
who rated thousands of films, and is given beside it. NDCG@10 is that of the list they get, among films that they could
not have answered, a test film of 4 stars or more being relevant. Each person's figures are means over three draws of
their test part. Differences from asking by popularity are paired, 95 %, bootstrap over people.

The meter stands beside what it stands for: newcomers with at least 125 ratings, of which 1, 2 … 100 drawn at random are
known and the rest predicted; what the squared error has fallen by, in units of what 100 ratings take off it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.elicitation import Elicitation
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import Array, History
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.metrics import K, mean_with_interval, ndcg_at_k, top_k
from recommender.algorithms.pipeline import Pipeline
from recommender.algorithms.presets import configuration
from recommender.benchmarks import datasets
from recommender.benchmarks.datasets import DataSet

FOLDS = 4
TEST_SHARE = 0.25
MIN_RATINGS = 20
MAX_QUESTIONS = 40
DRAWS = 3
PICKS = 3
SEED = 0
RESAMPLES = 2000

METER_RATINGS = (0, 1, 2, 3, 5, 10, 20, 50, 100)
MIN_RATINGS_FOR_METER = 125

# Until so many questions were put, or so many answers given.
BUDGETS = {"10 questions": (10, MAX_QUESTIONS), "5 answers": (MAX_QUESTIONS, 5)}

Rows = NDArray[np.int64]
NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Newcomer:
    """``answers``: stars by row of the films that they can answer for. ``test``, ``stars``: (n,)."""

    answers: dict[int, float]
    test: Rows
    stars: Array
    liked: Rows  # films of the groups that they pick


def history(answers: dict[int, float]) -> History:
    """Of answers in their order."""
    n = len(answers)
    return History(
        np.fromiter(answers, np.int64, n),
        np.fromiter(answers.values(), np.float64, n),
        np.zeros(n, np.bool_),
        np.arange(n)[::-1].copy(),
    )


class Asker:
    """A way of choosing the next film: the highest value among well-known films."""

    def __init__(self, name: str, value: Callable[[TrainedModel, Elicitation, Newcomer, History, Rows], Array]) -> None:
        self.name, self.value = name, value


ASKERS = (
    Asker(
        "any well-known film",
        lambda model, questions, newcomer, history, unseen: np.random.default_rng(len(history) + len(unseen)).random(
            len(questions.well_known)
        ),
    ),
    Asker(
        "by popularity",
        lambda model, questions, newcomer, history, unseen: model.films.item_counts[questions.well_known].astype(float),
    ),
    Asker(
        "by chance seen",
        lambda model, questions, newcomer, history, unseen: questions.chance_seen(history.item, unseen, NOTHING),
    ),
    Asker(
        "by movement",
        lambda model, questions, newcomer, history, unseen: questions.movement(model.solve(history)),
    ),
    Asker(
        "by both",
        lambda model, questions, newcomer, history, unseen: questions.values(model.solve(history), unseen, NOTHING),
    ),
    Asker(
        "by chance seen, with picked groups",
        lambda model, questions, newcomer, history, unseen: questions.chance_seen(history.item, unseen, newcomer.liked),
    ),
    Asker(
        "by both, with picked groups",
        lambda model, questions, newcomer, history, unseen: questions.values(
            model.solve(history), unseen, newcomer.liked
        ),
    ),
)
BASELINE = "by popularity"


def versions(dataset: DataSet) -> Iterator[tuple[TrainedModel, Rows]]:
    """Each fold's version, and who was left out of it."""
    data = dataset.interactions
    fold = np.random.default_rng(SEED).permutation(data.n_users) % FOLDS
    for number in range(FOLDS):
        known = data.take(fold[data.user] != number)
        pipeline = Pipeline(
            configuration(None, None),
            known,
            movie_ids=np.arange(data.n_items, dtype=np.int64),
            genres=dataset.genres,
            years=dataset.years,
        )
        for _ in pipeline:
            pass
        assert pipeline.outcome is not None
        yield pipeline.outcome.model, np.flatnonzero((fold == number) & (data.user_counts >= MIN_RATINGS))


def newcomer(data: Interactions, user: int, questions: Elicitation, draw: int = 0) -> Newcomer | None:
    """None where chance leaves nothing to test."""
    rows = data.rows_of(user)
    films, stars = data.item[rows].astype(np.int64), data.value[rows].astype(np.float64)
    in_test = np.random.default_rng((SEED, draw, user)).random(len(rows)) < TEST_SHARE
    if not in_test.any():
        return None
    answers = dict(zip(films[~in_test].tolist(), stars[~in_test].tolist(), strict=True))
    fondness = [
        sum(answers[film] - 3.25 for film in group.films.tolist() if film in answers) / len(group.films) ** 0.5
        for group in questions.groups
    ]
    picks = [number for number in np.argsort(fondness)[::-1][:PICKS].tolist() if fondness[number] > 0]
    liked = np.concatenate([NOTHING, *(questions.groups[number].films for number in picks)])
    return Newcomer(answers, films[in_test], stars[in_test], liked)


def interview(
    model: TrainedModel, questions: Elicitation, person: Newcomer, asker: Asker
) -> dict[str, dict[str, float]]:
    """The figures of one person at each budget."""
    may_ask = ~np.isin(questions.well_known, person.test)
    answers: dict[int, float] = {}
    unseen: list[int] = []
    figures: dict[str, dict[str, float]] = {}
    while True:
        n_asked = len(answers) + len(unseen)
        for name, (most_questions, most_answers) in BUDGETS.items():
            if name not in figures and (n_asked >= most_questions or len(answers) >= most_answers):
                figures[name] = _figures(model, person, answers) | {"questions": n_asked, "answers": len(answers)}
        if len(figures) == len(BUDGETS):
            return figures
        values = asker.value(model, questions, person, history(answers), np.array(unseen, np.int64))
        film = int(questions.well_known[np.where(may_ask, values, -np.inf).argmax()])
        may_ask &= questions.well_known != film
        if film in person.answers:
            answers[film] = person.answers[film]
        else:
            unseen.append(film)


def _figures(model: TrainedModel, person: Newcomer, answers: dict[int, float]) -> dict[str, float]:
    solved = model.solve(history(answers))
    squared = np.square(solved.predicted_ratings(person.test) - person.stars)
    scores = model.order(solved).scores if answers else model.popularity_scores.copy()
    scores[list(person.answers)] = -np.inf
    liked = person.test[person.stars >= RELEVANT]
    ndcg = ndcg_at_k(np.isin(top_k(scores, K), liked), len(liked))
    return {
        "squared": float(squared.sum()),
        "n": float(len(squared)),
        "rmse": float(np.sqrt(squared.mean())),
        "ndcg": np.nan if ndcg is None else ndcg,
    }


Measured = dict[str, dict[str, dict[str, Array]]]  # each figure of each person, (n_people,), by asker, budget and name


def meter(
    model: TrainedModel, questions: Elicitation, data: Interactions, user: int
) -> tuple[list[float], list[float]]:
    """What the meter says and the mean squared error, at each of METER_RATINGS, for one person."""
    rows = np.random.default_rng((SEED, user)).permutation(data.rows_of(user))
    films, stars = data.item[rows].astype(np.int64), data.value[rows].astype(np.float64)
    known, errors = [], []
    for n in METER_RATINGS:
        person = model.solve(history(dict(zip(films[:n].tolist(), stars[:n].tolist(), strict=True))))
        predicted = person.predicted_ratings(films[METER_RATINGS[-1] :])
        known.append(questions.known(person))
        errors.append(float(np.square(predicted - stars[METER_RATINGS[-1] :]).mean()))
    return known, errors


def meter_table(readings: list[tuple[list[float], list[float]]]) -> list[str]:
    """The lines of a Markdown table, over people."""
    known, errors = np.array(readings).mean(axis=0)
    gained = (errors[0] - errors) / (errors[0] - errors[-1])
    return [
        f"| ratings, {len(readings)} people | meter | error taken off |",
        "| --- | --- | --- |",
        *(f"| {n} | {k:.2f} | {g:.2f} |" for n, k, g in zip(METER_RATINGS, known, gained, strict=True)),
    ]


def measure(dataset: DataSet) -> tuple[Measured, list[tuple[list[float], list[float]]]]:
    """Of everybody: the figures of each way of asking, and the readings of the meter."""
    readings = []
    collected: dict[str, dict[str, dict[str, list[float]]]] = {
        asker.name: {budget: {} for budget in BUDGETS} for asker in ASKERS
    }
    for model, left_out in versions(dataset):
        questions = Elicitation(model.films, model.ranker.weights, model.genres, model.n_users)
        for user in left_out.tolist():
            if dataset.interactions.user_counts[user] >= MIN_RATINGS_FOR_METER:
                readings.append(meter(model, questions, dataset.interactions, user))
            drawn = [newcomer(dataset.interactions, user, questions, draw) for draw in range(DRAWS)]
            people = [person for person in drawn if person is not None]
            for asker in ASKERS if people else ():
                interviews = [interview(model, questions, person, asker) for person in people]
                for budget in BUDGETS:
                    for name in interviews[0][budget]:
                        mean = float(np.mean([figures[budget][name] for figures in interviews]))
                        collected[asker.name][budget].setdefault(name, []).append(mean)
    measured = {
        asker: {
            budget: {name: np.array(values) for name, values in figures.items()}
            for budget, figures in of_budget.items()
        }
        for asker, of_budget in collected.items()
    }
    return measured, readings


def table(measured: Measured) -> list[str]:
    """The lines of a Markdown table."""
    lines = [
        "| asked | until | RMSE | less than by popularity | NDCG@10 | more than by popularity | answers | questions "
        "| RMSE, pooled |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for budget in BUDGETS:
        base = measured[BASELINE][budget]
        for asker in measured:
            mine = measured[asker][budget]
            pooled = np.sqrt(mine["squared"].sum() / mine["n"].sum())
            lines.append(
                f"| {asker} | {budget} | {mine['rmse'].mean():.4f} | {_mean(base['rmse'] - mine['rmse'])} "
                f"| {np.nanmean(mine['ndcg']):.4f} | {_mean(mine['ndcg'] - base['ndcg'])} "
                f"| {mine['answers'].mean():.2f} | {mine['questions'].mean():.1f} | {pooled:.4f} |"
            )
    return lines


def _mean(differences: Array) -> str:
    """With its interval, over people of whom the figure is defined."""
    estimate = mean_with_interval(differences[~np.isnan(differences)], seed=SEED, resamples=RESAMPLES)
    assert estimate.interval is not None
    low, high = estimate.interval
    return f"{estimate.value:+.4f} [{low:+.4f}, {high:+.4f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="first_questions", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", default="demo", choices=["demo", "latest-small", "ml-100k", "ml-1m"])
    parser.add_argument("--folder", type=Path, default=None, help="where that data set lies; the demo needs none")
    options = parser.parse_args(arguments)
    try:
        dataset = datasets.read(options.data, options.folder, downloads=Path("var/benchmarks"))
    except datasets.DataSetUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    measured, readings = measure(dataset)
    print("\n".join([*table(measured), "", *meter_table(readings)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
