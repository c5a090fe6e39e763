"""A person's first minutes: the groups of films to pick from, the next film to ask about, how well they are known.

Nothing is kept here: the next question follows from what is in the database, so it is the same on every device and
after every reload, until it is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from cinema.models import FirstMinutes, Movie, UnseenMovie, User
from recommender.algorithms.elicitation import Elicitation
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.metrics import top_k
from recommender.histories import RatedFilms, rated_films, unwanted_films, wishes
from recommender.serving import live_model
from recommender.viewers import Viewer

# With so many answers the first list is there.
ANSWERS = 5
EXAMPLES = 5
# Films looked up at a time: the best ones may have been deleted since the training.
_AT_A_TIME = 20

# Forgotten with the model they belong to; they hold its parts, not the model itself.
_elicitations: WeakKeyDictionary[TrainedModel, Elicitation] = WeakKeyDictionary()


def elicitation(model: TrainedModel) -> Elicitation:
    """A version's questions, made once in a process."""
    found = _elicitations.get(model)
    if found is None:
        found = Elicitation(model.films, model.ranker.weights, model.genres, model.n_users)
        _elicitations[model] = found
    return found


@dataclass(frozen=True, slots=True)
class Group:
    """Films to pick together."""

    genres: tuple[str, ...]
    movie_ids: list[int]  # of films that the catalogue still has, those that stand for the group first
    examples: list[Movie]  # some of the first, genres prefetched
    picked: bool  # whether the person picked most of its films


@dataclass(frozen=True, eq=False)
class Interview:
    """What has been asked of ``user``, and what is to be asked next."""

    user: User
    viewer: Viewer | None  # None while no version is live
    state: FirstMinutes | None  # None before they began
    rated: RatedFilms
    hidden: NDArray[np.int64]  # ids
    unseen: NDArray[np.int64]  # ids of the films that they said not to have seen

    @classmethod
    def of(cls, user: User) -> Self:
        viewer = Viewer.of(user)
        rated = viewer.rated if viewer else rated_films(user, None, None)
        hidden = viewer.hidden if viewer else wishes(user).hidden
        unseen = UnseenMovie.objects.of(user).order_by().values_list("movie_id", flat=True)
        state = FirstMinutes.objects.filter(user=user).first()
        return cls(user, viewer, state, rated, hidden, np.sort(np.fromiter(unseen, np.int64)))

    @property
    def n_answers(self) -> int:
        return len(self.rated.movie_ids)

    @property
    def has_list(self) -> bool:
        return self.n_answers >= ANSWERS

    @property
    def has_begun(self) -> bool:
        return self.state is not None or self.n_answers > 0 or len(self.unseen) > 0

    @cached_property
    def not_to_ask(self) -> NDArray[np.int64]:
        """Ids of films rated, hidden or said to be unseen, ascending."""
        return np.union1d(unwanted_films(self.rated, self.hidden), self.unseen)

    def value_of(self, movie: Movie) -> float | None:
        """What they gave ``movie``."""
        values = self.rated.values[self.rated.movie_ids == movie.pk]
        return float(values[0]) if len(values) else None

    def was_said_unseen(self, movie: Movie) -> bool:
        return bool(np.isin(movie.pk, self.unseen))

    def has_answered(self, movie: Movie) -> bool:
        return self.value_of(movie) is not None or self.was_said_unseen(movie)

    def may_ask(self, movie: Movie) -> bool:
        return not np.isin(movie.pk, self.not_to_ask)

    @property
    def known(self) -> float | None:
        """How well the live version knows them, from 0 to 1; None without a version."""
        if self.viewer is None:
            return None
        return elicitation(self.viewer.live.model).known(self.viewer.person)

    def question(self) -> Movie | None:
        """The film to ask about now, genres prefetched; None once they were asked about everything."""
        best_first = self._best_first()
        for start in range(0, len(best_first), _AT_A_TIME):
            movie_ids = best_first[start : start + _AT_A_TIME]
            films = Movie.objects.prefetch_related("genres").in_bulk(movie_ids)
            for movie_id in movie_ids:
                if movie_id in films:
                    return films[movie_id]
        # No version, or all well-known films have had their turn: what most people rated.
        others = Movie.objects.exclude(pk__in=self.not_to_ask.tolist()).most_rated_first()
        return others.prefetch_related("genres").first()

    def _best_first(self) -> list[int]:
        """Ids of the well-known films that may be asked about, the most telling first."""
        if self.viewer is None:
            return []
        questions = elicitation(self.viewer.live.model)
        values = questions.values(
            self.viewer.person, self.viewer.rows(self.unseen), self.viewer.rows(np.array(self.liked, np.int64))
        )
        movie_ids = self.viewer.live.model.movie_ids[questions.well_known]
        values[np.isin(movie_ids, self.not_to_ask)] = -np.inf
        best: list[int] = movie_ids[top_k(values, len(values))].tolist()
        return best

    @property
    def liked(self) -> Sequence[int]:
        """Ids of the films of the groups that they picked."""
        return self.state.liked_films if self.state else ()

    def groups(self) -> list[Group]:
        return groups(self.liked)


def groups(liked: Sequence[int] = ()) -> list[Group]:
    """The live version's groups of films, without films that are gone; none without a version, or with too few films.

    ``liked``: ids of films that somebody picked before.
    """
    live = live_model()
    if live is None:
        return []
    found = [(group, live.model.movie_ids[group.films].tolist()) for group in elicitation(live.model).groups]
    films = Movie.objects.prefetch_related("genres").in_bulk([pk for _, movie_ids in found for pk in movie_ids])
    offered = []
    for group, of_version in found:
        movie_ids = [pk for pk in of_version if pk in films]
        if movie_ids:
            picked = len(set(movie_ids) & set(liked)) > len(movie_ids) / 2
            offered.append(Group(group.genres, movie_ids, _examples([films[pk] for pk in movie_ids]), picked))
    return offered


def _examples(films: Sequence[Movie]) -> list[Movie]:
    """The first films that are no sequels of one another, as far as a title tells."""
    of_series: dict[str, Movie] = {}
    for film in films:
        of_series.setdefault(film.title.partition(":")[0], film)
    return list(of_series.values())[:EXAMPLES]
