"""Taste as a picture and in words: well-known films in two dimensions, where somebody points to, and their group.

The positions are the first two principal directions of the films' characters (Pearson 1901), over the films that most
people rated. A score is linear in the characters, so the person's state, projected on the two directions, points to
where their predicted stars rise fastest on the map.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from cinema.models import MIN_PEOPLE
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_model import Array, Person
from recommender.viewers import Viewer

# The directions are those of so many films, the most rated ones: what sets known films apart, at a bounded price.
MAX_FILMS = 2_000
# Fewer films than this make no map.
MIN_FILMS = 8
# A genre names an end of a direction if so many of the films have it; so many at the middle are assumed beside them.
MIN_OF_GENRE = 5
GENRE_DAMPING = 10.0
# Ratings at the group's level that are assumed of each film and of each genre, and what is worth naming, in stars.
FILM_DAMPING = 10.0
GROUP_GENRE_DAMPING = 50.0
WORTH_NAMING = 0.03
MAX_NAMED_GENRES = 3


@dataclass(frozen=True, eq=False)
class TasteMap:
    """``center``: (d,) the mean character of the films. ``directions``: (d, 2) orthonormal. ``rows``: (n,) rows of the
    films, the most rated first. ``positions``: (n, 2). ``explained``: the share of each direction in what sets these
    films apart. ``poles``: for each direction the genre at its low and at its high end, "" where none stands out."""

    center: Array
    directions: Array
    rows: NDArray[np.intp]
    positions: Array
    explained: tuple[float, float]
    poles: tuple[tuple[str, str], tuple[str, str]]

    @property
    def total(self) -> float:
        """The share of both directions together."""
        return sum(self.explained)

    def place(self, model: TrainedModel, rows: NDArray[np.int64]) -> Array:
        """Positions of any films, (n, 2)."""
        placed: Array = (model.films.characters(rows).astype(np.float64) - self.center) @ self.directions
        return placed

    def points_to(self, person: Person) -> Array | None:
        """The unit vector, (2,), along which the person's predicted stars rise; None where they do not."""
        pointing = person.state.ravel() @ self.directions
        length = float(np.linalg.norm(pointing))
        return None if length < 1e-9 else pointing / length


_maps: WeakKeyDictionary[TrainedModel, TasteMap | None] = WeakKeyDictionary()
_drawing = threading.Lock()


def taste_map(model: TrainedModel) -> TasteMap | None:
    """The map of a version, drawn once in each process; a version that is forgotten takes its map along. None with
    too few films that MIN_PEOPLE people rated, or where nothing sets them apart."""
    with _drawing:
        if model not in _maps:
            _maps[model] = draw_map(model)
        return _maps[model]


def draw_map(model: TrainedModel) -> TasteMap | None:
    counts = model.films.item_counts
    rows = np.argsort(-counts, kind="stable")[:MAX_FILMS]
    rows = rows[counts[rows] >= MIN_PEOPLE]
    if len(rows) < MIN_FILMS:
        return None
    characters = model.films.characters(rows).astype(np.float64)
    center = characters.mean(axis=0)
    apart = characters - center
    variance, vectors = np.linalg.eigh(apart.T @ apart)
    if len(variance) < 2 or variance[-2] <= 1e-12 * max(1.0, variance[-1]):
        return None
    directions = _same_sign(vectors[:, [-1, -2]])
    positions = apart @ directions
    explained = variance[[-1, -2]] / variance.sum()
    return TasteMap(
        center=center,
        directions=directions,
        rows=rows,
        positions=positions,
        explained=(float(explained[0]), float(explained[1])),
        poles=(_poles(model, rows, positions[:, 0]), _poles(model, rows, positions[:, 1])),
    )


def _same_sign(directions: Array) -> Array:
    """Each direction with its largest component positive: an eigenvector is as good with either sign, and a map must
    not be mirrored from process to process."""
    largest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[largest, np.arange(directions.shape[1])])


def _poles(model: TrainedModel, rows: NDArray[np.intp], positions: Array) -> tuple[str, str]:
    membership = model.genres.membership[rows].astype(np.float64)
    n = membership.sum(axis=0)
    lean = np.where(n >= MIN_OF_GENRE, positions @ membership / (n + GENRE_DAMPING), 0.0)
    if not len(lean):
        return "", ""
    low, high = int(lean.argmin()), int(lean.argmax())
    names = model.genres.names
    return (names[low] if lean[low] < 0 else ""), (names[high] if lean[high] > 0 else "")


@dataclass(frozen=True, slots=True)
class GroupInWords:
    """What sets the group that a person is nearest to apart from everybody, its general level aside."""

    n_groups: int
    likes: list[str]  # genres rated higher there, the most first
    dislikes: list[str]
    movie_ids: list[int]  # films rated higher there, the most first


def group_in_words(viewer: Viewer, *, n_films: int = 5) -> GroupInWords | None:
    """None where nothing is known of the person, where there is one group only, or where no film has MIN_PEOPLE
    people of the group behind it, the person aside."""
    model = viewer.live.model
    groups = model.groups
    if not viewer.is_known or len(groups.counts) < 2:
        return None
    nearest = groups.nearest(viewer.person.taste)
    counts = groups.counts[nearest].astype(np.float64)
    everybody = groups.sums.sum(axis=0, dtype=np.float64) / np.maximum(groups.counts.sum(axis=0), 1)
    # The person may be one of those who were counted; five others must remain.
    needed = np.full(model.n_items, MIN_PEOPLE)
    needed[viewer.rows(viewer.rated.movie_ids)] += 1
    known = counts >= needed
    if not known.any():
        return None
    above = np.where(known, groups.sums[nearest] - counts * everybody, 0.0)
    counts = np.where(known, counts, 0.0)
    above -= counts * (above.sum() / counts.sum())
    lift = above / (counts + FILM_DAMPING)
    lift[viewer.rows(viewer.hidden)] = -np.inf
    first = np.argsort(-lift, kind="stable")[:n_films]
    membership = model.genres.membership.astype(np.float64)
    by_genre = above @ membership / (counts @ membership + GROUP_GENRE_DAMPING)
    order = np.argsort(-by_genre, kind="stable")
    names = model.genres.names
    return GroupInWords(
        n_groups=len(groups.counts),
        likes=[names[g] for g in order if by_genre[g] >= WORTH_NAMING][:MAX_NAMED_GENRES],
        dislikes=[names[g] for g in order[::-1] if by_genre[g] <= -WORTH_NAMING][:MAX_NAMED_GENRES],
        movie_ids=[int(model.movie_ids[row]) for row in first if lift[row] >= WORTH_NAMING],
    )
