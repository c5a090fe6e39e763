"""Groups of well-known films that are alike, named by what sets them apart: what a new viewer picks from.

Spherical k-means over the films' characters, which is how people's ratings of them go together, and not genres: the
genres only name what was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, FilmModel
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.spherical_k_means import spherical_k_means, spread_start

N_GROUPS = 9
# With fewer films a group there is nothing to choose from.
MIN_FILMS = 6
_STARTS = 10
_ITERATIONS = 50
# A genre names a group if so many of its films have it, and so many more than of the other well-known films.
_MIN_SHARE = 0.3
_MIN_LIFT = 0.1


@dataclass(frozen=True, eq=False)
class FilmGroup:
    """``genres``: what sets the group apart, most telling first; empty if no genre does. ``films``: (n,) rows, those
    that stand for the group first."""

    genres: tuple[str, ...]
    films: NDArray[np.int64]


def film_groups(
    films: FilmModel,
    genres: GenreTable,
    rows: NDArray[np.int64],
    *,
    n_groups: int = N_GROUPS,
    seed: int = 0,
) -> list[FilmGroup]:
    """The films ``rows`` in up to ``n_groups`` groups, the most rated group first; none where they are too few.

    The best of several starts, by the mean cosine with the centroids. Within a group, films come by
    cosine · √ratings: one that is close to the middle and that many know.
    """
    if len(rows) < 2 * MIN_FILMS:
        return []
    characters = films.characters(rows).astype(np.float64)
    lengths = np.linalg.norm(characters, axis=1)
    rows, characters, lengths = rows[lengths > 0], characters[lengths > 0], lengths[lengths > 0]
    n_groups = min(n_groups, len(rows) // MIN_FILMS)
    if n_groups < 2:
        return []
    unit = characters / lengths[:, None]
    rng = np.random.default_rng(seed)
    best, group_of, closeness = -np.inf, np.empty(0, np.int64), np.empty(0)
    for _ in range(_STARTS):
        assigned, centroids = spherical_k_means(unit, spread_start(unit, n_groups, rng), _ITERATIONS)
        close = (unit * centroids[assigned]).sum(axis=1)
        if close.sum() > best:
            best, group_of, closeness = float(close.sum()), assigned, close
    counts = films.item_counts[rows]
    standing = closeness * np.sqrt(counts)
    members = [np.flatnonzero(group_of == group) for group in range(n_groups)]
    members = [places[np.argsort(-standing[places], kind="stable")] for places in members if len(places)]
    members.sort(key=lambda places: (-int(counts[places].sum()), int(rows[places[0]])))
    names = _names([genres.membership[rows[places]] for places in members], genres.membership[rows], genres.names)
    return [FilmGroup(name, rows[places]) for name, places in zip(names, members, strict=True)]


def _names(
    memberships: list[NDArray[np.uint8]], of_all: NDArray[np.uint8], genres: tuple[str, ...]
) -> list[tuple[str, ...]]:
    """Two genres for each group; and where groups would share a name, what sets each apart from the others of it."""
    shares = np.array([membership.mean(axis=0) for membership in memberships]).reshape(len(memberships), len(genres))
    lifts = shares - of_all.mean(axis=0)
    names = [_telling(shares[group], lifts[group], genres, _MIN_SHARE)[:2] for group in range(len(memberships))]
    named = list(names)
    for group, name in enumerate(names):
        alike = [other for other in range(len(names)) if other != group and names[other] == name]
        if alike:
            apart = shares[group] - shares[alike].mean(axis=0)
            more = [genre for genre in _telling(shares[group], apart, genres, _MIN_SHARE / 2) if genre not in name]
            named[group] = name + more[:1]
    return [tuple(name) for name in named]


def _telling(share: Array, lift: Array, genres: tuple[str, ...], min_share: float) -> list[str]:
    """Genres that many of a group's films have, and more than of others; the largest difference first."""
    order = np.argsort(-lift, kind="stable")
    return [genres[g] for g in order if share[g] >= min_share and lift[g] >= _MIN_LIFT]
