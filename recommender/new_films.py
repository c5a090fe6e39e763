"""Films that came after the live version's training, solved from the ratings they have had since.

Who counts as a rater: an account past its first day that is not closed, with five ratings of films that the version
knows; and of accounts in their first month only a few for each film (cinema.influx). Otherwise a handful of fresh
accounts could write any film into everybody's list.

Every process remembers what it solved, and asks the database at each request whether that still holds, so a film's
first rating counts everywhere at once.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.db import connection
from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from cinema import influx
from cinema.database_moments import from_database, to_database
from cinema.models import Movie, Rating, User, new_edition
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import History, Person
from recommender.algorithms.new_films import NewFilm, solve_film
from recommender.histories import RatedFilms, rated_films_of
from recommender.per_version import PerVersion
from recommender.serving import LiveModel

MIN_ACCOUNT_AGE = timedelta(days=1)
MIN_RATINGS = 5
# Bounds of the work that one rebuilding may take: the most rated new films, the latest raters of each.
MAX_FILMS = 500
MAX_RATERS = 60
MAX_PEOPLE = 1000
# A rater's other ratings, and accounts that come of age, are looked at again after so long.
SECONDS_UNTIL_STALE = 300.0
# A transaction may become visible after one that began later: shortly after, but for one that had to wait, for which
# everything is looked at once more every SECONDS_BETWEEN_SWEEPS. On SQLite whoever rates has waited before they look at
# the clock, and there is next to nothing to look at twice, however many rate.
_OVERLAP = {"sqlite": timedelta(milliseconds=50), "postgresql": timedelta(seconds=2)}
_SWEPT = timedelta(minutes=1)
SECONDS_BETWEEN_SWEEPS = 5.0


@dataclass
class _Remembered:
    seen_until: datetime | None = None  # ratings changed until then have been looked at for new films
    latest: datetime | None = None  # when a rating was changed last
    swept_at: float = 0.0  # by the clock that nobody sets
    candidates: set[int] = field(default_factory=set)  # ids of films that have ratings but none in the training
    keys: dict[int, tuple[int, datetime, int]] = field(default_factory=dict)  # of each film when it was solved
    films: dict[int, NewFilm] = field(default_factory=dict)
    revision: int = field(default_factory=new_edition)  # another one with every change of films


_remembered: PerVersion[_Remembered] = PerVersion()  # by the version that these were solved against
_lock = threading.Lock()


def forget() -> None:
    """Drops what this process remembers, for tests."""
    with _lock:
        _remembered.clear()


def new_films(live: LiveModel) -> dict[int, NewFilm]:
    """By id, the films without a rating in the training that people who count have rated since."""
    # Held while solving, too: a film is solved once in a process, and nobody is answered from before a rating.
    with _lock:
        return dict(_refreshed(live).films)


def new_films_and_revision(live: LiveModel) -> tuple[dict[int, NewFilm], int]:
    """The same, and a number that is the same as long as they are."""
    with _lock:
        known = _refreshed(live)
        return dict(known.films), known.revision


def new_film(live: LiveModel, movie: Movie, user: User, *, rated: bool) -> NewFilm | None:
    """One of them as ``user`` should see it: if they have ``rated`` it, without their own rating."""
    film = new_films(live).get(movie.pk)
    if film is None or not rated:
        return film
    return solve(live, [movie.pk], leave_out=user).get(movie.pk)


def _refreshed(live: LiveModel) -> _Remembered:
    known = _remembered.get(live.label)
    if known is None:
        known = _Remembered()
        _remembered.set(live.label, known)
    latest = _last_change()
    if latest == known.latest and not known.candidates:
        return known
    if latest is None or latest <= live.data_until:
        if known.films:
            known.revision = new_edition()
        known.films, known.keys = {}, {}
    else:
        if known.seen_until is None or latest > known.seen_until:
            since = live.data_until if known.seen_until is None else known.seen_until - _overlap(known)
            known.candidates |= _untrained(live, _changed_after(max(since, live.data_until)))
            known.seen_until = latest
        keys = _keys(known.candidates)
        changed_films = [movie_id for movie_id, key in keys.items() if known.keys.get(movie_id) != key]
        if changed_films or len(keys) < len(known.keys):
            kept = {
                movie_id: film
                for movie_id, film in known.films.items()
                if known.keys.get(movie_id) == keys.get(movie_id)
            }
            known.films, known.keys, known.revision = kept | solve(live, changed_films), keys, new_edition()
    known.latest = latest  # only now: what an error of the database cut short is begun again
    return known


def _overlap(known: _Remembered) -> timedelta:
    now = time.monotonic()
    if now < known.swept_at + SECONDS_BETWEEN_SWEEPS:
        return _OVERLAP[connection.vendor]
    known.swept_at = now
    return _SWEPT


def _last_change() -> datetime | None:
    """When a rating was changed last."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_CHANGE)
        latest = cursor.fetchone()[0]
    return None if latest is None else from_database(latest)


def _changed_after(moment: datetime) -> set[int]:
    """Ids of the films with a rating that was changed after ``moment``."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED_AFTER, [to_database(moment)])
        return {row[0] for row in cursor.fetchall()}


# Requests ask for these all the time, so they are statements that are not composed anew. Our own table.
_LAST_CHANGE = f'SELECT MAX(changed_at) FROM "{Rating._meta.db_table}"'  # nosec B608
# Not DISTINCT, for which SQLite reads the index of films from end to end.
_CHANGED_AFTER = f'SELECT movie_id FROM "{Rating._meta.db_table}" WHERE changed_at > %s'  # nosec B608


def _keys(candidates: set[int]) -> dict[int, tuple[int, datetime, int]]:
    """What tells whether a film has to be solved again, for those that still have ratings."""
    if not candidates:
        return {}
    now = int(time.time() // SECONDS_UNTIL_STALE)
    ratings = Rating.objects.filter(movie_id__in=candidates).order_by().values("movie_id")
    counted = ratings.annotate(n=Count("pk"), latest=Max("changed_at")).values_list("movie_id", "n", "latest")
    return {movie_id: (n, latest, now) for movie_id, n, latest in counted}


def _untrained(live: LiveModel, movie_ids: set[int]) -> set[int]:
    """Those without a rating in the training."""
    ids = np.array(sorted(movie_ids), dtype=np.int64)
    rows = live.model.rows(ids)
    counts = np.where(rows >= 0, live.model.films.item_counts[np.maximum(rows, 0)] if len(rows) else 0, 0)
    return set(ids[counts == 0].tolist())


def solve(live: LiveModel, movie_ids: Collection[int], *, leave_out: User | None = None) -> dict[int, NewFilm]:
    """The films of ``movie_ids`` that have a rater who counts, at most MAX_FILMS, the most rated ones.

    ``leave_out`` is no rater: their own ratings must not tell them what to expect.
    """
    by_film = _ratings_by_film(live, movie_ids, leave_out)
    by_film = dict(sorted(by_film.items(), key=lambda one: (-len(one[1]), one[0]))[:MAX_FILMS])
    raters = _raters(live, {user_id for given in by_film.values() for user_id, _ in given})
    features = _features(live, by_film)
    solved = {}
    for movie_id, given in by_film.items():
        counting = [(raters[user_id], value) for user_id, value in given if user_id in raters]
        if counting and movie_id in features:
            people, stars = [person for person, _ in counting], np.array([value for _, value in counting])
            solved[movie_id] = solve_film(live.model.film_prior, live.model.films, features[movie_id], people, stars)
    return solved


def _ratings_by_film(
    live: LiveModel, movie_ids: Collection[int], leave_out: User | None
) -> dict[int, list[tuple[int, float]]]:
    """The latest ratings of each film by accounts past their first day and not closed, as (user id, stars); of new
    accounts' no more than cinema.influx lets count, the earliest first."""
    ratings: QuerySet[Rating] = (
        Rating.objects.filter(movie_id__in=movie_ids, user__date_joined__lte=timezone.now() - MIN_ACCOUNT_AGE)
        # People of an imported set have no account to be closed.
        .exclude(user__is_active=False, user__source="")
        .order_by("-changed_at", "-pk")
    )
    if leave_out is not None:
        ratings = ratings.exclude(user=leave_out)
    by_film: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for movie_id, user_id, value in ratings.values_list("movie_id", "user_id", "value").iterator():
        by_film[movie_id].append((user_id, value))
    new = set(influx.new_accounts(timezone.now()).order_by().values_list("pk", flat=True))
    odds = influx.odds_of_new(Rating.objects.filter(user__in=new).count(), int(live.model.films.item_counts.sum()))
    return {movie_id: _counting(given, new, odds)[:MAX_RATERS] for movie_id, given in by_film.items()}


def _counting(given: list[tuple[int, float]], new: set[int], odds: float) -> list[tuple[int, float]]:
    """``given``: the latest first."""
    n_new = sum(user_id in new for user_id, _ in given)
    too_many = n_new - float(influx.allowed_new(len(given) - n_new, odds))
    counting = []
    for user_id, value in given:
        if user_id in new and too_many > 0:
            too_many -= 1
        else:
            counting.append((user_id, value))
    return counting


def _raters(live: LiveModel, user_ids: set[int]) -> dict[int, Person]:
    """Those with enough ratings of films that the version was trained on, solved from these alone."""
    chosen = sorted(user_ids)[:MAX_PEOPLE]
    people = {}
    for user_id, rated in rated_films_of(chosen, live).items():
        history = _of_trained_films(live, rated)
        if len(history.item) >= MIN_RATINGS:
            people[user_id] = live.model.solve(history)
    return people


def _of_trained_films(live: LiveModel, rated: RatedFilms) -> History:
    history = rated.history(live)
    return history.take(live.model.films.item_counts[history.item] > 0)


def _features(live: LiveModel, movie_ids: Collection[int]) -> dict[int, NDArray[np.float64]]:
    """Genres and age of films that the catalogue still has, (n_film_features,) each."""
    films = list(Movie.objects.filter(pk__in=movie_ids).prefetch_related("genres"))
    if not films:
        return {}
    genres: Sequence[NDArray[np.uint8]] = [
        live.model.genres.row_of([genre.name for genre in film.genres.all()]) for film in films
    ]
    years = np.array([film.year or 0 for film in films], dtype=np.int64)
    columns = SideInformation(np.array(genres), years).columns(len(films))
    return {film.pk: row for film, row in zip(films, columns, strict=True)}
