"""Choosing how lists are ordered: the ranker's λ and half-life, the weight of its factors and of the rating model.

By NDCG@10 over the full catalogue, on validation ratings. What costs is to ask EASE and the factors of everybody; how
their words are weighed afterwards is cheap. So for each λ and half-life all pairs of weights are tried, while λ and
half-life are chosen one after the other: the optimum is flat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ease import ItemWeights, fit_ease
from recommender.algorithms.film_model import FilmModel, Person
from recommender.algorithms.implicit_als import fit_implicit_als
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.metrics import K
from recommender.algorithms.ordering import Ordering
from recommender.algorithms.ranking import Ranker

REGULARIZATIONS = (50.0, 150.0, 300.0, 500.0, 1000.0)
HALF_LIVES = (0.0, 3.0, 5.0, 10.0, 20.0)
FACTOR_WEIGHTS = (0.0, 0.3, 0.6, 1.0)
TASTE_WEIGHTS = (0.0, 0.2, 0.4, 0.7)
# Where the search begins, and what is taken where nothing can be judged.
MIDDLING_HALF_LIFE = 5.0
_DISCOUNTS = 1.0 / np.log2(np.arange(2, K + 2))
# People whose scores are worked on at a time.
_BLOCK = 256

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class OrderSettings:
    """``ndcg``: NDCG@10 on the validation ratings."""

    regularization: float
    half_life: float
    factor_weight: float
    taste_weight: float
    ndcg: float = 0.0


@dataclass(frozen=True, eq=False)
class Judge:
    """Somebody by whose validation ratings an order is judged. ``liked``: rows of the films they went on to like."""

    person: Person
    liked: NDArray[np.int64]


def choose_order(
    films: FilmModel, data: Interactions, judges: Sequence[Judge], half_lives: Sequence[float]
) -> tuple[OrderSettings, Ranker]:
    """The best settings for a ranker fitted on ``data``, and that ranker. ``judges`` must each like at least one
    film."""
    middle = MIDDLING_HALF_LIFE if MIDDLING_HALF_LIFE in half_lives else half_lives[0]
    if not judges:
        taken = OrderSettings(REGULARIZATIONS[1], middle, 0.0, TASTE_WEIGHTS[2])
        return taken, Ranker(fit_ease(data, taken.regularization), middle)
    factors = fit_implicit_als(data)
    fitted: dict[float, ItemWeights] = {}
    tastes: dict[Judge, Floats] = {}

    def visit(regularization: float, half_lives: Sequence[float]) -> list[OrderSettings]:
        if regularization not in fitted:
            fitted[regularization] = fit_ease(data, regularization)
        found = []
        for half_life in half_lives:
            ordering = Ordering(films, Ranker(fitted[regularization], half_life, factors), 0.0)
            if not tastes:  # the same beside every ranker
                tastes.update((judge, ordering.taste(judge.person)[0].astype(np.float32)) for judge in judges)
            found.append(_best_weights(ordering, tastes, regularization))
        return found

    def best(found: Sequence[OrderSettings]) -> OrderSettings:
        return max(found, key=lambda one: one.ndcg)

    found = best([one for regularization in REGULARIZATIONS for one in visit(regularization, [middle])])
    found = best([found, *visit(found.regularization, [one for one in half_lives if one != middle])])
    if found.half_life != middle:
        # λ was chosen beside another half-life.
        others = [one for one in REGULARIZATIONS if one != found.regularization]
        found = best([found, *(one for other in others for one in visit(other, [found.half_life]))])
    ranker = Ranker(fitted[found.regularization], found.half_life)
    if found.factor_weight:
        ranker = replace(ranker, factors=factors, factor_weight=found.factor_weight)
    return found, ranker


def _best_weights(ordering: Ordering, tastes: Mapping[Judge, Floats], regularization: float) -> OrderSettings:
    judges = list(tastes)
    words = [_Words.of(ordering, judges[first : first + _BLOCK], tastes) for first in range(0, len(judges), _BLOCK)]
    tried = []
    for factor_weight in FACTOR_WEIGHTS:
        for taste_weight in TASTE_WEIGHTS:
            ndcg = sum(block.total_ndcg(factor_weight, taste_weight) for block in words) / len(judges)
            tried.append(OrderSettings(regularization, ordering.ranker.half_life, factor_weight, taste_weight, ndcg))
    # The first of equals: the one that asks fewer.
    return max(tried, key=lambda one: one.ndcg)


@dataclass(frozen=True, eq=False)
class _Words:
    """What each part says of the ranked films to some people, (n_people, n_ranked), each of unit spread."""

    ease: Floats
    factors: Floats
    taste: Floats
    ties: Floats  # (n_ranked,)
    by_ranker: NDArray[np.bool_]  # which of them the ranker knows, (n_ranked,)
    rated: tuple[NDArray[np.intp], NDArray[np.intp]]  # rows and columns of what the people rated
    liked: tuple[NDArray[np.intp], NDArray[np.intp]]  # and of what they went on to like
    ideal: NDArray[np.float64]  # the best possible discounted gain, (n_people,)

    @classmethod
    def of(cls, ordering: Ordering, judges: Sequence[Judge], tastes: Mapping[Judge, Floats]) -> _Words:
        films, ranker = ordering.ranked_films, ordering.ranker
        shape = (len(judges), len(films))
        ease, factors = np.empty(shape, np.float32), np.empty(shape, np.float32)
        column_of = np.full(ordering.films.n_items, -1, np.intp)
        column_of[films] = np.arange(len(films))
        for row, judge in enumerate(judges):
            votes = ranker.votes(judge.person.history)
            ease[row], factors[row] = votes.of_ease[films], votes.of_factors[films]
        return cls(
            ease=ease,
            factors=factors,
            taste=np.stack([tastes[judge] for judge in judges]),
            ties=ordering.tie_breaks[films].astype(np.float32),
            by_ranker=ranker.known[films],
            rated=_cells([judge.person.history.item for judge in judges], column_of),
            liked=_cells([judge.liked for judge in judges], column_of),
            ideal=np.array([_DISCOUNTS[: len(judge.liked)].sum() for judge in judges]),
        )

    def total_ndcg(self, factor_weight: float, taste_weight: float) -> float:
        """The people's NDCG@10, added up, as ``Ordering`` orders with these weights."""
        ranker = self.ease + np.float32(factor_weight) * self.factors
        spread = ranker[:, self.by_ranker].std(axis=1, keepdims=True)
        ranker /= np.where(spread > 0, spread, 1)
        scores = ranker + np.float32(taste_weight) * self.taste + self.ties
        scores[self.rated] = -np.inf
        k = min(K, scores.shape[1])
        edge = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
        people, columns = self.liked
        shown = scores[people, columns] >= edge[people]
        people, columns = people[shown], columns[shown]
        places = (scores[people] > scores[people, columns][:, None]).sum(axis=1)
        return float((_DISCOUNTS[places] / self.ideal[people]).sum())


def _cells(
    films: Sequence[NDArray[np.int64]], column_of: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of each person's films, without those that have no column."""
    rows = np.repeat(np.arange(len(films)), [len(one) for one in films])
    columns = column_of[np.concatenate(films)] if len(films) else np.empty(0, np.intp)
    return rows[columns >= 0], columns[columns >= 0]
