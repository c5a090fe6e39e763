"""Lists that were made lately, for whoever asks again before anything has changed.

A list holds for one edition of its person, which whatever they write changes; one edition of the catalogue; one
generation of the live pointer; one revision of the films that came since the training; and what was asked for. All of
these are read anew at each request, so that nobody is shown what is out of date; what is saved is to solve and to sort.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any

from cinema.models import User
from recommender.algorithms.controls import Controls
from recommender.arms import place_of
from recommender.catalogue import NO_FILTERS, Filters
from recommender.finds import NewFilms
from recommender.moments import context_of
from recommender.new_films import new_films_and_revision
from recommender.own_list import own_list
from recommender.recommend import DiscoveryChoice, RecommendationList, recommend_for
from recommender.viewers import Viewer

# Ten films take about four kilobytes.
MAX_LISTS = 2_000

_lists: OrderedDict[Hashable, RecommendationList] = OrderedDict()
_lock = threading.Lock()


def forget() -> None:
    """Drops what this process remembers, for tests."""
    with _lock:
        _lists.clear()


def list_for(
    user: User,
    *,
    n: int = 10,
    filters: Filters = NO_FILTERS,
    exclude: Iterable[int] = (),
    discovery: DiscoveryChoice = None,
    controls: Controls | None = None,
) -> RecommendationList:
    """The same as ``recommend_for``, and not to be changed. ``user`` must have been read by this very request."""
    place, excluded = place_of(user), tuple(sorted(set(exclude)))
    wanted: dict[str, Any] = {
        "n": n,
        "filters": filters,
        "exclude": excluded,
        "discovery": discovery,
        "controls": controls,
    }
    if place is None or place.live.catalogue is None:
        return _list_for(user, **wanted)
    live, experiment = place.live, place.experiment and place.experiment.pk
    new, revision = new_films_and_revision(live)
    revisions = (revision, *(new_films_and_revision(other)[1] for other in place.others))
    person = (user.pk, user.edition, user.discovery, experiment, live.exploration)
    moments = tuple(context_of(user, one) for one in (live, *place.others))
    key = (*person, moments, live.label, live.generation, live.catalogue, revisions, *wanted.values())
    with _lock:
        listed = _lists.get(key)
        if listed is not None:
            _lists.move_to_end(key)
            return listed
    listed = _list_for(user, **wanted, new=new)
    # What is popular changes with everybody's ratings.
    if not any(item.slot == "fallback" for item in listed.items):
        with _lock:
            _lists[key] = listed
            while len(_lists) > MAX_LISTS:
                _lists.popitem(last=False)
    return listed


def _list_for(
    user: User, *, controls: Controls | None, new: NewFilms | None = None, **wanted: Any
) -> RecommendationList:
    viewer = Viewer.of(user, controls)
    if viewer is None:
        return recommend_for(user, controls=controls, **wanted)
    return own_list(viewer, new=new, **wanted)
