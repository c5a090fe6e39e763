"""The ranker: what a person's films say for the others, the latest rated first of all.

Two voices, each divided by its spread over films: EASE, which knows pairs of films, and implicit-feedback factors,
which know what pairs have in common and reach films that EASE has no room for. How much the second counts is chosen on
validation ratings; where it is worth nothing it is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ease import ItemWeights, grades
from recommender.algorithms.film_model import Array, History
from recommender.algorithms.implicit_factors import FoldedIn, ImplicitFactors
from recommender.algorithms.score_moments import mean_and_sd

# What is left of a rating's voice when it is old.
RECENCY_FLOOR = 0.1
_SMALL = 1e-12


@dataclass(frozen=True, eq=False)
class Ranker:
    """score_j = EASE_j / σ + factor_weight · factors_j / σ, every rated film speaking with g(r_i)·recency_i.

    recency = floor + (1 − floor)·½^(age / half-life), age counted in ratings given since. A score is a sum over the
    films that the person rated, but not free of their order.
    """

    weights: ItemWeights
    half_life: float  # in ratings; 0: all ratings speak alike, however old
    factors: ImplicitFactors | None = None
    factor_weight: float = 0.0  # of the factors beside EASE; without factors 0

    @cached_property
    def ease_films(self) -> NDArray[np.intp]:
        """Rows of the films that EASE has weights for, ascending."""
        return np.unique(self.weights.targets).astype(np.intp)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which films either voice knows, (n_items,)."""
        known = np.zeros(self.weights.n_items, np.bool_)
        known[self.ease_films] = True
        if self.factors is not None:
            known[self.factors.known_films] = True
        return known

    @cached_property
    def known_films(self) -> NDArray[np.intp]:
        """Their rows, ascending."""
        return np.flatnonzero(self.known)

    def strengths(self, history: History) -> Array:
        """g(r_i)·recency_i, (n,)."""
        if not self.half_life:
            return grades(history.value)
        recency = RECENCY_FLOOR + (1 - RECENCY_FLOOR) * 0.5 ** (history.age / self.half_life)
        strengths: Array = grades(history.value) * recency
        return strengths

    def votes(self, history: History) -> Votes:
        """What the person's films say, for every film."""
        strengths = self.strengths(history)
        of_ease = self.weights.scores(history.item, strengths)
        ease_factor = inverse_spread(of_ease[self.ease_films])
        of_factors, folded_in, factor = np.zeros(len(of_ease)), None, 0.0
        if self.factors is not None:
            folded_in = self.factors.fold_in(history.item, strengths)
            scores = folded_in.scores()
            factor = inverse_spread(scores)
            of_factors[self.factors.known_films] = factor * scores
        return Votes(self, history, strengths, ease_factor * of_ease, of_factors, ease_factor, factor, folded_in)


@dataclass(frozen=True, eq=False)
class Votes:
    """One person's; lives as long as a request."""

    ranker: Ranker
    history: History
    strengths: Array  # (n,)
    of_ease: Array  # of unit spread, (n_items,)
    of_factors: Array  # likewise
    ease_factor: float  # what made it so
    factor: float
    folded_in: FoldedIn | None

    @cached_property
    def scores(self) -> Array:
        """(n_items,), 0 for films that the ranker does not know."""
        if self.folded_in is None:
            return self.of_ease
        return self.of_ease + self.ranker.factor_weight * self.of_factors

    def contributions(self, item: int) -> Array:
        """What each rated film adds to one film's score, (n,)."""
        contributions: Array = self.ease_factor * self.strengths * self.ranker.weights.column(item, self.history.item)
        if self.folded_in is not None:
            contributions += self.ranker.factor_weight * self.factor * self.folded_in.contributions(item)
        return contributions


def inverse_spread(values: Array) -> float:
    """1 / standard deviation; 0 where nothing differs, as for somebody without ratings."""
    return inverse(mean_and_sd(values)[1] if len(values) else 0.0)


def inverse(spread: float) -> float:
    return 1.0 / spread if spread > _SMALL else 0.0
