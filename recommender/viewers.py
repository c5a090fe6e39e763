"""Somebody as the live version sees them at this moment: solved once, ordered once, for everything a request shows.

Whatever list is made for them starts from here, so that no path forgets what they must not be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cinema.models import User
from recommender.algorithms.context import Context
from recommender.algorithms.controls import UNCHANGED, Controls
from recommender.algorithms.film_model import Array, History, Person
from recommender.algorithms.ordering import Order
from recommender.arms import Place, place_of
from recommender.histories import RatedFilms, rated_films, unwanted_films, wishes
from recommender.moments import context_of
from recommender.serving import LiveModel


@dataclass(frozen=True, eq=False)
class Viewer:
    user: User
    live: LiveModel
    rated: RatedFilms
    hidden: NDArray[np.int64]  # ids of films they do not want to be shown
    controls: Controls = UNCHANGED  # of their lists
    withdrawn: frozenset[int] = frozenset()  # ids of films whose rating is thought away
    place: Place | None = None  # in an experiment, where one is running
    context: Context | None = None  # the moment, where the version makes something of it

    @classmethod
    def of(cls, user: User, controls: Controls | None = None) -> Self | None:
        """None while no version is live. Without ``controls``, those that the person saved; an experiment tries its own
        on whoever saved none."""
        place = place_of(user)
        if place is None:
            return None
        asked, live = wishes(user), place.live
        if controls is None:
            controls = asked.controls
            if place.arm is not None and place.arm.controls is not None and controls == UNCHANGED:
                controls = place.arm.controls
        rated = rated_films(user, live, controls.since)
        return cls(user, live, rated, asked.hidden, controls, place=place, context=context_of(user, live))

    def seen_by(self, live: LiveModel) -> Self:
        """The same person as another version sees them."""
        if live.label == self.live.label:
            return self
        rated = rated_films(self.user, live, self.controls.since)
        return replace(self, live=live, rated=rated, context=context_of(self.user, live))

    def with_controls(self, controls: Controls) -> Self:
        """The same person, had they set their controls like that; nothing is read again."""
        return replace(self, controls=controls, rated=replace(self.rated, since=controls.since))

    @cached_property
    def history(self) -> History:
        return self.rated.history(self.live)

    @property
    def since(self) -> int | None:
        """The first year whose ratings count; None where all do, because nothing else was chosen or left."""
        return self.rated.counted_since(self.live)

    @property
    def is_known(self) -> bool:
        """Whether the version can say anything personal."""
        return len(self.history) > 0

    @cached_property
    def person(self) -> Person:
        return self.live.model.solve(self.history)

    @cached_property
    def order(self) -> Order:
        return self.live.model.order(self.person)

    @cached_property
    def unwanted(self) -> NDArray[np.int64]:
        """Ids of the films that no list may hold: rated or hidden, ascending."""
        return unwanted_films(self.rated, self.hidden)

    def scores(self) -> Array:
        """What their lists are sorted by, (n_items,), for the caller to change: by popularity where nothing is known
        of them, −inf for unwanted films."""
        scores = list_scores(self.live, self.order)
        scores[self.rows(self.unwanted)] = -np.inf
        return scores

    def rows(self, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of those films that the version knows."""
        rows = self.live.model.rows(movie_ids)
        return rows[rows >= 0]


def list_scores(live: LiveModel, order: Order) -> Array:
    """What somebody's list is sorted by, (n_items,): by popularity where nothing is known of them."""
    return order.scores.copy() if len(order.person.history) else live.model.popularity_scores.copy()
