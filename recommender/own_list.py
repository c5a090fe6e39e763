"""Somebody's own list as they are shown it: by what serves them, or mixed of two versions that are compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from recommender.algorithms.interleaving import team_draft
from recommender.arms import Place
from recommender.catalogue import NO_FILTERS, Filters
from recommender.exploration import explored
from recommender.finds import NewFilms
from recommender.recommend import DiscoveryChoice, Recommendation, RecommendationList, recommend_to
from recommender.viewers import Viewer


def own_list(
    viewer: Viewer,
    *,
    n: int = 10,
    filters: Filters = NO_FILTERS,
    exclude: Iterable[int] = (),
    discovery: DiscoveryChoice = None,
    new: NewFilms | None = None,
) -> RecommendationList:
    """The same as ``recommend_to``, but where an experiment mixes lists, or a place is given away by lot."""
    place, excluded = viewer.place, tuple(exclude)
    if place is None or not place.others:
        listed = recommend_to(viewer, n=n, filters=filters, exclude=excluded, discovery=discovery, new=new)
        if place is not None and place.live.exploration and place.experiment is None:
            return explored(listed, viewer, filters=filters, exclude=excluded, new=new)
        return listed
    viewers = [viewer.seen_by(live) for live in place.others]
    lists = [
        recommend_to(
            one,
            n=n,
            filters=filters,
            exclude=excluded,
            discovery=discovery,
            new=new if one.live.label == viewer.live.label else None,
        )
        for one in viewers
    ]
    if any(listed.fallback for listed in lists):  # one knows nothing of them: there is nothing to compare
        return recommend_to(viewer, n=n, filters=filters, exclude=excluded, discovery=discovery, new=new)
    return _mixed(viewer, place, lists, n)


def viewer_of(viewer: Viewer, item: Recommendation) -> Viewer:
    """The person as the version sees them that put ``item`` into their list."""
    place = viewer.place
    if item.arm is None or place is None or place.experiment is None:
        return viewer
    return viewer.seen_by(place.others[[arm.name for arm in place.experiment.arms].index(item.arm)])


def _mixed(viewer: Viewer, place: Place, lists: list[RecommendationList], n: int) -> RecommendationList:
    """One list of two, each place with the arm that it is due to."""
    experiment = place.experiment
    assert experiment is not None
    rankings = [np.array([item.movie_id for item in listed.items], np.intp) for listed in lists]
    coin = experiment.coin(viewer.user.pk, viewer.user.edition)
    drafted = team_draft(rankings[0], rankings[1], n, coin)
    by_arm = [{item.movie_id: item for item in listed.items} for listed in lists]
    items = [
        replace(by_arm[team][movie_id], rank=rank, arm=experiment.arms[team].name)
        for rank, (movie_id, team) in enumerate(
            zip(drafted.items.tolist(), drafted.teams.tolist(), strict=True), start=1
        )
    ]
    return replace(lists[0], items=items, experiment=experiment.pk, arm=None, tells=tuple(drafted.tells.tolist()))
