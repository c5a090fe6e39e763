"""The rails of a home page, each a list with a reason of its own, and none showing a film that another shows.

Every rail begins with the viewer, whose scores leave out what they rated or hid. A rail is named by its key, under
which it can be opened: ``popular``, ``discovery``, ``gems``, ``genre-Drama``, ``because-603`` (a film's id).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.evaluation import RECOMMENDABLE_RATINGS
from recommender.algorithms.film_model import Array
from recommender.algorithms.interactions import RELEVANT
from recommender.algorithms.metrics import top_k
from recommender.catalogue import CatalogueFilm, Filters, movies_by_id
from recommender.popular import popular_now
from recommender.viewers import Viewer

Kind = Literal["because", "discovery", "popular", "gems", "genre"]

RAIL_LENGTH = 20
# How far a rail reaches when it is opened.
MAX_OPENED = 200
# Films like a seed: beyond these they resemble it by little.
MAX_ALIKE = 200
# The second seed changes by the day among so many of the latest liked films.
SEEDS = 9
N_GENRES = 2


@dataclass(frozen=True, slots=True)
class RailItem:
    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    predicted_rating: float | None  # None where the version does not know the film


@dataclass(frozen=True, slots=True)
class Rail:
    kind: Kind
    key: str
    subject: str  # the seed's title, the genre's name, or nothing
    items: list[RailItem]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A rail before its films are known: ``ranked`` tells film ids, best first."""

    kind: Kind
    key: str
    ranked: Callable[[], NDArray[np.int64]]
    seed: int | None = None  # a film's id
    genre: str = ""


def home_rails(viewer: Viewer, *, taken: Sequence[int], today: date) -> list[Rail]:
    """The rails beneath somebody's own list, whose films are ``taken``. Empty ones are left out."""
    plans = [_popular(viewer)]
    if viewer.is_known:
        because = [_because(viewer, seed) for seed in _seeds(viewer, today)]
        plans = [
            *because[:1],
            _discovery(viewer),
            _popular(viewer),
            *because[1:],
            _gems(viewer),
            *(_genre(viewer, name) for name in _favourite_genres(viewer)),
        ]
    ranked = [plan.ranked() for plan in plans]
    shown = np.array(taken, np.int64)
    gone = np.empty(0, np.int64)
    while True:
        # A film may have been deleted since the training: then the next best takes its place.
        used, chosen = np.union1d(shown, gone), []
        for ids in ranked:
            chosen.append(ids[~np.isin(ids, used)][:RAIL_LENGTH])
            used = np.union1d(used, chosen[-1])
        seeds = [plan.seed for plan in plans if plan.seed is not None]
        films = movies_by_id(np.concatenate([*chosen, np.array(seeds, np.int64)]), viewer.live)
        missing = np.array([pk for ids in chosen for pk in ids.tolist() if pk not in films], np.int64)
        if not len(missing):
            break
        gone = np.union1d(gone, missing)
    rails = [_rail(viewer, plan, ids, films) for plan, ids in zip(plans, chosen, strict=True)]
    return [rail for rail in rails if rail.items]


def opened_rail(viewer: Viewer, key: str, filters: Filters) -> Rail | None:
    """One rail alone, up to MAX_OPENED films that fit; None for a key that names none."""
    plan = _plan(viewer, key)
    if plan is None:
        return None
    ranked = plan.ranked()
    if filters:
        ranked = ranked[np.isin(ranked, np.fromiter(filters.movies().values_list("pk", flat=True), np.int64))]
    if plan.seed is None:
        films = movies_by_id(ranked[: 2 * MAX_OPENED], viewer.live)
    else:
        films = movies_by_id(np.append(ranked[: 2 * MAX_OPENED], plan.seed), viewer.live)
    present = [pk for pk in ranked.tolist() if pk in films]
    return _rail(viewer, plan, np.array(present[:MAX_OPENED], np.int64), films)


def _rail(viewer: Viewer, plan: _Plan, ids: NDArray[np.int64], films: dict[int, CatalogueFilm]) -> Rail:
    rows = viewer.live.model.rows(ids)
    predicted = viewer.person.predicted_ratings(np.maximum(rows, 0))
    items = [
        RailItem(pk, films[pk].title, films[pk].year, films[pk].genre_names, float(stars) if row >= 0 else None)
        for pk, row, stars in zip(ids.tolist(), rows.tolist(), predicted, strict=True)
    ]
    seed = films.get(plan.seed) if plan.seed is not None else None
    return Rail(plan.kind, plan.key, seed.title if seed else plan.genre, items)


def _plan(viewer: Viewer, key: str) -> _Plan | None:
    kind, _, subject = key.partition("-")
    if kind == "because" and subject.isdecimal() and len(subject) < 19:
        rows = viewer.rows(np.array([int(subject)]))
        # Only what somebody rated themselves: the page says "because you rated".
        return _because(viewer, int(rows[0])) if len(rows) and rows[0] in viewer.history.item else None
    if kind == "genre" and subject in viewer.live.model.genres.names:
        return _genre(viewer, subject)
    plain = {"popular": _popular, "discovery": _discovery, "gems": _gems}
    return plain[key](viewer) if key in plain else None


def _ids(viewer: Viewer, scores: Array, n: int) -> NDArray[np.int64]:
    return viewer.live.model.movie_ids[top_k(scores, n)]


def _depth(viewer: Viewer) -> int:
    """Enough for every rail though others took the best."""
    return min(viewer.live.model.n_items, 4 * MAX_OPENED)


def _popular(viewer: Viewer) -> _Plan:
    def ranked() -> NDArray[np.int64]:
        popular = popular_now()
        return popular[~np.isin(popular, viewer.unwanted)]

    return _Plan("popular", "popular", ranked)


def _discovery(viewer: Viewer) -> _Plan:
    return _Plan(
        "discovery",
        "discovery",
        lambda: _ids(viewer, viewer.live.model.discovery.values(viewer.scores()), _depth(viewer)),
    )


def _gems(viewer: Viewer) -> _Plan:
    """Of the less rated half of the films that are known at all, those that this person will like most for sure:
    by prediction less its standard deviation, or the guesses would win."""

    def ranked() -> NDArray[np.int64]:
        model, counts = viewer.live.model, viewer.live.model.films.item_counts
        known = counts >= RECOMMENDABLE_RATINGS
        few = known & (counts <= np.median(counts[known])) if known.any() else known
        rows = np.flatnonzero(few & (viewer.scores() > -np.inf))
        values = np.full(model.n_items, -np.inf)
        values[rows] = viewer.person.raw_scores(rows) - model.sd(viewer.person, rows)
        return _ids(viewer, values, _depth(viewer))

    return _Plan("gems", "gems", ranked)


def _genre(viewer: Viewer, name: str) -> _Plan:
    def ranked() -> NDArray[np.int64]:
        genres = viewer.live.model.genres
        has_it = genres.membership[:, genres.names.index(name)] > 0
        return _ids(viewer, np.where(has_it, viewer.scores(), -np.inf), _depth(viewer))

    return _Plan("genre", f"genre-{name}", ranked, genre=name)


def _because(viewer: Viewer, row: int) -> _Plan:
    """Films like the seed, the most alike first, of those that this person would not like less than an average one."""

    def ranked() -> NDArray[np.int64]:
        model, person = viewer.live.model, viewer.person
        similarities = model.similarities(row)
        similarities[viewer.scores() == -np.inf] = -np.inf
        likely = person.raw_scores() >= model.films.global_mean + person.level
        return _ids(viewer, np.where(likely, similarities, -np.inf), MAX_ALIKE)

    movie_id = int(viewer.live.model.movie_ids[row])
    return _Plan("because", f"because-{movie_id}", ranked, seed=movie_id)


def _seeds(viewer: Viewer, today: date) -> list[int]:
    """Rows of two films that the person liked: the latest, and one of the next that changes by the day."""
    history, counts = viewer.history, viewer.live.model.films.item_counts
    liked = (history.value >= RELEVANT) & (counts[history.item] >= RECOMMENDABLE_RATINGS)
    latest = history.item[liked][np.argsort(history.age[liked], kind="stable")][:SEEDS].tolist()
    if len(latest) < 2:
        return latest
    rest = latest[1:]
    return [latest[0], rest[today.toordinal() % len(rest)]]


def _favourite_genres(viewer: Viewer) -> list[str]:
    """The genres that the person rates highest beside their own mean."""
    genres = viewer.live.model.genres
    affinity = genres.affinity(viewer.history)
    best = np.argsort(-affinity, kind="stable")[:N_GENRES]
    return [genres.names[genre] for genre in best if affinity[genre] > 0]
