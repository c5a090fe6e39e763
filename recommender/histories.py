"""A person's ratings, hidden films and controls, read fresh from the database: the only state that a person has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cinema.database_moments import to_database
from cinema.models import CONTROL_RANGES, HiddenMovie, ListControls, Rating, User
from recommender.algorithms.controls import UNCHANGED, Controls
from recommender.algorithms.film_model import History
from recommender.serving import LiveModel


@dataclass(frozen=True, eq=False)
class RatedFilms:
    """All of a person's ratings, also of films that the live version does not know. Arrays of length n."""

    movie_ids: NDArray[np.int64]
    values: NDArray[np.float64]
    trained: NDArray[np.bool_]  # whether the version was trained on it: written before its data_until
    age: NDArray[np.int64]  # ratings given since, by (rated_at, id): an edit keeps its place
    year: NDArray[np.int64]  # in which the film was first rated, UTC

    since: int | None = None  # the first year whose ratings say something of the person's taste; None: all do

    def history(self, live: LiveModel) -> History:
        """What the version is told of them: the ratings that count, or all where that would leave none."""
        return self._history(live, self.counted_since(live))

    def counted_since(self, live: LiveModel) -> int | None:
        """``since``, or None where it would leave nothing that the version knows."""
        return self.since if self.since is not None and len(self._history(live, self.since)) else None

    def _history(self, live: LiveModel, since: int | None) -> History:
        if since is None:
            return live.model.history(self.movie_ids, self.values, self.trained, self.age)
        counts = self.year >= since
        return live.model.history(self.movie_ids[counts], self.values[counts], self.trained[counts], self.age[counts])


def rated_films(user: User, live: LiveModel | None, since: int | None) -> RatedFilms:
    """``user``'s, counted since that year."""
    said, moments = _said(live)
    with connection.cursor() as cursor:
        cursor.execute(_IN_ONE_ROW[connection.vendor].format(said=said), [*moments, user.pk])
        films, words = cursor.fetchone()
    return _rated_films(_numbers(films), _numbers(words), since)


def _numbers(text: str | None) -> NDArray[np.int64]:
    """Of "1,2,3"."""
    return np.fromstring(text, np.int64, sep=",") if text else np.empty(0, np.int64)


# Every list asks for these, and for whoever has just rated something they are half of its time: so they are statements
# that are not composed anew. Neither moment is made a datetime: one is wanted for its year, the other for being earlier
# than the version's data. Our own tables, and values by parameter throughout.
_RATINGS, _CONTROLS = (f'"{model._meta.db_table}"' for model in (Rating, ListControls))
_HIDDEN, _PEOPLE = (f'"{model._meta.db_table}"' for model in (HiddenMovie, User))
_YEAR = {
    "sqlite": "CAST(substr(rated_at, 1, 4) AS INTEGER)",
    "postgresql": "CAST(EXTRACT(YEAR FROM rated_at AT TIME ZONE 'UTC') AS INTEGER)",
}
_CONTROL_NAMES = (*CONTROL_RANGES, "since")
_WISHES = (
    f"SELECT hidden.movie_id, {', '.join(f'controls.{name}' for name in _CONTROL_NAMES)} "  # nosec B608
    f"FROM {_PEOPLE} AS person LEFT JOIN {_HIDDEN} AS hidden ON hidden.user_id = person.id "
    f"LEFT JOIN {_CONTROLS} AS controls ON controls.user_id = person.id WHERE person.id = %s"
)


# One person's come in one row, as two lists of numbers. In thousands of rows they take twice as long, and after each
# of them another thread may go on in Python: on a busy site whoever has rated most would wait longest.
_LATEST_FIRST = "ORDER BY rated_at DESC, id DESC"
_IN_ONE_ROW = {
    "sqlite": "SELECT group_concat(movie_id), group_concat(said) FROM "  # nosec B608: it keeps the order it is given
    f"(SELECT movie_id, {{said}} AS said FROM {_RATINGS} WHERE user_id = %s {_LATEST_FIRST})",
    "postgresql": f"SELECT string_agg(CAST(movie_id AS text), ',' {_LATEST_FIRST}), "  # nosec B608
    f"string_agg(CAST({{said}} AS text), ',' {_LATEST_FIRST}) FROM {_RATINGS} WHERE user_id = %s",
}


def _said(live: LiveModel | None) -> tuple[str, list[str]]:
    """What is told of a rating beside the film, as one number: half-stars, 16 if the version was trained on it, and 32
    for each year of our era; and its parameters."""
    trained, moments = "0", []
    if live is not None:
        trained, moments = "CAST(changed_at <= %s AS INTEGER)", [to_database(live.data_until)]
    return f"(CAST(2 * value AS INTEGER) + 16 * {trained} + 32 * {_YEAR[connection.vendor]})", moments


@dataclass(frozen=True, eq=False)
class Wishes:
    """What somebody asks of their lists beside what their ratings say."""

    hidden: NDArray[np.int64]  # ids of the films that they do not want to be shown, ascending
    controls: Controls


def wishes(user: User) -> Wishes:
    """Both in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_WISHES, [user.pk])
        rows = cursor.fetchall()
    hidden = np.sort(np.array([row[0] for row in rows if row[0] is not None], dtype=np.int64))
    saved = rows[0][1:] if rows else ()
    if not saved or saved[0] is None:  # no row: nothing is changed
        return Wishes(hidden, UNCHANGED)
    return Wishes(hidden, Controls(**dict(zip(_CONTROL_NAMES, saved, strict=True))))


def unwanted_films(rated: RatedFilms, hidden: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ids of the films that no list may hold: rated or hidden, ascending."""
    return np.union1d(rated.movie_ids, hidden)


def rated_films_of(user_ids: Sequence[int], live: LiveModel | None) -> dict[int, RatedFilms]:
    """The same of many people, by id, in one query."""
    by_user: dict[int, list[tuple[int, int]]] = defaultdict(list)
    if user_ids:
        said, moments = _said(live)
        people = ", ".join(["%s"] * len(user_ids))
        statement = f"SELECT user_id, movie_id, {said} FROM {_RATINGS} WHERE user_id IN ({people}) {_LATEST_FIRST}"  # nosec B608
        with connection.cursor() as cursor:
            cursor.execute(statement, [*moments, *user_ids])
            for user_id, movie_id, number in cursor.fetchall():
                by_user[user_id].append((movie_id, number))
    return {user_id: _rated_films(*np.array(rows, np.int64).T) for user_id, rows in by_user.items()}


def _rated_films(movie_ids: NDArray[np.int64], said: NDArray[np.int64], since: int | None = None) -> RatedFilms:
    """The latest first, (n,) each; ``said`` as ``_said`` says it."""
    return RatedFilms(
        movie_ids=movie_ids,
        values=(said & 15) / 2,
        trained=(said & 16) > 0,
        age=np.arange(len(said)),
        year=said >> 5,
        since=since,
    )
