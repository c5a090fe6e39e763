"""A person's ratings, hidden films and controls, read fresh from the database: the only state that a person has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from django.db.models import BooleanField, CharField, ExpressionWrapper, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast
from numpy.typing import NDArray

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


def rated_films(user: User, live: LiveModel | None) -> RatedFilms:
    """``user``'s, counted since the year that they saved."""
    since = Subquery(ListControls.objects.filter(user=user).values("since"))
    rows = list(_ratings(user, live).annotate(since=since).values_list(*_COLUMNS, "since"))
    return _rated_films([row[:4] for row in rows], since=rows[0][4] if rows else None)


def rated_films_since(user: User, live: LiveModel | None, since: int | None) -> RatedFilms:
    """``user``'s, counted since a year that is known already."""
    return _rated_films(list(_ratings(user, live).values_list(*_COLUMNS)), since)


# Neither moment is made a datetime: one is wanted for its year, the other for being earlier than the version's data.
_COLUMNS = ("movie_id", "value", "trained", "rated_text")
_Row = tuple[int, float, bool, str]


def _ratings(user: User, live: LiveModel | None) -> QuerySet[Rating]:
    """The latest first."""
    return _with_columns(Rating.objects.of(user).order_by("-rated_at", "-pk"), live)


def _with_columns(ratings: QuerySet[Rating], live: LiveModel | None) -> QuerySet[Rating]:
    before = Value(False) if live is None else Q(changed_at__lte=live.data_until)
    trained = ExpressionWrapper(before, output_field=BooleanField())
    return ratings.annotate(trained=trained, rated_text=Cast("rated_at", CharField()))


def hidden_films(user: User) -> NDArray[np.int64]:
    """Ids of the films that ``user`` does not want to be shown, ascending."""
    return np.sort(np.fromiter(HiddenMovie.objects.of(user).order_by().values_list("movie_id", flat=True), np.int64))


@dataclass(frozen=True, eq=False)
class Wishes:
    """What somebody asks of their lists beside what their ratings say."""

    hidden: NDArray[np.int64]  # ids of the films that they do not want to be shown, ascending
    controls: Controls


def wishes(user: User) -> Wishes:
    """Both in one query."""
    names = (*CONTROL_RANGES, "since")
    columns = ("hidden_movies__movie_id", *(f"list_controls__{name}" for name in names))
    rows = list(User.objects.filter(pk=user.pk).order_by().values_list(*columns))
    hidden = np.sort(np.array([row[0] for row in rows if row[0] is not None], dtype=np.int64))
    saved = rows[0][1:] if rows else ()
    if not saved or saved[0] is None:  # no row: nothing is changed
        return Wishes(hidden, UNCHANGED)
    return Wishes(hidden, Controls(**dict(zip(names, saved, strict=True))))


def unwanted_films(rated: RatedFilms, hidden: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ids of the films that no list may hold: rated or hidden, ascending."""
    return np.union1d(rated.movie_ids, hidden)


def rated_films_of(user_ids: Sequence[int], live: LiveModel | None) -> dict[int, RatedFilms]:
    """The same of many people, by id, in one query."""
    ratings = _with_columns(Rating.objects.filter(user_id__in=user_ids).order_by("-rated_at", "-pk"), live)
    by_user: dict[int, list[_Row]] = defaultdict(list)
    for user_id, *row in ratings.values_list("user_id", *_COLUMNS).iterator():
        by_user[user_id].append(cast(_Row, row))
    return {user_id: _rated_films(rows) for user_id, rows in by_user.items()}


def _rated_films(rows: Sequence[_Row], since: int | None = None) -> RatedFilms:
    """The latest first."""
    return RatedFilms(
        movie_ids=np.array([row[0] for row in rows], dtype=np.int64),
        values=np.array([row[1] for row in rows], dtype=np.float64),
        trained=np.array([row[2] for row in rows], dtype=np.bool_),
        age=np.arange(len(rows)),
        year=np.array([int(row[3][:4]) for row in rows], dtype=np.int64),
        since=since,
    )
