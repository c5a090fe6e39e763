"""What implicit-feedback factors say: films' vectors, and a person folded in by one closed-form solve.

Y. Hu, Y. Koren & C. Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008. Somebody prefers the
films that they rated (1) to those that they did not (0), and the more their rating says for a film, the surer that is:

    w = A⁻¹ Σ_i (1 + αs_i) v_i,   A = VᵀV + λI + Σ_i αs_i v_i v_iᵀ,   score_j = v_j·w

with s_i ≥ 0 what the rating of film i says for it. Given the films and what their ratings say, a score is an exact sum
over them. The vectors are learned in ``implicit_als``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImplicitFactors:
    """Films' vectors; those of a film of which nothing is known are zero."""

    vectors: NDArray[np.float32]  # v, (n_items, n_factors)
    regularization: float  # λ
    confidence: float  # α

    @cached_property
    def known_films(self) -> NDArray[np.intp]:
        """Rows of the films that have a vector, ascending."""
        return np.flatnonzero(self.vectors.any(axis=1))

    @cached_property
    def known_vectors(self) -> Array:
        """Their vectors, (n_known, n_factors)."""
        return self.vectors[self.known_films].astype(np.float64)

    @cached_property
    def _precision(self) -> Array:
        """VᵀV + λI, (n_factors, n_factors): of somebody who rated nothing."""
        precision: Array = self.known_vectors.T @ self.known_vectors
        precision[np.diag_indices_from(precision)] += self.regularization
        return precision

    def fold_in(self, items: NDArray[np.int64], strengths: Array) -> FoldedIn:
        """The person who rated ``items``, with what the ratings say, both (n,)."""
        vectors = self.vectors[items].astype(np.float64)
        extra = self.confidence * strengths
        precision = self._precision + (vectors * extra[:, None]).T @ vectors
        return FoldedIn(self, vectors, 1.0 + extra, precision)


@dataclass(frozen=True, eq=False)
class FoldedIn:
    """One person, as long as a request."""

    factors: ImplicitFactors
    rated: Array  # v of the films that they rated, (n, n_factors)
    voices: Array  # 1 + αs of each, (n,)
    precision: Array  # A, (n_factors, n_factors)

    @property
    def direction(self) -> Array:
        """w, (n_factors,)."""
        return np.linalg.solve(self.precision, self.rated.T @ self.voices).astype(np.float64, copy=False)

    def scores(self) -> Array:
        """v_j·w for the films that have a vector, (n_known,)."""
        scores: Array = self.factors.known_vectors @ self.direction
        return scores

    def contributions(self, item: int | np.integer[Any]) -> Array:
        """What each rated film adds to one film's score, (n,)."""
        direction = np.linalg.solve(self.precision, self.factors.vectors[item].astype(np.float64))
        contributions: Array = (self.rated @ direction) * self.voices
        return contributions
