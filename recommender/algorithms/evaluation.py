"""Judging a model on its test part. Each figure names its protocol; docs/architecture.md has the definitions.

Rated-items protocol: each person's *test* films, ordered by predicted rating. Full-catalogue protocol: *all* films
that the person has not rated in training, ordered as a list would be. Relevant: rated 4 stars or more. Nothing is
sampled but people, and only where there are more than MAX_PEOPLE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms import metrics
from recommender.algorithms.baselines import fit_biases, popularity
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import FilmModel, history_of
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.metrics import Estimate, K, mean_with_interval, top_k
from recommender.algorithms.splits import Split

MAX_PEOPLE = 10_000
# A film belongs to the recommendable catalogue from this many training ratings on.
RECOMMENDABLE_RATINGS = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """One figure with what is needed to read it."""

    value: float
    interval: tuple[float, float] | None
    n: int
    baseline: float | None
    protocol: str
    baseline_name: str
    extra: dict[str, float] = field(default_factory=dict)


@dataclass
class _Tally:
    """Per-person figures of one ranking, gathered for their means."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float | None) -> None:
        if value is not None:
            self.values.setdefault(name, []).append(value)

    def array(self, name: str) -> Floats:
        return np.array(self.values.get(name, []), dtype=np.float64)

    def mean(self, name: str) -> float | None:
        values = self.array(name)
        return float(values.mean()) if len(values) else None


@dataclass
class _Lists:
    """The films that the top-K lists of everybody held."""

    shown: NDArray[np.bool_]
    tally: _Tally = field(default_factory=_Tally)

    def add(self, ranking: NDArray[np.intp], shares: Floats, films: FilmModel) -> None:
        self.shown[ranking] = True
        self.tally.add("novelty", metrics.novelty(shares[ranking]))
        self.tally.add("diversity", metrics.diversity(films.characters(ranking).astype(np.float64)))


def evaluate(
    model: TrainedModel, split: Split, *, seed: int, progress: Callable[[float], None] | None = None
) -> dict[str, Metric]:
    """All metrics of ``model``, which must have been fitted on ``split.train`` alone.

    ``progress`` is called with the share of people done, for a bar and for cancellation by exception.
    """
    train, test = split.train, split.test
    people = np.flatnonzero(train.user_counts)
    if len(people) > MAX_PEOPLE:
        people = np.sort(np.random.default_rng(seed).choice(people, MAX_PEOPLE, replace=False))
    biases = fit_biases(train)
    popular = popularity(train)
    shares = (train.item_counts + 1) / (len(people) + 1)  # one more on both sides: a film no one rated has a share too
    errors: dict[str, list[float]] = {"squared": [], "absolute": [], "n": [], "base_squared": [], "base_absolute": []}
    ours, theirs, random_order, perfect_order = _Tally(), _Tally(), _Tally(), _Tally()
    plain = _Tally()  # the same lists without discovery slots
    ranked_places, plain_lists = np.zeros(train.n_items, bool), _Lists(np.zeros(train.n_items, bool))
    lists, popular_lists = _Lists(np.zeros(train.n_items, bool)), _Lists(np.zeros(train.n_items, bool))

    for number, user in enumerate(people):
        if progress is not None and number % 50 == 0:
            progress(number / len(people))
        history = history_of(train, user)
        person = model.solve(history)
        scores, popular_scores = model.order_scores(history), popular.copy()
        scores[history.item] = popular_scores[history.item] = -np.inf
        ranking, is_discovery = model.discovery.list_of(scores)
        plain_ranking, popular_ranking = top_k(scores), top_k(popular_scores)
        ranked_places[ranking[~is_discovery]] = True
        plain_lists.add(plain_ranking, shares, model.films)
        lists.add(ranking, shares, model.films)
        popular_lists.add(popular_ranking, shares, model.films)

        rows = test.rows_of(user)
        if not len(rows):
            continue
        items, actual = test.item[rows], test.value[rows].astype(np.float64)
        relevant = actual >= RELEVANT
        predicted = person.predicted_ratings(items)
        baseline = biases.predict(test.user[rows], items)
        for name, difference in (("", predicted - actual), ("base_", baseline - actual)):
            errors[f"{name}squared"].append(float(np.square(difference).sum()))
            errors[f"{name}absolute"].append(float(np.abs(difference).sum()))
        errors["n"].append(len(rows))

        n, n_relevant = len(rows), int(relevant.sum())
        # Ties by film number, not by the order in which the films were rated.
        by_item = np.argsort(items, kind="stable")
        rated = relevant[by_item[np.argsort(-predicted[by_item], kind="stable")]]
        rated_popular = relevant[by_item[np.argsort(-popular[items[by_item]], kind="stable")]]
        for tally, order in ((ours, rated), (theirs, rated_popular)):
            tally.add("precision_at_10_rated", metrics.precision_at_k(order))
            tally.add("recall_at_10_rated", metrics.recall_at_k(order, n_relevant))
        # Expected values of a random order, and the best that any order can reach.
        random_order.add("precision_at_10_rated", n_relevant / n)
        perfect_order.add("precision_at_10_rated", min(n_relevant, K) / min(n, K))
        if n_relevant:
            random_order.add("recall_at_10_rated", min(K, n) / n)
            perfect_order.add("recall_at_10_rated", min(K, n_relevant) / n_relevant)

        liked = items[relevant]
        for tally, listed in ((ours, ranking), (plain, plain_ranking), (theirs, popular_ranking)):
            order = np.isin(listed, liked)
            if n_relevant:
                # Precision over the K places of a list, not over what it might lack.
                tally.add("precision_at_10", float(order.sum()) / K)
            tally.add("recall_at_10", metrics.recall_at_k(order, n_relevant))
            tally.add("ndcg_at_10", metrics.ndcg_at_k(order, n_relevant))
            tally.add("hit_rate_at_10", metrics.hit_rate_at_k(order, n_relevant))
    gathered = _Gathered(errors, ours, plain, theirs, random_order, perfect_order, lists, plain_lists, popular_lists)
    ceiling = _Ceiling(ranked_places, len(people) * model.discovery.slots)
    return _assemble(gathered, ceiling, train, len(people), seed)


@dataclass(frozen=True)
class _Gathered:
    """Everything that the loop over people has counted."""

    errors: dict[str, list[float]]
    ours: _Tally
    plain: _Tally
    theirs: _Tally
    random_order: _Tally
    perfect_order: _Tally
    lists: _Lists
    plain_lists: _Lists
    popular_lists: _Lists


@dataclass(frozen=True)
class _Ceiling:
    """What coverage could reach if each discovery slot showed a film that no ranked place shows."""

    ranked: NDArray[np.bool_]
    places: int

    def of(self, films: NDArray[np.bool_]) -> float:
        return min(1.0, (int(self.ranked[films].sum()) + self.places) / int(films.sum()))


def _assemble(
    gathered: _Gathered, ceiling: _Ceiling, train: Interactions, n_people: int, seed: int
) -> dict[str, Metric]:
    errors, ours, plain, theirs = gathered.errors, gathered.ours, gathered.plain, gathered.theirs
    lists, plain_lists, popular_lists = gathered.lists, gathered.plain_lists, gathered.popular_lists
    result: dict[str, Metric] = {}

    def put(name: str, estimate: Estimate, baseline: float | None, protocol: str, by: str, **extra: Any) -> None:
        if estimate.n:
            given = {key: value for key, value in extra.items() if value is not None}
            result[name] = Metric(estimate.value, estimate.interval, estimate.n, baseline, protocol, by, given)

    n = np.array(errors["n"])
    for name, kind, root in (("rmse", "squared", True), ("mae", "absolute", False)):
        estimate = mean_with_interval(np.array(errors[kind]), n, seed=seed, root=root)
        base = mean_with_interval(np.array(errors[f"base_{kind}"]), n, seed=seed, root=root, resamples=1).value
        protocol = "test ratings, predictions clipped to the scale"
        put(name, estimate, base, protocol, "biases only", test_ratings=float(n.sum()))
    for name in ("precision_at_10_rated", "recall_at_10_rated"):
        put(
            name,
            mean_with_interval(ours.array(name), seed=seed),
            theirs.mean(name),
            "rated items: each person's test films by predicted rating",
            "popularity",
            random_order=gathered.random_order.mean(name),
            perfect_order=gathered.perfect_order.mean(name),
        )
    for name in ("precision_at_10", "recall_at_10", "ndcg_at_10", "hit_rate_at_10"):
        put(
            name,
            mean_with_interval(ours.array(name), seed=seed),
            theirs.mean(name),
            "full catalogue: all films not rated in training",
            "popularity",
            without_discovery=plain.mean(name),
        )
    recommendable = train.item_counts >= RECOMMENDABLE_RATINGS
    for name, films in (("coverage_at_10", recommendable), ("coverage_at_10_all", np.ones(train.n_items, bool))):
        total = int(films.sum())
        if total:
            # No interval: the bootstrap over people is biased for a count of distinct films.
            estimate = Estimate(float(lists.shown[films].sum() / total), None, n_people)
            what = "films with 5 training ratings or more" if name == "coverage_at_10" else "all films"
            put(
                name,
                estimate,
                float(popular_lists.shown[films].sum() / total),
                f"share of {what} in at least one person's top 10",
                "popularity",
                films=float(total),
                ceiling=ceiling.of(films),
                without_discovery=float(plain_lists.shown[films].sum() / total),
            )
    for name in ("novelty", "diversity"):
        protocol = "top-10 lists of all people, " + (
            "mean −log2 of the share of people who rated the film"
            if name == "novelty"
            else "mean pairwise 1 − cosine of films' characters"
        )
        estimate = mean_with_interval(lists.tally.array(name), seed=seed)
        put(name, estimate, popular_lists.tally.mean(name), protocol, "popularity")
    return result
