"""Lists for a person: solve, score all films, drop what they have rated, take the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cinema.models import Movie, User
from recommender.algorithms.discovery import interleave
from recommender.algorithms.film_model import Array, History
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING
from recommender.algorithms.metrics import top_k
from recommender.histories import rated_films
from recommender.serving import LiveModel, live_model

Slot = Literal["ranked", "discovery", "fallback"]
# How many places in ten are discoveries: so many, as many as the version chose, or (None) as the person chose.
DiscoveryChoice = int | Literal["auto"] | None

MAX_N = 100


@dataclass(frozen=True, slots=True)
class Recommendation:
    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    predicted_rating: float | None  # None where no version knows the film
    score: float  # what the list is sorted by
    rank: int  # from 1
    slot: Slot


@dataclass(frozen=True, slots=True)
class RecommendationList:
    user_id: int
    model_version: str | None
    generation: int
    fallback: bool  # not personal: no version, or nothing known of the person
    items: list[Recommendation]


@dataclass(frozen=True, slots=True)
class Filters:
    genre: str = ""
    year_min: int | None = None
    year_max: int | None = None

    def __bool__(self) -> bool:
        return bool(self.genre) or self.year_min is not None or self.year_max is not None

    def movies(self) -> Any:
        return Movie.objects.all().matching(genre=self.genre, year_min=self.year_min, year_max=self.year_max)


def recommend_for(
    user: User,
    *,
    n: int = 10,
    genre: str = "",
    year_min: int | None = None,
    year_max: int | None = None,
    exclude: Iterable[int] = (),
    discovery: DiscoveryChoice = None,
) -> RecommendationList:
    """The ``n`` films to see next, fewer only if the catalogue holds no more that fit. Never one the person rated.

    ``discovery``: how many places in ten go to films that hardly anybody is shown. What is asked for here goes before
    what the person chose, and that before what the version chose.
    """
    live = live_model()
    filters = Filters(genre, year_min, year_max)
    rated = rated_films(user, live)
    excluded = np.union1d(rated.movie_ids, np.fromiter(exclude, np.int64))
    items: list[Recommendation] = []
    personal = False
    if live is not None:
        history = rated.history(live)
        personal = len(history) > 0
        person = live.model.solve(history)
        scores = list_scores(live, history)
        scores[_rows(live, excluded)] = -np.inf
        slots = _slots(user, discovery) if personal else 0
        items = _best(live, scores, person.predicted_ratings(), filters, n, slots)
        if not personal:
            items = [replace(item, slot="fallback") for item in items]
    if len(items) < n:
        taken = np.union1d(excluded, np.array([item.movie_id for item in items], dtype=np.int64))
        items += _popular(taken, filters, n - len(items), first_rank=len(items) + 1)
    return RecommendationList(
        user_id=user.pk,
        model_version=live.label if live else None,
        generation=live.generation if live else 0,
        fallback=not personal,
        items=items,
    )


def list_scores(live: LiveModel, history: History) -> Array:
    """What somebody's list is sorted by, (n_items,): by popularity where nothing is known of them."""
    return live.model.order_scores(history) if len(history) else live.model.popularity_scores.copy()


def _slots(user: User, discovery: DiscoveryChoice) -> int | None:
    """Places in ten; None for as many as the version chose."""
    chosen = user.discovery if discovery is None else discovery
    return None if chosen == "auto" else chosen


def _rows(live: LiveModel, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = live.model.rows(movie_ids)
    return rows[rows >= 0]


def _best(
    live: LiveModel, scores: Array, predicted: Array, filters: Filters, n: int, slots: int | None
) -> list[Recommendation]:
    """The best ``n`` among films that fit and that the catalogue still has, some of them discoveries."""
    if filters:
        fitting = np.zeros(len(scores), np.bool_)
        fitting[_rows(live, np.fromiter(filters.movies().values_list("pk", flat=True), np.int64))] = True
        scores = np.where(fitting, scores, -np.inf)
    places = live.model.discovery.n_places(n, slots)
    values = live.model.discovery.values(scores) if places else np.empty(0)
    # A film may have been deleted since the training: then the next best takes its place.
    spare = 10
    while True:
        ranked = top_k(scores, n + spare)
        finds = top_k(np.where(np.isin(np.arange(len(values)), ranked[: n - places]), -np.inf, values), places + spare)
        films = movies_by_id(live.model.movie_ids[np.union1d(ranked, finds)])
        present = np.array([int(pk) in films for pk in live.model.movie_ids[ranked]], dtype=np.bool_)
        found = np.array([int(pk) in films for pk in live.model.movie_ids[finds]], dtype=np.bool_)
        rows, marks = interleave(ranked[present], finds[found][:places], n)
        if len(rows) == n or len(ranked) < n + spare:
            break
        spare *= 4
    return [
        _recommendation(
            films[int(live.model.movie_ids[row])],
            rank=rank,
            predicted=float(predicted[row]),
            score=float(scores[row]),
            slot="discovery" if is_discovery else "ranked",
        )
        for rank, (row, is_discovery) in enumerate(zip(rows, marks, strict=True), start=1)
    ]


def _recommendation(
    film: CatalogueFilm, *, rank: int, predicted: float | None, score: float, slot: Slot
) -> Recommendation:
    return Recommendation(film.pk, film.title, film.year, film.genre_names, predicted, score, rank, slot)


def _popular(taken: NDArray[np.int64], filters: Filters, n: int, *, first_rank: int) -> list[Recommendation]:
    """The most rated films, straight from the database: for an installation without a version, and for films that
    came after the training."""
    films = filters.movies().exclude(pk__in=taken.tolist()).most_rated_first().prefetch_related("genres").distinct()[:n]
    return [
        _recommendation(catalogue_film(film), rank=rank, predicted=None, score=float(film.n_ratings), slot="fallback")
        for rank, film in enumerate(films, start=first_rank)
    ]


@dataclass(frozen=True, slots=True)
class CatalogueFilm:
    pk: int
    title: str
    year: int | None
    genre_names: list[str]


def genre_names(movie: Movie) -> list[str]:
    return [genre.name for genre in movie.genres.all()]


def catalogue_film(movie: Movie) -> CatalogueFilm:
    return CatalogueFilm(movie.pk, movie.title, movie.year, genre_names(movie))


def movies_by_id(movie_ids: Sequence[int] | NDArray[np.int64]) -> dict[int, CatalogueFilm]:
    """What a list shows of its films, in two queries; films that are gone are left out."""
    films = Movie.objects.filter(pk__in=[int(pk) for pk in movie_ids]).prefetch_related("genres")
    return {film.pk: catalogue_film(film) for film in films}


def predict_for(user: User, movies: Iterable[Movie]) -> dict[int, float]:
    """Predicted stars by film id, for the films that the live version knows, as if none of them were rated yet."""
    live = live_model()
    if live is None:
        return {}
    rated = rated_films(user, live)
    history = rated.history(live)
    person = live.model.solve(history)
    predictions: dict[int, float] = {}
    for movie in movies:
        row = int(live.model.rows(np.array([movie.pk]))[0])
        if row < 0:
            continue
        without = history.without(row)
        solved = person if without is history else live.model.solve(without)
        predictions[movie.pk] = float(np.clip(solved.raw_scores([row])[0], MIN_RATING, MAX_RATING))
    return predictions
