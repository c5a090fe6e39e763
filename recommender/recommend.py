"""Lists for a person: solve, score all films, drop what they have rated or hidden, take the best."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from cinema.models import Movie, User
from recommender.algorithms.controls import UNCHANGED, Controls, directions
from recommender.algorithms.discovery import interleave
from recommender.algorithms.diversity import POOL, maximal_marginal_relevance
from recommender.algorithms.film_model import Array
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING
from recommender.algorithms.metrics import top_k
from recommender.algorithms.shortlist import Barred, Field
from recommender.candidates import candidates
from recommender.catalogue import (
    NO_FILTERS,
    CatalogueFilm,
    Filters,
    catalogue_film,
    fitting,
    fitting_films,
    movies_by_id,
)
from recommender.finds import Finds, NewFilms
from recommender.histories import rated_films, unwanted_films, wishes
from recommender.new_films import new_film, new_films
from recommender.viewers import Viewer

Slot = Literal["ranked", "discovery", "fallback", "explored"]
# How many places in ten are discoveries: so many, as many as the version chose, or (None) as the person chose.
DiscoveryChoice = int | Literal["auto"] | None

MAX_N = 100

# One after the other in a process, which are no faster side by side: who came first is answered first, and what one
# works on stays in the cache.
_solving = threading.Lock()


@dataclass(frozen=True, slots=True)
class Parts:
    """Whose word a score is, but for a tie-break of a millionth."""

    ranker: float
    rating_model: float
    network: float


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
    arm: str | None = None  # of an experiment that mixes two versions in each list: whose place it is

    def as_dict(self) -> dict[str, Any]:
        parts = self.parts
        return {
            "movie_id": self.movie_id,
            "title": self.title,
            "year": self.year,
            "genres": self.genres,
            "predicted_rating": self.predicted_rating,
            "score": self.score,
            "rank": self.rank,
            "slot": self.slot,
            "parts": parts and {"ranker": parts.ranker, "rating_model": parts.rating_model, "network": parts.network},
            "arm": self.arm,
        }


# Why controls that were set were not applied: no rating is of that year or later; the list is not personal.
Note = Literal["nothing_since", "not_personal"]


@dataclass(frozen=True, slots=True)
class AppliedControls:
    """What the controls did to a list: those that were applied, neutral where they were not."""

    popularity: float
    novelty: float
    recency: float
    diversity: float
    since: int | None
    note: Note | None

    @classmethod
    def of(cls, wanted: Controls, *, personal: bool, since: int | None) -> Self:
        if not personal:
            note: Note | None = None if wanted == UNCHANGED else "not_personal"
            return cls(0.0, 0.0, 0.0, 0.0, None, note)
        note = "nothing_since" if wanted.since != since else None
        return cls(wanted.popularity, wanted.novelty, wanted.recency, wanted.diversity, since, note)

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Lot:
    """How one place of a list was given away by lot."""

    place: int  # from 1
    pool: tuple[int, ...]  # ids of the films that could have got it, in the order of the list's version
    propensity: float  # the chance that the film had which got it


@dataclass(frozen=True, slots=True)
class RecommendationList:
    user_id: int
    model_version: str | None
    generation: int
    fallback: bool  # not personal: no version, or nothing known of the person
    items: list[Recommendation]
    controls: AppliedControls
    experiment: int | None = None  # the one that the list counts for
    arm: str | None = None  # of it; None where each place has its own
    tells: tuple[bool, ...] = ()  # of these: whether what is done about the film says anything of the arms
    lot: Lot | None = None

    def as_dict(self) -> dict[str, Any]:
        """For an answer in JSON. What dataclasses.asdict() copies in half a millisecond, this lists."""
        return {
            "user_id": self.user_id,
            "model_version": self.model_version,
            "generation": self.generation,
            "fallback": self.fallback,
            "items": [item.as_dict() for item in self.items],
            "controls": self.controls.as_dict(),
            "experiment": self.experiment,
            "arm": self.arm,
        }


def recommend_for(
    user: User,
    *,
    n: int = 10,
    filters: Filters = NO_FILTERS,
    exclude: Iterable[int] = (),
    discovery: DiscoveryChoice = None,
    controls: Controls | None = None,
    new: NewFilms | None = None,
) -> RecommendationList:
    """The ``n`` films to see next, fewer only if the catalogue holds no more that fit. Never one the person rated or
    does not want to be shown.

    ``discovery``: how many places in ten go to films that hardly anybody is shown. What is asked for here goes before
    what the person chose, and that before what the version chose. ``controls`` go before those that the person saved.
    ``new``: what ``new_films`` says, if it has just been asked.
    """
    viewer = Viewer.of(user, controls)
    if viewer is not None:
        return recommend_to(viewer, n=n, filters=filters, exclude=exclude, discovery=discovery, new=new)
    asked = wishes(user)
    unwanted = unwanted_films(rated_films(user, None, None), asked.hidden)
    items = _popular(np.union1d(unwanted, np.fromiter(exclude, np.int64)), filters, n, first_rank=1)
    applied = AppliedControls.of(asked.controls if controls is None else controls, personal=False, since=None)
    return RecommendationList(user.pk, None, generation=0, fallback=True, items=items, controls=applied)


def recommend_to(
    viewer: Viewer,
    *,
    n: int = 10,
    filters: Filters = NO_FILTERS,
    exclude: Iterable[int] = (),
    discovery: DiscoveryChoice = None,
    new: NewFilms | None = None,
) -> RecommendationList:
    """The same for somebody as they are or as they might be: with other ratings, or other controls.

    ``new``: what ``new_films`` says, for whoever asks for several lists at once."""
    excluded = viewer.unwanted
    if exclude := tuple(exclude):
        excluded = np.union1d(excluded, np.array(exclude, np.int64))
    new = new_films(viewer.live) if new is None else new
    if viewer.is_known:
        slots = _slots(viewer, discovery)
        with _solving:
            items = _best(viewer, excluded, filters, n, slots, new)
    else:
        items = [replace(item, slot="fallback", parts=None) for item in _best(viewer, excluded, filters, n, 0, new)]
    if len(items) < n:
        taken = np.union1d(excluded, np.array([item.movie_id for item in items], dtype=np.int64))
        items += _popular(taken, filters, n - len(items), first_rank=len(items) + 1)
    counts = viewer.place.counts if viewer.place is not None and viewer.is_known else None
    return RecommendationList(
        user_id=viewer.user.pk,
        model_version=viewer.live.label,
        generation=viewer.live.generation,
        fallback=not viewer.is_known,
        items=items,
        controls=AppliedControls.of(viewer.controls, personal=viewer.is_known, since=viewer.since),
        experiment=counts and counts[0],
        arm=counts and counts[1],
    )


def _slots(viewer: Viewer, discovery: DiscoveryChoice) -> int | None:
    """Places in ten; None for as many as the version chose."""
    chosen = viewer.user.discovery if discovery is None else discovery
    if chosen is None and viewer.place is not None and viewer.place.arm is not None:
        return viewer.place.arm.discovery
    return None if chosen == "auto" else chosen


def _best(
    viewer: Viewer,
    excluded: NDArray[np.int64],
    filters: Filters,
    n: int,
    slots: int | None,
    new: NewFilms,
) -> list[Recommendation]:
    """The best ``n`` among films that fit and that the catalogue still has, some of them discoveries.

    New films stand behind the version's own in all arrays, and can only be discoveries.
    """
    model = viewer.live.model
    arrived = Finds.of(viewer, excluded, new) if slots != 0 else None
    # One that the version has heard of, but nobody had rated, is shown as what it is now.
    new_ids, new_values = (excluded[:0], np.empty(0)) if arrived is None else (arrived.movie_ids, arrived.values)
    fits = None
    if filters:
        fits = fitting(filters, viewer.live)
        new_values = np.where(fitting_films(filters, new_ids), new_values, -np.inf)
    barred = Barred(viewer.rows(np.concatenate([excluded, new_ids])), fits)
    places = model.discovery.n_places(n, slots)
    if slots is None and len(new_values):
        places = max(places, model.discovery.n_places(n, 1))  # there is always room for what is new
    diversity = viewer.controls.diversity if viewer.is_known else 0.0
    # A film may have been deleted since the training: then the next best takes its place.
    spare, looked_up, depth = 10, False, 0
    while True:
        if depth < n + spare:
            depth = n + spare
            field = candidates(viewer, barred, depth + (POOL if diversity else 0), discoveries=places > 0)
            movie_ids = np.concatenate([model.movie_ids[field.rows], new_ids])
            values = np.concatenate([field.values, new_values]) if places else np.empty(0)
        if diversity:
            ranked = _diverse(viewer, field, diversity, n + spare, only_present=looked_up)
        else:
            ranked = top_k(field.scores, n + spare)
        others = values.copy()
        others[ranked[: n - places] if places else ranked[:0]] = -np.inf
        finds = top_k(others, places + spare)
        films = movies_by_id(movie_ids[np.union1d(ranked, finds)], viewer.live)
        present = np.array([int(pk) in films for pk in movie_ids[ranked]], dtype=np.bool_)
        if diversity and not present.all() and not looked_up:
            # One that is gone must not keep those like it out.
            looked_up = True
            continue
        found = np.array([int(pk) in films for pk in movie_ids[finds]], dtype=np.bool_)
        chosen, marks = interleave(ranked[present], finds[found][:places], n)
        if len(chosen) == n or len(ranked) < n + spare:
            break
        spare *= 4
    shown = [films[int(movie_ids[place])] for place in chosen]
    return _listed(viewer, chosen, marks, shown, field, arrived, new_values)


def _diverse(viewer: Viewer, field: Field, diversity: float, k: int, *, only_present: bool) -> NDArray[np.intp]:
    """``k`` places in ``field``: first of the best POOL by score, each unlike those before it, then of the others.
    ``only_present`` keeps films that the catalogue has lost out of the pool."""
    scores, pool = field.scores, top_k(field.scores, POOL)
    if only_present:
        movie_ids = viewer.live.model.movie_ids[field.rows[pool]]
        in_catalogue = Movie.objects.filter(pk__in=movie_ids.tolist()).order_by().values_list("pk", flat=True)
        pool = pool[np.isin(movie_ids, np.fromiter(in_catalogue, np.int64))]
    unit = directions(viewer.live.model.films.characters(field.rows[pool]))
    chosen = pool[maximal_marginal_relevance(scores[pool], unit, diversity, k)]
    if len(chosen) == k:
        return chosen
    behind = scores.copy()
    behind[pool] = -np.inf
    return np.concatenate([chosen, top_k(behind, k - len(chosen))])


def _listed(
    viewer: Viewer,
    places: NDArray[np.intp],
    marks: NDArray[np.bool_],
    films: Sequence[CatalogueFilm],
    field: Field,
    new: Finds | None,
    new_values: Array,
) -> list[Recommendation]:
    """The chosen places of ``field`` with what a list says of each; behind them stand the ``new`` films."""
    n, known = len(field.rows), places < len(field.rows)
    predicted = np.empty(len(places))
    predicted[known] = viewer.person.predicted_ratings(field.rows[places[known]])
    if new is not None:
        predicted[~known] = new.predicted[places[~known] - n]
    listed = []
    for rank, (place, is_discovery, film) in enumerate(zip(places.tolist(), marks, films, strict=True), start=1):
        if place < n:
            score = float(field.scores[place])
            ranker, rating, network = field.ranker_scores, field.rating_scores, field.network_scores
            parts = Parts(float(ranker[place]), float(rating[place]), float(network[place]))
        else:
            score = float(new_values[place - n])
            parts = Parts(0.0, score, 0.0)
        slot: Slot = "discovery" if is_discovery else "ranked"
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
