"""Made-up people who watch films at some hours of the day, with an effect of the hour that is known, or with none.

Everybody comes several times, at hours that they prefer, in the evening more than else, and chooses a few films each
time: by popularity, by their taste in genres and by the planted effect of the moment, which is a log ratio for one
genre in one cell. In a confounded world there is no effect, but the people who like that genre are those who come at
that time, whatever they choose then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.context import CELLS, KINDS, time_cells
from recommender.algorithms.film_model import Array
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.splits import Split, last_per_user

GENRES = ("Comedy", "Documentary", "Drama", "Horror", "Western")
PLANTED_GENRE, PLANTED_CELL = GENRES.index("Horror"), CELLS.index("weekend evening")
N_FILMS, VISITS, FILMS_A_VISIT = 300, 8, 4
_HOUR, _WEEKS = 3600, 52
_TASTE_SD = 0.7
_EVENING_HOURS = 1.2  # how much readier everybody is to come in the evening: log ratio
# How much readier the people of a confounded world are to come at the time, and to choose the genre, per deviation.
_CONFOUNDED_TASTE, _CONFOUNDED_HOUR = 1.0, 1.5


@dataclass(frozen=True, eq=False)
class World:
    """``interactions``: all of 4 stars, so that whatever was chosen was liked. ``log_popularity``: (n_films,)."""

    interactions: Interactions
    genres: GenreTable
    log_popularity: Array

    def split(self) -> Split:
        return last_per_user(self.interactions)

    def scores(self, known: Interactions, user: int) -> Array:
        """A plain order for one person, (n_films,): popularity, and how often they chose the film's genres, of unit
        spread together; −inf for what is ``known`` of them."""
        items = known.item[known.rows_of(user)]
        chosen = 1.0 + self.genres.membership[items].sum(axis=0)
        usual = self.genres.membership.T @ np.exp(self.log_popularity)
        scores = self.log_popularity + self.genres.membership @ np.log(chosen / chosen.sum() / (usual / usual.sum()))
        scores /= scores.std()
        scores[items] = -np.inf
        return scores


def world(n_people: int, *, effect: float = 0.0, confounded: bool = False, seed: int) -> World:
    """``effect``: log ratio of choosing PLANTED_GENRE in PLANTED_CELL."""
    rng = np.random.default_rng(seed)
    membership = np.zeros((N_FILMS, len(GENRES)), np.uint8)
    membership[np.arange(N_FILMS), rng.integers(len(GENRES), size=N_FILMS)] = 1
    membership[np.arange(N_FILMS), rng.integers(len(GENRES), size=N_FILMS)] = 1
    log_popularity = -0.7 * np.log(1.0 + rng.permutation(N_FILMS))
    hours = np.arange(7 * 24) * _HOUR  # of a week
    cell_of_hour = time_cells(hours)
    is_evening = np.array([CELLS[cell].endswith("evening") for cell in KINDS[0]])
    users, items, times = [], [], []
    for user in range(n_people):
        leaning = rng.normal()
        taste = _TASTE_SD * rng.normal(size=len(GENRES))
        preference = rng.normal(size=len(KINDS[0])) + _EVENING_HOURS * is_evening
        if confounded:
            taste[PLANTED_GENRE] += _CONFOUNDED_TASTE * leaning
            preference[PLANTED_CELL] += _CONFOUNDED_HOUR * leaning
        readiness = np.exp(preference[cell_of_hour])
        at = rng.choice(hours, VISITS, p=readiness / readiness.sum())
        at = np.sort(at + rng.choice(_WEEKS, VISITS, replace=False) * 7 * 24 * _HOUR)
        liking = log_popularity + membership @ taste
        for time, cell in zip(at.tolist(), time_cells(at), strict=True):
            now = liking + effect * membership[:, PLANTED_GENRE] * (cell == PLANTED_CELL)
            # The highest of logits with Gumbel noise: a draw by their softmax, without replacement.
            chosen = np.argsort(now + rng.gumbel(size=N_FILMS))[-FILMS_A_VISIT:]
            liking[chosen] = -np.inf
            users += [user] * FILMS_A_VISIT
            items += chosen.tolist()
            times += [time] * FILMS_A_VISIT
    return World(_interactions(users, items, times, n_people), GenreTable(GENRES, membership), log_popularity)


def _interactions(users: list[int], items: list[int], times: list[int], n_people: int) -> Interactions:
    item: NDArray[np.int32] = np.array(items, np.int32)
    return Interactions(
        user=np.array(users, np.int32),
        item=item,
        value=np.full(len(item), 4.0, np.float32),
        time=np.array(times, np.int64),
        n_users=n_people,
        n_items=N_FILMS,
    )
