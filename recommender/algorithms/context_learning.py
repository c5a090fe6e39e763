"""Learning what is chosen in which context: shrunken log ratios, compared within persons.

People who come at night and like horror must not turn horror into an effect of the night. So nothing is compared
between people: given which films a person chose and how many of them in each cell, every way of dealing the films to
the cells would be equally likely if the moment did not matter. Of person u with N_u choices, n_uc of them in cell c,
a share p_uc = n_uc / N_u of the choices of each genre is expected there. With x the genres of a choice and x̄_u the
person's mean of them,

    g_c = Σ over choices (1[in c] − p_uc) x
    H_c = Σ over choices v_uc (x − x̄_u)(x − x̄_u)ᵀ,   v_uc = p_uc (1 − p_uc) N_u / (N_u − 1)

are the score and the information of log ratios θ_c at 0, by the hypergeometric distribution, and

    θ_c = (H_c + φ/τ² I)⁻¹ g_c

is one Newton step from there under the prior N(0, τ²): for a single genre and τ → ∞ the one-step estimate of S. Yusuf,
R. Peto et al. (Beta blockade during and after myocardial infarction, Progress in Cardiovascular Diseases 27, 1985),
people being the strata. Somebody who chose in one cell alone says nothing. φ ≥ 1 is by how much the people's g_uc vary
more than chance would have it: what somebody chooses in one sitting is alike, and counts for less (P. McCullagh,
J. Nelder: Generalized Linear Models, 1989, section 4.5).

Films with enough choices have an effect besides their genres', by the same step on what the genres leave of their
score. There φ is 1, since nobody chooses a film twice, and the prior's variance is found by moments: by how much the
scores vary more than their information says (R. DerSimonian, N. Laird: Meta-analysis in clinical trials, Controlled
Clinical Trials 7, 1986). Where they do not, films have none.

A step from 0 is right for small effects and falls short of large ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.context import CELLS, KINDS, NOT_JUDGED, Cells, ContextEffects, Verdict, cells_of
from recommender.algorithms.film_model import Array
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import Interactions

# Choices from which on a film may have an effect of its own.
MIN_CHOICES = 20
# More people would only take longer, and memory for what each chose in each cell.
MAX_PEOPLE = 20_000


@dataclass(frozen=True, eq=False)
class Choices:
    """n films that were chosen: rated, or engaged with.

    ``user``, ``item``: int32 (n,), row numbers. ``cells``: int8 (n, 3), the row of the cell of each kind (``KINDS``),
    −1 where it is unknown. ValueError where the lengths differ.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    cells: Cells
    n_users: int
    n_items: int

    def __post_init__(self) -> None:
        if not len(self.user) == len(self.item) == len(self.cells) or self.cells.shape[1:] != (len(KINDS),):
            raise ValueError("one user, one item and one cell of each kind for each choice")

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Choices:
        """The given rows (mask or positions), with the same numbering."""
        return Choices(self.user[rows], self.item[rows], self.cells[rows], self.n_users, self.n_items)

    def of_some_people(self, at_most: int) -> Choices:
        """Those of every second person, or third and so on, numbered anew; all where there are not more people."""
        step = -(-self.n_users // at_most)
        if step <= 1:
            return self
        rows = self.user % step == 0
        n_users = -(-self.n_users // step)
        return Choices(self.user[rows] // step, self.item[rows], self.cells[rows], n_users, self.n_items)

    def together_with(self, others: Choices) -> Choices:
        """Both, as ratings and engagement. ValueError where they are numbered otherwise."""
        if (self.n_users, self.n_items) != (others.n_users, others.n_items):
            raise ValueError("the choices are of other people or films")
        return Choices(
            np.concatenate([self.user, others.user]),
            np.concatenate([self.item, others.item]),
            np.concatenate([self.cells, others.cells]),
            self.n_users,
            self.n_items,
        )


def choices_of(ratings: Interactions, utc_offset: int = 0) -> Choices:
    """Ratings as choices at the time when they were given, on unknown devices and at unknown places."""
    cells = cells_of(ratings.time, utc_offset)
    return Choices(ratings.user, ratings.item, cells, ratings.n_users, ratings.n_items)


def learn_effects(
    choices: Choices, genres: GenreTable, *, prior_sd: float, weight: float, verdict: Verdict = NOT_JUDGED
) -> ContextEffects:
    """``prior_sd``: τ > 0, how large genres' log ratios are taken to be. ``weight`` 0: nothing is worked out."""
    if not weight:
        return ContextEffects.off(genres, verdict)
    choices = choices.of_some_people(MAX_PEOPLE)
    films = np.flatnonzero(np.bincount(choices.item, minlength=choices.n_items) >= MIN_CHOICES)
    of_genres, of_films = np.zeros((len(CELLS), len(genres.names))), np.zeros((len(CELLS), len(films)))
    for kind, cells in enumerate(KINDS):
        known = choices.cells[:, kind] >= 0
        if known.any():
            counts = _Counts.of(choices.take(known), kind, genres)
            rows = slice(cells.start, cells.stop)
            of_genres[rows], of_films[rows] = counts.effects(prior_sd, films)
    return ContextEffects(
        genres=genres,
        genre_effects=of_genres.astype(np.float32),
        film_rows=films.astype(np.int64),
        film_effects=of_films.astype(np.float32),
        prior_sd=prior_sd,
        weight=weight,
        verdict=verdict,
    )


@dataclass(frozen=True, eq=False)
class _Counts:
    """What is counted of choices in the cells of one kind."""

    choices: Choices
    cell: NDArray[np.int64]  # (n,) from 0 within the kind
    membership: Array  # (n_items, n_genres)
    in_cells: Array  # n_uc, (n_users, n_cells)
    of_genres: Array  # (n_users, n_cells, n_genres)

    @classmethod
    def of(cls, choices: Choices, kind: int, genres: GenreTable) -> _Counts:
        n_cells, n_users = len(KINDS[kind]), choices.n_users
        cell = choices.cells[:, kind].astype(np.int64) - KINDS[kind].start
        flat = choices.user.astype(np.int64) * n_cells + cell
        of_genres = np.empty((n_users, n_cells, len(genres.names)))
        for genre in range(len(genres.names)):
            inside = flat[genres.membership[choices.item, genre] > 0]
            of_genres[:, :, genre] = np.bincount(inside, minlength=n_users * n_cells).reshape(n_users, n_cells)
        in_cells = np.bincount(flat, minlength=n_users * n_cells).reshape(n_users, n_cells).astype(np.float64)
        return cls(choices, cell, genres.membership.astype(np.float64), in_cells, of_genres)

    def effects(self, prior_sd: float, films: NDArray[np.intp]) -> tuple[Array, Array]:
        """θ of genres, (n_cells, n_genres), and what ``films`` have besides, (n_cells, n_films)."""
        user, item = self.choices.user, self.choices.item
        n_cells, n_items = self.in_cells.shape[1], self.choices.n_items
        total = self.in_cells.sum(axis=1, keepdims=True)
        share = self.in_cells / np.maximum(total, 1)
        variance = share * (1 - share) * total / np.maximum(total - 1, 1)
        genre_totals = self.of_genres.sum(axis=1)
        mean = genre_totals / np.maximum(total, 1)
        apart = self.of_genres - share[:, :, None] * genre_totals[:, None, :]  # each person's g, centred or not

        of_films = np.stack([np.bincount(item, variance[user, cell], n_items) for cell in range(n_cells)])
        information = np.stack(
            [
                (self.membership * of_films[cell][:, None]).T @ self.membership
                - (mean * (variance[:, cell, None] * total)).T @ mean
                for cell in range(n_cells)
            ]
        )
        expected_squares = float(np.einsum("cgg->", information))
        dispersion = max(1.0, float(np.square(apart).sum()) / expected_squares) if expected_squares > 0 else 1.0
        ridge = dispersion / prior_sd**2 * np.eye(len(self.membership.T))
        by_genre = np.linalg.solve(information + ridge, apart.sum(axis=0)[:, :, None])[:, :, 0]

        left, known = np.empty((n_cells, len(films))), np.empty((n_cells, len(films)))
        for cell in range(n_cells):
            score = np.bincount(item, (self.cell == cell) - share[user, cell], n_items)
            level = np.bincount(item, (variance[:, cell] * (mean @ by_genre[cell]))[user], n_items)
            left[cell] = (score - (of_films[cell] * (self.membership @ by_genre[cell]) - level))[films]
            known[cell] = np.bincount(item, (share * (1 - share))[user, cell], n_items)[films]
        activity = self.in_cells.sum(axis=0)
        return _centred(by_genre, activity), _centred(_shrunken(left, known), activity)


def _shrunken(scores: Array, information: Array) -> Array:
    """Effects of single films, (n_cells, n_films), under a prior whose variance is that of the effects themselves."""
    squares = float(np.square(information).sum())
    variance = (float(np.square(scores).sum()) - float(information.sum())) / squares if squares > 0 else 0.0
    return scores / (information + 1 / variance) if variance > 0 else np.zeros_like(scores)


def _centred(effects: Array, activity: Array) -> Array:
    """So that they sum to 0 over cells, weighted by ``activity`` (n_cells,); a cell without any has none."""
    centred: Array = np.where(activity[:, None] > 0, effects - activity @ effects / activity.sum(), 0.0)
    return centred
