"""Lists for a person: solve, score all films, drop what they have rated or hidden, take the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cinema.models import Movie, User
from recommender.algorithms.discovery import interleave
from recommender.algorithms.film_model import Array, Person
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING
from recommender.algorithms.metrics import top_k
from recommender.algorithms.new_films import suits
from recommender.algorithms.ordering import Order
from recommender.histories import hidden_films, rated_films, unwanted_films
from recommender.new_films import new_film, new_films
from recommender.serving import LiveModel
from recommender.viewers import Viewer

Slot = Literal["ranked", "discovery", "fallback"]
# How many places in ten are discoveries: so many, as many as the version chose, or (None) as the person chose.
DiscoveryChoice = int | Literal["auto"] | None

MAX_N = 100


@dataclass(frozen=True, slots=True)
class Parts:
    """Whose word a score is, but for a tie-break of a millionth."""

    ranker: float
    rating_model: float


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
    parts: Parts | None  # which model put it there; None where the list is not personal


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
    """The ``n`` films to see next, fewer only if the catalogue holds no more that fit. Never one the person rated or
    does not want to be shown.

    ``discovery``: how many places in ten go to films that hardly anybody is shown. What is asked for here goes before
    what the person chose, and that before what the version chose.
    """
    viewer = Viewer.of(user)
    filters = Filters(genre, year_min, year_max)
    unwanted = viewer.unwanted if viewer else unwanted_films(rated_films(user, None), hidden_films(user))
    excluded = np.union1d(unwanted, np.fromiter(exclude, np.int64))
    items: list[Recommendation] = []
    personal = viewer is not None and viewer.is_known
    if viewer is not None:
        scores = viewer.scores()
        scores[viewer.rows(excluded)] = -np.inf
        slots = _slots(user, discovery) if personal else 0
        finds = _Finds.of(viewer.live, viewer.person, excluded) if slots != 0 else None
        items = _best(viewer.live, viewer.order, scores, finds, filters, n, slots)
        if not personal:
            items = [replace(item, slot="fallback", parts=None) for item in items]
    if len(items) < n:
        taken = np.union1d(excluded, np.array([item.movie_id for item in items], dtype=np.int64))
        items += _popular(taken, filters, n - len(items), first_rank=len(items) + 1)
    return RecommendationList(
        user_id=user.pk,
        model_version=viewer.live.label if viewer else None,
        generation=viewer.live.generation if viewer else 0,
        fallback=not personal,
        items=items,
    )


def _slots(user: User, discovery: DiscoveryChoice) -> int | None:
    """Places in ten; None for as many as the version chose."""
    chosen = user.discovery if discovery is None else discovery
    return None if chosen == "auto" else chosen


def _rows(live: LiveModel, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = live.model.rows(movie_ids)
    return rows[rows >= 0]


@dataclass(frozen=True, eq=False)
class _Finds:
    """Films that came after the training and may be shown to this person. Arrays of length n."""

    movie_ids: NDArray[np.int64]
    predicted: Array  # stars
    values: Array  # what they stand beside other discoveries by

    @classmethod
    def of(cls, live: LiveModel, person: Person, excluded: NDArray[np.int64]) -> _Finds:
        """None of the ``excluded``, and none that they would like less than an average film."""
        films = [
            (movie_id, person.score_of(film.offset, film.features), suits(film, person))
            for movie_id, film in sorted(new_films(live).items())
        ]
        average = live.model.films.global_mean + person.level
        shown = [one for one in films if one[1] >= average and not np.isin(one[0], excluded)]
        # They have no price of their own yet: that of an ordinary discovery.
        offered = live.model.discovery.price[live.model.discovery.offered > 0]
        price = float(np.median(offered)) if len(offered) else 0.0
        return cls(
            np.array([one[0] for one in shown], dtype=np.int64),
            np.clip([one[1] for one in shown], MIN_RATING, MAX_RATING),
            np.array([one[2] for one in shown], dtype=np.float64) - price,
        )

    def __len__(self) -> int:
        return len(self.movie_ids)


def _best(
    live: LiveModel, order: Order, scores: Array, new: _Finds | None, filters: Filters, n: int, slots: int | None
) -> list[Recommendation]:
    """The best ``n`` among films that fit and that the catalogue still has, some of them discoveries.

    New films stand behind the version's own in all arrays, and can only be discoveries.
    """
    model, n_new = live.model, len(new) if new is not None else 0
    movie_ids, new_values = model.movie_ids, np.empty(0)
    if new is not None and n_new:
        movie_ids, new_values = np.concatenate([movie_ids, new.movie_ids]), new.values
        # One that the version has heard of, but nobody had rated, is shown as what it is now.
        scores[_rows(live, new.movie_ids)] = -np.inf
    if filters:
        fitting = np.isin(movie_ids, np.fromiter(filters.movies().values_list("pk", flat=True), np.int64))
        scores = np.where(fitting[: len(scores)], scores, -np.inf)
        new_values = np.where(fitting[len(scores) :], new_values, -np.inf)
    places = model.discovery.n_places(n, slots)
    if slots is None and n_new:
        places = max(places, model.discovery.n_places(n, 1))  # there is always room for what is new
    values = np.concatenate([model.discovery.values(scores), new_values]) if places else np.empty(0)
    # A film may have been deleted since the training: then the next best takes its place.
    spare = 10
    while True:
        ranked = top_k(scores, n + spare)
        finds = top_k(np.where(np.isin(np.arange(len(values)), ranked[: n - places]), -np.inf, values), places + spare)
        films = movies_by_id(movie_ids[np.union1d(ranked, finds)])
        present = np.array([int(pk) in films for pk in movie_ids[ranked]], dtype=np.bool_)
        found = np.array([int(pk) in films for pk in movie_ids[finds]], dtype=np.bool_)
        rows, marks = interleave(ranked[present], finds[found][:places], n)
        if len(rows) == n or len(ranked) < n + spare:
            break
        spare *= 4
    known = rows < len(scores)
    predicted = np.empty(len(rows))
    predicted[known] = order.person.predicted_ratings(rows[known])
    if new is not None:
        predicted[~known] = new.predicted[rows[~known] - len(scores)]
    listed = []
    for rank, (row, is_discovery) in enumerate(zip(rows.tolist(), marks, strict=True), start=1):
        if row < len(scores):
            score, parts = float(scores[row]), Parts(float(order.ranker_scores[row]), float(order.rating_scores[row]))
        else:
            score = float(new_values[row - len(scores)])
            parts = Parts(0.0, score)
        slot: Slot = "discovery" if is_discovery else "ranked"
        film = films[int(movie_ids[row])]
        listed.append(_recommendation(film, rank, float(predicted[rank - 1]), score, slot, parts))
    return listed


def _recommendation(
    film: CatalogueFilm, rank: int, predicted: float | None, score: float, slot: Slot, parts: Parts | None = None
) -> Recommendation:
    return Recommendation(film.pk, film.title, film.year, film.genre_names, predicted, score, rank, slot, parts)


def _popular(taken: NDArray[np.int64], filters: Filters, n: int, *, first_rank: int) -> list[Recommendation]:
    """The most rated films, straight from the database: for an installation without a version, and for films that
    came after the training."""
    films = filters.movies().exclude(pk__in=taken.tolist()).most_rated_first().prefetch_related("genres").distinct()[:n]
    return [
        _recommendation(catalogue_film(film), rank, None, float(film.n_ratings), "fallback")
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
    viewer = Viewer.of(user)
    if viewer is None:
        return {}
    live, fresh, rated = viewer.live, new_films(viewer.live), set(viewer.rated.movie_ids.tolist())
    predictions: dict[int, float] = {}
    for movie in movies:
        row = int(live.model.rows(np.array([movie.pk]))[0])
        without = viewer.history.without(row)
        person = viewer.person if without is viewer.history else live.model.solve(without)
        film = fresh.get(movie.pk)
        if film is not None and movie.pk in rated:
            film = new_film(live, movie, user, rated=True)
        if film is not None:
            raw = person.score_of(film.offset, film.features)
        elif row >= 0:
            raw = float(person.raw_scores([row])[0])
        else:
            continue
        predictions[movie.pk] = min(max(raw, MIN_RATING), MAX_RATING)
    return predictions
