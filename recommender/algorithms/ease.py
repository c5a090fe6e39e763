"""EASE: an item-item model in closed form, on graded ratings.

H. Steck: Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019. With G = XᵀX + λI over people × films and
P = G⁻¹, the weights are B_ij = −P_ij / P_jj off the diagonal and 0 on it: each film's column is predicted from the
others by a ridge regression. X holds how much a rating says for a film, not the stars themselves (``grades``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions
from recommender.algorithms.symmetric_blocks import BLOCK, add_product, factorize, mirror, shared_out, solve_lower

# How much a rating of 1, 2 … 5 stars says that a film was for this person; half stars lie between.
_GRADES = (0.1, 0.2, 0.5, 1.0, 1.3)
# Films with fewer raters are left to popularity: their weights would be the taste of single people.
MIN_RATERS = 5
# Memory for the weights that are kept, in bytes of eight a weight: for each film the largest by magnitude.
MAX_BYTES = 16 * 1024**2
# However many films share it; fewer than these lose percents of NDCG.
MIN_NEIGHBOURS = 100
# At serving, a square matrix of the same weights is used up to this size, that is up to 4,096 films.
MAX_DENSE_BYTES = 64 * 1024**2
_ROWS = 16
# The matrix of films × films must fit: beyond this many films, the most rated ones.
MAX_FILMS = 12_000
# People whose ratings are summed up at a time.
_PEOPLE = 2048


def grades(stars: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """What ratings say, shape of ``stars``."""
    return np.interp(stars, (1.0, 2.0, 3.0, 4.0, 5.0), _GRADES)


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """Sparse weights by source film: what film i says for others stands at ``starts[i]`` to ``starts[i + 1]``,
    targets ascending.

    ``starts``: int64 (n_items + 1,). ``targets``: int32, ``values``: float32, (n_weights,).
    """

    starts: NDArray[np.int64]
    targets: NDArray[np.int32]
    values: NDArray[np.float32]

    @property
    def n_items(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def films(self) -> NDArray[np.intp]:
        """Rows of the films that have weights, to others or from them, ascending."""
        return np.union1d(np.flatnonzero(np.diff(self.starts)), self.targets).astype(np.intp)

    def scores(self, items: NDArray[np.int64], strengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """Σ_i strength_i B_ij for every film j, (n_items,). ``items``, ``strengths``: (n,)."""
        scores = np.zeros(self.n_items)
        scores[self.films] = self.scores_of_films(items, strengths)
        return scores

    def scores_of_films(self, items: NDArray[np.int64], strengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for the films that have weights alone, (n_films,): all others have 0."""
        scores = np.zeros(len(self.films))
        if self._dense is not None:
            place_of, matrix = self._dense
            places = place_of[items]
            known = places >= 0
            rows, voices = places[known], strengths[known]
            # Few rows at a time stay in the cache while they are widened; every digit is kept.
            for first in range(0, len(rows), _ROWS):
                widened = matrix[rows[first : first + _ROWS]].astype(np.float64)
                scores += voices[first : first + _ROWS] @ widened
            return scores
        starts, targets, values = self._sparse
        # A film has no target twice, so each slice can be added in one go: twice as fast as one count over all.
        for item, strength in zip(items.tolist(), strengths.tolist(), strict=True):
            part = slice(starts[item], starts[item + 1])
            scores[targets[part]] += strength * values[part]
        return scores

    @cached_property
    def _dense(self) -> tuple[NDArray[np.intp], NDArray[np.float32]] | None:
        """Each item's place among the films that have weights (−1: none), and the weights as a square matrix: faster
        to add up, where it fits."""
        n_sources, films = np.diff(self.starts), self.films
        if 4 * len(films) ** 2 > MAX_DENSE_BYTES:
            return None
        place_of = np.full(self.n_items, -1, np.intp)
        place_of[films] = np.arange(len(films))
        matrix = np.zeros((len(films), len(films)), np.float32)
        sources = np.repeat(np.arange(self.n_items), n_sources)
        matrix[place_of[sources], place_of[self.targets]] = self.values
        return place_of, matrix

    @cached_property
    def _sparse(self) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.float64]]:
        """The same with each target's place among those films, in the types that numpy computes with; converting took
        as long as adding."""
        return self.starts, np.searchsorted(self.films, self.targets), self.values.astype(np.float64)

    def column(self, target: int, sources: NDArray[np.int64]) -> NDArray[np.float64]:
        """B_ij of the given source films for one target film, (n,)."""
        column = np.zeros(len(sources))
        if self._dense is not None:
            place_of, matrix = self._dense
            places = place_of[sources]
            if (place := place_of[target]) >= 0:
                column[places >= 0] = matrix[places[places >= 0], place]
            return column
        for place, source in enumerate(sources):
            part = slice(self.starts[source], self.starts[source + 1])
            found = np.searchsorted(self.targets[part], target)
            if found < part.stop - part.start and self.targets[part][found] == target:
                column[place] = self.values[part][found]
        return column


def fit_ease(data: Interactions, regularization: float, max_bytes: int = MAX_BYTES) -> ItemWeights:
    """The weights of ``data`` with ridge λ = ``regularization``.

    Solved over people where they are fewer than films (by the Woodbury identity), else over films. The largest arrays
    are float32: films × films, and people × films in the first case, films × films once more in the second. Threads
    share the work out, which changes no bit of the result.
    """
    films = np.flatnonzero(data.item_counts >= MIN_RATERS)
    if len(films) > MAX_FILMS:
        films = np.sort(films[np.argsort(-data.item_counts[films], kind="stable")[:MAX_FILMS]])
    if not len(films):
        return _gathered([], [], [], data.n_items)
    neighbours = max(MIN_NEIGHBOURS, max_bytes // (8 * len(films)))
    solve = _over_people if data.n_users < len(films) else _over_films
    precision = solve(data, films, np.float32(regularization))

    def weights_to(start: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
        columns = np.arange(start, min(start + BLOCK, len(films)))
        block = precision[:, start : start + BLOCK] / -precision[columns, columns]
        block[columns, np.arange(len(columns))] = 0.0
        rows, places = _largest(block, neighbours)
        return films[rows], films[columns[places]], block[rows, places]

    found = shared_out(weights_to, range(0, len(films), BLOCK))
    sources, targets, values = (list(parts) for parts in zip(*found, strict=True))
    return _gathered(sources, targets, values, data.n_items)


def _matrix(data: Interactions, films: NDArray[np.intp], first: int, end: int) -> NDArray[np.float32]:
    """X for the people from ``first`` to before ``end`` and the given films."""
    rows = data.rows_between(first, end)
    column_of = np.full(data.n_items, -1)
    column_of[films] = np.arange(len(films))
    columns = column_of[data.item[rows]]
    rows, columns = rows[columns >= 0], columns[columns >= 0]
    matrix = np.zeros((end - first, len(films)), np.float32)
    matrix[data.user[rows] - first, columns] = grades(data.value[rows])
    return matrix


def _over_people(data: Interactions, films: NDArray[np.intp], regularization: np.float32) -> NDArray[np.float32]:
    """λP = I − Xᵀ(XXᵀ + λI)⁻¹X = I − YᵀY, LLᵀ = XXᵀ + λI, Y = L⁻¹X. The factor λ falls out of B."""
    matrix = _matrix(data, films, 0, data.n_users)
    lower = np.zeros((len(matrix), len(matrix)), np.float32)
    add_product(matrix.T, to=lower)
    _add_to_diagonal(lower, regularization)
    factorize(lower)
    solve_lower(lower, matrix)
    del lower
    precision = np.zeros((len(films), len(films)), np.float32)
    add_product(matrix, to=precision)
    np.negative(precision, out=precision)
    _add_to_diagonal(precision, np.float32(1))
    mirror(precision)
    return precision


def _over_films(data: Interactions, films: NDArray[np.intp], regularization: np.float32) -> NDArray[np.float32]:
    """P = (XᵀX + λI)⁻¹ = YᵀY, LLᵀ = XᵀX + λI, Y = L⁻¹, with XᵀX summed over blocks of people."""
    precision = np.zeros((len(films), len(films)), np.float32)
    for first in range(0, data.n_users, _PEOPLE):
        add_product(_matrix(data, films, first, min(first + _PEOPLE, data.n_users)), to=precision)
    _add_to_diagonal(precision, regularization)
    factorize(precision)
    inverse = np.eye(len(films), dtype=np.float32)
    solve_lower(precision, inverse, is_lower=True)
    precision[:] = 0
    add_product(inverse, to=precision, is_lower=True)
    mirror(precision)
    return precision


def _add_to_diagonal(matrix: NDArray[np.float32], number: np.float32) -> None:
    matrix[np.diag_indices_from(matrix)] += number


def _largest(block: NDArray[np.float32], n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the ``n`` entries of the largest magnitude in each column, zeros left out."""
    magnitude = np.abs(block)
    if n < len(block):
        edge = np.partition(magnitude, len(block) - n, axis=0)[len(block) - n]
        magnitude = np.where(magnitude >= edge[None, :], magnitude, 0.0)
    rows, columns = np.nonzero(magnitude)
    return rows, columns


def _gathered(
    sources: list[NDArray[np.intp]], targets: list[NDArray[np.intp]], values: list[NDArray[np.float32]], n_items: int
) -> ItemWeights:
    """The weights, sorted by source and target."""
    if not sources:
        return ItemWeights(np.zeros(n_items + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))
    source, target = np.concatenate(sources), np.concatenate(targets)
    order = np.argsort(source * n_items + target, kind="stable")  # one key: half the time of two
    starts = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=n_items))])
    return ItemWeights(
        starts.astype(np.int64), target[order].astype(np.int32), np.concatenate(values)[order].astype(np.float32)
    )
