"""Judging a model on its test part. Each figure names its protocol; docs/architecture.md has the definitions.

Rated-items protocol: each person's *test* films, ordered by predicted rating. Full-catalogue protocol: *all* films
that the person has not rated in training, ordered as a list would be. Relevant: rated 4 stars or more. Nothing is
sampled but people, and only where there are more than MAX_PEOPLE. Every figure is taken over everybody and over the
groups of ``breakdowns``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms import metrics
from recommender.algorithms.baselines import fit_biases, item_means, popularity
from recommender.algorithms.breakdowns import Group, GroupFigure, film_groups, people_groups
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import Person, history_of
from recommender.algorithms.interactions import RELEVANT
from recommender.algorithms.metrics import K, top_k
from recommender.algorithms.person_figures import PersonFigures
from recommender.algorithms.reliability import Reliability, came_true, reliability
from recommender.algorithms.splits import Split

MAX_PEOPLE = 10_000
# A film belongs to the recommendable catalogue from this many training ratings on.
RECOMMENDABLE_RATINGS = 5

# What made the predictions or the order that a figure judges.
MODEL, PLAIN, POPULARITY, ITEM_MEAN, BIASES = "model", "without_discovery", "popularity", "item_mean", "biases"
RANDOM, PERFECT = "random_order", "perfect_order"

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


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
    breakdown: dict[str, GroupFigure] = field(default_factory=dict)  # by the name of the group


@dataclass(frozen=True, eq=False)
class Evaluation:
    metrics: dict[str, Metric]
    reliability: Reliability | None  # None without test ratings
    groups: list[Group]  # that the breakdowns speak of
    n_test_ratings: dict[str, int]  # by the name of the group


@dataclass(frozen=True)
class _Protocol:
    description: str
    baseline: str
    baseline_name: str
    beside: tuple[str, ...]  # other orders whose figure on the same data stands beside the model's
    by_films: bool  # whether it can be restricted to the test films of a group


_STARS = _Protocol("test ratings, predictions clipped to the scale", BIASES, "biases only", (ITEM_MEAN,), True)
_RATED = _Protocol(
    "rated items: each person's test films by predicted rating",
    POPULARITY,
    "popularity",
    (ITEM_MEAN, RANDOM, PERFECT),
    False,
)
_CATALOGUE = _Protocol(
    "full catalogue: all films not rated in training", POPULARITY, "popularity", (ITEM_MEAN, PLAIN), True
)
# The ten places of a list are shared by all films: how many of them hold popular ones is no precision.
_PLACES = _Protocol(_CATALOGUE.description, POPULARITY, "popularity", (ITEM_MEAN, PLAIN), False)
_LISTS = "top-10 lists of all people, "
_NOVELTY = _Protocol(
    _LISTS + "mean −log2 of the share of people who rated the film", POPULARITY, "popularity", (ITEM_MEAN,), False
)
_DIVERSITY = _Protocol(
    _LISTS + "mean pairwise 1 − cosine of films' characters", POPULARITY, "popularity", (ITEM_MEAN,), False
)
_BY_PERSON = {
    "rmse": _STARS,
    "mae": _STARS,
    "precision_at_10_rated": _RATED,
    "recall_at_10_rated": _RATED,
    "precision_at_10": _PLACES,
    "recall_at_10": _CATALOGUE,
    "ndcg_at_10": _CATALOGUE,
    "hit_rate_at_10": _CATALOGUE,
}
_OF_LISTS = {"novelty": _NOVELTY, "diversity": _DIVERSITY}


@dataclass(frozen=True, eq=False)
class Observations:
    """What was found person by person, before anything is added up."""

    people: NDArray[np.intp]  # users that were looked at, ascending
    figures: PersonFigures  # of each of them, in this order
    lists: NDArray[np.int64]  # (n_people, K) rows of films, best first, −1 behind the last
    groups: list[Group]


Progress = Callable[[float], None]


def evaluate(model: TrainedModel, split: Split, *, seed: int, progress: Progress | None = None) -> Evaluation:
    """All metrics of ``model``, which must have been fitted on ``split.train`` alone.

    ``progress`` is called with the share of people done, for a bar and for cancellation by exception.
    """
    people = np.flatnonzero(split.train.user_counts)
    if len(people) > MAX_PEOPLE:
        people = np.sort(np.random.default_rng(seed).choice(people, MAX_PEOPLE, replace=False))
    return _looked(_Judge(model, split, people), progress).evaluation(seed)


def observe(
    model: TrainedModel,
    split: Split,
    people: NDArray[np.intp],
    *,
    trained: Mask,
    also: Sequence[Group] = (),
    progress: Progress | None = None,
) -> Observations:
    """The model's own figures person by person, for ``people``. It must not have been fitted on any rating of
    ``split.test``; ``trained`` says on which of ``split.train`` it was. ``also``: more groups of films to look at."""
    judge = _looked(_Judge(model, split, people, trained, also, alone=True), progress)
    return Observations(judge.people, judge.figures, judge.lists, judge.groups)


def _looked(judge: _Judge, progress: Progress | None) -> _Judge:
    for row, user in enumerate(judge.people):
        if progress is not None and row % 50 == 0:
            progress(row / len(judge.people))
        judge.look_at(row, int(user))
    return judge


class _Judge:
    """Looks at one person after the other, and adds up at the end."""

    def __init__(
        self,
        model: TrainedModel,
        split: Split,
        people: NDArray[np.intp],
        trained: Mask | None = None,
        also: Sequence[Group] = (),
        *,
        alone: bool = False,
    ) -> None:
        """``alone``: without the baselines beside it, and without its claims."""
        train = split.train
        self.alone = alone
        self.model, self.split, self.people = model, split, people
        self.trained = np.ones(len(train), np.bool_) if trained is None else trained
        self.figures = PersonFigures(len(people))
        self.lists = np.full((len(people), K), -1, np.int64)
        self.groups_of_people, self.groups_of_films = people_groups(train), [*film_groups(train), *also]
        self.biases = fit_biases(train)
        self.item_means = item_means(train)
        self.popularity = popularity(train)
        # One more on both sides: a film that no one rated has a share too.
        self.shares = (train.item_counts + 1) / (len(people) + 1)
        self.shown = {order: np.zeros(train.n_items, bool) for order in (MODEL, PLAIN, POPULARITY, ITEM_MEAN)}
        self.ranked_places = np.zeros(train.n_items, bool)
        self.claimed: list[Floats] = []
        self.came_true: list[Mask] = []
        self.claims_of: list[NDArray[np.intp]] = []

    def look_at(self, row: int, user: int) -> None:
        history = history_of(self.split.train, user, trained=self.trained[self.split.train.rows_of(user)])
        person = self.model.solve(history)
        lists = self._lists(self.model.order(person).scores.copy(), history.item)
        self.lists[row, : len(lists[MODEL])] = lists[MODEL]
        for order, listed in lists.items():
            self.shown[order][listed] = True
            if order != PLAIN:
                self.figures.put(row, metrics.novelty(self.shares[listed]), "novelty", order)
                self.figures.put(
                    row, metrics.diversity(self.model.films.characters(listed).astype(np.float64)), "diversity", order
                )
        rows = self.split.test.rows_of(user)
        if not len(rows):
            return
        items, actual = self.split.test.item[rows], self.split.test.value[rows].astype(np.float64)
        predicted = person.predicted_ratings(items)
        relevant = actual >= RELEVANT
        self._judge_stars(row, user, items, predicted, actual)
        if not self.alone:
            self._judge_claims(row, person, items, predicted, actual)
        self._judge_rated_items(row, items, predicted, relevant)
        self._judge_lists(row, lists, items[relevant])

    def _lists(self, scores: Floats, rated: NDArray[np.int64]) -> dict[str, NDArray[np.intp]]:
        scores[rated] = -np.inf
        listed, is_discovery = self.model.discovery.list_of(scores)
        self.ranked_places[listed[~is_discovery]] = True
        if self.alone:
            return {MODEL: listed}
        lists = {MODEL: listed, PLAIN: top_k(scores)}
        for order, of_all in ((POPULARITY, self.popularity), (ITEM_MEAN, self.item_means)):
            others = of_all.copy()
            others[rated] = -np.inf
            lists[order] = top_k(others)
        return lists

    def _judge_stars(self, row: int, user: int, items: NDArray[np.int32], predicted: Floats, actual: Floats) -> None:
        by_order = {MODEL: predicted}
        if not self.alone:
            by_order[BIASES] = self.biases.predict(np.full(len(items), user, np.int32), items)
            by_order[ITEM_MEAN] = self.item_means[items]
        for order, stars in by_order.items():
            self.figures.put_errors(row, stars - actual, order)
            for group in self.groups_of_films:
                inside = group.members[items]
                self.figures.put_errors(row, (stars - actual)[inside], order, group.name)

    def _judge_claims(
        self, row: int, person: Person, items: NDArray[np.int32], predicted: Floats, actual: Floats
    ) -> None:
        sd = self.model.sd(person, items.astype(np.int64))
        self.claimed.append(self.model.uncertainty.confidence(predicted, sd))
        self.came_true.append(came_true(predicted, actual))
        self.claims_of.append(np.full(len(items), row, np.intp))

    def _judge_rated_items(self, row: int, items: NDArray[np.int32], predicted: Floats, relevant: Mask) -> None:
        put = self.figures.put
        n, n_relevant = len(items), int(relevant.sum())
        by_item = np.argsort(items, kind="stable")  # ties by film number, not by the order in which films were rated
        by_order = {MODEL: predicted}
        if not self.alone:
            by_order |= {POPULARITY: self.popularity[items], ITEM_MEAN: self.item_means[items]}
        for order, scores in by_order.items():
            ranking = relevant[by_item[np.argsort(-scores[by_item], kind="stable")]]
            put(row, metrics.precision_at_k(ranking), "precision_at_10_rated", order)
            put(row, metrics.recall_at_k(ranking, n_relevant), "recall_at_10_rated", order)
        # Expected values of a random order, and the best that any order can reach.
        put(row, n_relevant / n, "precision_at_10_rated", RANDOM)
        put(row, min(n_relevant, K) / min(n, K), "precision_at_10_rated", PERFECT)
        if n_relevant:
            put(row, min(K, n) / n, "recall_at_10_rated", RANDOM)
            put(row, min(K, n_relevant) / n_relevant, "recall_at_10_rated", PERFECT)

    def _judge_lists(self, row: int, lists: dict[str, NDArray[np.intp]], liked: NDArray[np.int32]) -> None:
        of_group = {group.name: liked[group.members[liked]] for group in self.groups_of_films}
        for order, listed in lists.items():
            if len(liked):
                # Precision over the K places of a list, not over what it might lack.
                hits = int(np.isin(listed, liked).sum())
                self.figures.put(row, hits / K, "precision_at_10", order)
            for films, wanted in {"": liked, **of_group}.items():
                if not len(wanted):
                    continue  # nothing to be found: not defined
                ranking, n = np.isin(listed, wanted), len(wanted)
                self.figures.put(row, metrics.recall_at_k(ranking, n), "recall_at_10", order, films)
                self.figures.put(row, metrics.ndcg_at_k(ranking, n), "ndcg_at_10", order, films)
                self.figures.put(row, metrics.hit_rate_at_k(ranking, n), "hit_rate_at_10", order, films)

    # Adding up

    def evaluation(self, seed: int) -> Evaluation:
        result = self._metrics(_BY_PERSON, seed) | self._coverage() | self._metrics(_OF_LISTS, seed)
        claims = None
        if self.claimed:
            parts = (self.claimed, self.came_true, self.claims_of)
            claims = reliability(*(np.concatenate(part) for part in parts), seed=seed)  # type: ignore[arg-type]
        n_test = {
            group.name: self.figures.n_test_ratings(MODEL, people=group.members[self.people])
            for group in self.groups_of_people
        } | {group.name: self.figures.n_test_ratings(MODEL, films=group.name) for group in self.groups_of_films}
        return Evaluation(result, claims, self.groups, n_test)

    @property
    def groups(self) -> list[Group]:
        return [*self.groups_of_people, *self.groups_of_films]

    def _metrics(self, protocols: dict[str, _Protocol], seed: int) -> dict[str, Metric]:
        result = {}
        for name, protocol in protocols.items():
            whole = self._figure(name, protocol, seed)
            if whole is None:
                continue
            parts = {
                group.name: self._figure(name, protocol, seed, people=group.members[self.people])
                for group in self.groups_of_people
            }
            if protocol.by_films:
                parts |= {
                    group.name: self._figure(name, protocol, seed, films=group.name) for group in self.groups_of_films
                }
            result[name] = Metric(
                value=whole.value,
                interval=whole.interval,
                n=whole.n,
                baseline=whole.baseline,
                protocol=protocol.description,
                baseline_name=protocol.baseline_name,
                extra=whole.extra,
                breakdown={group: figure for group, figure in parts.items() if figure is not None},
            )
        return result

    def _figure(
        self, name: str, protocol: _Protocol, seed: int, *, films: str = "", people: Mask | None = None
    ) -> GroupFigure | None:
        estimate = self.figures.estimate(name, MODEL, seed=seed, films=films, people=people)
        if not estimate.n:
            return None
        extra: dict[str, float] = {}
        for order in protocol.beside:
            if (value := self.figures.value(name, order, films=films, people=people)) is not None:
                extra[order] = value
        if protocol is _STARS:
            extra["test_ratings"] = float(self.figures.n_test_ratings(MODEL, films=films, people=people))
        baseline = self.figures.value(name, protocol.baseline, films=films, people=people)
        return GroupFigure(estimate.value, estimate.interval, estimate.n, baseline, extra)

    def _coverage(self) -> dict[str, Metric]:
        """No intervals: the bootstrap over people is biased for a count of distinct films."""
        recommendable = self.split.train.item_counts >= RECOMMENDABLE_RATINGS
        everything = np.ones(len(recommendable), bool)
        result = {}
        for name, films, what in (
            ("coverage_at_10", recommendable, f"films with {RECOMMENDABLE_RATINGS} training ratings or more"),
            ("coverage_at_10_all", everything, "all films"),
        ):
            parts = {group.name: self._shown(films & group.members) for group in self.groups_of_films}
            if (whole := self._shown(films)) is not None:
                result[name] = Metric(
                    value=whole.value,
                    interval=None,
                    n=whole.n,
                    baseline=whole.baseline,
                    protocol=f"share of {what} in at least one person's top 10",
                    baseline_name="popularity",
                    extra={**whole.extra, "ceiling": self._ceiling(films)},
                    breakdown={group: figure for group, figure in parts.items() if figure is not None},
                )
        return result

    def _shown(self, films: Mask) -> GroupFigure | None:
        total = int(films.sum())
        if not total:
            return None
        share = {order: float(shown[films].sum() / total) for order, shown in self.shown.items()}
        extra = {"films": float(total), ITEM_MEAN: share[ITEM_MEAN], PLAIN: share[PLAIN]}
        return GroupFigure(share[MODEL], None, len(self.people), share[POPULARITY], extra)

    def _ceiling(self, films: Mask) -> float:
        """What coverage could reach if each discovery slot showed a film that no ranked place shows."""
        places = len(self.people) * self.model.discovery.slots
        return min(1.0, (int(self.ranked_places[films].sum()) + places) / int(films.sum()))
