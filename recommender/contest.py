"""Two or more versions judged on the same ratings of the same people, none of which any of them was fitted on.

Everything is said against the first of them. The figures are those of the versions' twins: a twin is the version
fitted on its training part alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.breakdowns import Group, people_groups
from recommender.algorithms.common_test import CommonTest, KeptFrom, common_test, renumbered
from recommender.algorithms.comparison import Difference, Pair, overlap, paired_differences
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.evaluation import MODEL, RECOMMENDABLE_RATINGS, Observations, observe
from recommender.algorithms.splits import Split
from recommender.dataset import Dataset

MEASURES = (
    "rmse",
    "mae",
    "precision_at_10_rated",
    "recall_at_10_rated",
    "precision_at_10",
    "recall_at_10",
    "ndcg_at_10",
    "hit_rate_at_10",
    "novelty",
    "diversity",
)
SMALLER_IS_BETTER = frozenset({"rmse", "mae"})
# More of them is another list, not a better one.
NEITHER = frozenset({"novelty", "diversity"})
OF_GROUPS = ("rmse", "ndcg_at_10", "recall_at_10")
MAX_PEOPLE = 10_000
# A group with fewer people behind it is left out: its interval would say nothing.
MIN_GROUP = 20
GENRE = "genre: "
RULE = "ratings that none of the versions was fitted on, people solved from what they had rated before"


class NothingInCommon(Exception):
    """There is no rating by which all of the versions could fairly be judged."""


@dataclass(frozen=True, eq=False)
class Contender:
    """A version's twin and what it knows nothing of. ``seed_variances``: by measure, what another seed would change for
    everybody at once; empty where that was never measured."""

    label: str
    twin: TrainedModel
    kept: KeptFrom
    seed_variances: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One measure for everybody or for one group; ``differences`` and ``values`` by label."""

    measure: str
    group: str  # empty for everybody
    of: str  # "", "people" or "films"
    definition: str
    n: int
    values: dict[str, float]
    differences: dict[str, Difference]


@dataclass(frozen=True)
class Contest:
    labels: list[str]
    n_people: int
    n_ratings: int
    n_unknown: int  # ratings left out because not all versions know the film
    rows: list[Row]
    coverage: dict[str, float]
    overlap: dict[str, float]  # mean share of a person's ten places that stay the same
    seeds_known: bool

    def difference(self, label: str, measure: str, group: str = "") -> Difference | None:
        for row in self.rows:
            if row.measure == measure and row.group == group:
                return row.differences.get(label)
        return None

    def as_json(self) -> dict[str, Any]:
        rows = [
            {
                **{name: getattr(row, name) for name in ("measure", "group", "of", "definition", "n", "values")},
                "differences": {
                    label: {**asdict(found), "verdict": "open" if row.measure in NEITHER else found.verdict}
                    for label, found in row.differences.items()
                },
            }
            for row in self.rows
        ]
        names = ("labels", "n_people", "n_ratings", "n_unknown", "coverage", "overlap", "seeds_known")
        return {**{name: getattr(self, name) for name in names}, "rule": RULE, "rows": rows}


def contest(
    contenders: Sequence[Contender],
    dataset: Dataset,
    *,
    seed: int = 0,
    by_genre: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Contest:
    """Judges them all. Raises NothingInCommon. ``progress`` as in ``evaluation``."""
    data, movie_ids = dataset.interactions, dataset.movie_ids
    unseen = [one.kept.unseen(data, movie_ids) for one in contenders]
    rows = [one.twin.rows(movie_ids) for one in contenders]
    test = common_test(data, unseen, [row >= 0 for row in rows])
    people = test.people
    if not len(people):
        raise NothingInCommon("There is no rating that none of these versions was trained on.")
    if len(people) > MAX_PEOPLE:
        people = np.sort(np.random.default_rng(seed).choice(people, MAX_PEOPLE, replace=False))
    seen = []
    for number, (one, numbers, mask) in enumerate(zip(contenders, rows, unseen, strict=True)):
        seen.append(
            observe(
                one.twin,
                _split(test, numbers, one.twin.n_items),
                people,
                trained=~mask[test.rows_given],
                also=_genres(dataset, numbers, one.twin.n_items) if by_genre else (),
                progress=_part(progress, number, len(contenders)),
            )
        )
    labels = [one.label for one in contenders]
    lists = [_film_ids(one.twin, found.lists) for one, found in zip(contenders, seen, strict=True)]
    return Contest(
        labels=labels,
        n_people=len(people),
        n_ratings=int(test.asked.user_counts[people].sum()),
        n_unknown=test.n_unknown,
        rows=_rows(contenders, seen, people_groups(test.given), people, seed),
        coverage=_coverage(labels, lists, movie_ids[test.given.item_counts >= RECOMMENDABLE_RATINGS]),
        overlap={
            label: float(np.nanmean(overlap(lists[0], other)))
            for label, other in zip(labels[1:], lists[1:], strict=True)
        },
        seeds_known=all(one.seed_variances for one in contenders),
    )


def _part(progress: Callable[[float], None] | None, number: int, of: int) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress((number + share) / of)


def _split(test: CommonTest, numbers: NDArray[np.int64], n_items: int) -> Split:
    return Split(renumbered(test.given, numbers, n_items), renumbered(test.asked, numbers, n_items), RULE)


def _genres(dataset: Dataset, numbers: NDArray[np.int64], n_items: int) -> list[Group]:
    known = numbers >= 0
    groups = []
    for column, name in enumerate(dataset.genres.names):
        members = np.zeros(n_items, np.bool_)
        members[numbers[known]] = dataset.genres.membership[known, column] > 0
        groups.append(Group(GENRE + name, "films", f"films of the genre {name}", members))
    return groups


def _film_ids(model: TrainedModel, lists: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(lists >= 0, model.movie_ids[lists], -1)


def _coverage(labels: list[str], lists: list[NDArray[np.int64]], recommendable: NDArray[np.int64]) -> dict[str, float]:
    """Share of the films with enough ratings that stand in at least one of these people's lists."""
    return {
        label: float(np.isin(recommendable, listed).mean()) if len(recommendable) else 0.0
        for label, listed in zip(labels, lists, strict=True)
    }


def _rows(
    contenders: Sequence[Contender],
    seen: Sequence[Observations],
    of_people: list[Group],
    people: NDArray[np.intp],
    seed: int,
) -> list[Row]:
    wanted: list[tuple[str, Group | None]] = [(measure, None) for measure in MEASURES]
    films = [group for group in seen[0].groups if group.of == "films"]
    wanted += [(measure, group) for measure in OF_GROUPS for group in [*of_people, *films]]
    rows = {
        index: Row(measure, group.name if group else "", group.of if group else "", group.definition if group else "",
                   0, {}, {})
        for index, (measure, group) in enumerate(wanted)
    }  # fmt: skip
    for one, found in zip(contenders[1:], seen[1:], strict=True):
        pairs = [
            Pair.of(
                seen[0].figures,
                found.figures,
                measure,
                MODEL,
                films=group.name if group and group.of == "films" else "",
                people=group.members[people] if group and group.of == "people" else None,
                smaller_is_better=measure in SMALLER_IS_BETTER,
                seed_variance=contenders[0].seed_variances.get(measure, 0.0) + one.seed_variances.get(measure, 0.0),
            )
            for measure, group in wanted
        ]
        for index, difference in enumerate(paired_differences(pairs, seed=seed)):
            if difference is None or (wanted[index][1] is not None and difference.n < MIN_GROUP):
                continue
            row = rows[index]
            row.values.update({contenders[0].label: difference.before, one.label: difference.after})
            row.differences[one.label] = difference
    return [
        Row(row.measure, row.group, row.of, row.definition, next(iter(row.differences.values())).n,
            row.values, row.differences)
        for row in rows.values()
        if row.differences
    ]  # fmt: skip
