"""The figures, taken the same way of every model, ours and others'.

Stars: RMSE of predictions clipped to the scale. Lists: over the full catalogue, films rated in training left out;
relevant is a test film rated 4 stars or more; binary gain; over people who have such a film. Nothing is sampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.evaluation import RECOMMENDABLE_RATINGS
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, RELEVANT, Interactions
from recommender.algorithms.metrics import Estimate, K, mean_with_interval, ndcg_at_k, recall_at_k
from recommender.algorithms.splits import Split

BOOTSTRAP_SEED = 0
BOOTSTRAP_RESAMPLES = 2000

Floats = NDArray[np.float64]


class RatingModel(Protocol):
    def fit(self, train: Interactions) -> None: ...

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> Floats:
        """Stars, clipped or not, shape of ``user``."""
        ...


class RankingModel(Protocol):
    def fit(self, train: Interactions) -> None: ...

    def scores(self, user: int) -> Floats:
        """What the person's list is ordered by, (n_items,)."""
        ...

    def list_of(self, scores: Floats) -> NDArray[np.intp]:
        """The ten films to show, best first. ``scores``: −inf for films that may not be shown."""
        ...


def rmse(model: RatingModel, split: Split) -> float:
    return float(np.sqrt(squared_errors(model, split.test).mean()))


def squared_errors(model: RatingModel, test: Interactions) -> Floats:
    """Of each test rating, (n,)."""
    predicted = np.clip(model.predict(test.user, test.item), MIN_RATING, MAX_RATING)
    errors: Floats = np.square(predicted - test.value)
    return errors


def rmse_estimate(squared: Floats, test: Interactions) -> Estimate:
    """The RMSE with its interval, bootstrapped over people. ``squared``: (n,) of the test ratings."""
    people = np.flatnonzero(test.user_counts)
    sums = np.asarray(np.bincount(test.user, squared, test.n_users)[people], np.float64)
    counts = test.user_counts[people].astype(np.float64)
    return mean_with_interval(sums, counts, seed=BOOTSTRAP_SEED, resamples=BOOTSTRAP_RESAMPLES, root=True)


def rmse_difference(first: Floats, second: Floats, test: Interactions) -> Estimate:
    """RMSE of the first less that of the second, for the same test ratings, with its interval bootstrapped over people.

    a − b = (a² − b²) / (a + b); the interval is that of the numerator, beside which the denominator hardly moves.
    """
    people = np.flatnonzero(test.user_counts)
    both = float(np.sqrt(first.mean()) + np.sqrt(second.mean()))
    sums = np.asarray(np.bincount(test.user, (first - second) / both, test.n_users)[people], np.float64)
    counts = test.user_counts[people].astype(np.float64)
    return mean_with_interval(sums, counts, seed=BOOTSTRAP_SEED, resamples=BOOTSTRAP_RESAMPLES)


@dataclass(frozen=True, eq=False)
class ListFigures:
    """``people``: who has a relevant test film, (n,). ``ndcg``, ``precision``, ``recall``: of their lists, (n,)."""

    people: NDArray[np.intp]
    ndcg: Floats
    precision: Floats
    recall: Floats
    coverage: float  # share of films with enough training ratings that are in anybody's list
    coverage_all: float  # share of all films

    def as_dict(self) -> dict[str, Any]:
        return {
            "ndcg": float(self.ndcg.mean()),
            "precision": float(self.precision.mean()),
            "recall": float(self.recall.mean()),
            "coverage": self.coverage,
            "coverage_all": self.coverage_all,
            "n_people": len(self.people),
            "per_person": {"people": self.people.tolist(), "ndcg": [round(value, 6) for value in self.ndcg.tolist()]},
        }


def judge_lists(model: RankingModel, split: Split) -> ListFigures:
    """Everybody with training ratings gets a list; those with a relevant test film are judged by it."""
    train, test = split.train, split.test
    shown = np.zeros(train.n_items, np.bool_)
    rows: list[tuple[int, float, float, float]] = []
    for user in np.flatnonzero(train.user_counts).tolist():
        scores = np.array(model.scores(user), dtype=np.float64)
        scores[train.item[train.rows_of(user)]] = -np.inf
        films = model.list_of(scores)
        shown[films] = True
        asked = test.rows_of(user)
        liked = test.item[asked][test.value[asked] >= RELEVANT]
        ranking, n = np.isin(films, liked), len(liked)
        ndcg, recall = ndcg_at_k(ranking, n), recall_at_k(ranking, n)
        if ndcg is not None and recall is not None:
            # Precision over the K places of a list, not over what it might lack.
            rows.append((user, ndcg, float(ranking.sum()) / K, recall))
    table = np.array(rows).reshape(-1, 4)
    recommendable = train.item_counts >= RECOMMENDABLE_RATINGS
    return ListFigures(
        people=table[:, 0].astype(np.intp),
        ndcg=table[:, 1],
        precision=table[:, 2],
        recall=table[:, 3],
        coverage=float(shown[recommendable].mean()) if recommendable.any() else 0.0,
        coverage_all=float(shown.mean()),
    )


def paired_difference(ours: dict[str, Any], theirs: dict[str, Any]) -> Estimate:
    """Mean difference of NDCG person by person, with its interval. Both: ``per_person`` of ``ListFigures.as_dict``."""
    if ours["people"] != theirs["people"]:
        raise ValueError("the figures are of different people")
    difference = np.array(ours["ndcg"]) - np.array(theirs["ndcg"])
    return mean_with_interval(difference, seed=BOOTSTRAP_SEED, resamples=BOOTSTRAP_RESAMPLES)
