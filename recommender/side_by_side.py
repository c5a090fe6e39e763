"""What somebody would be shown by versions that are not live, beside each other, with the film that put each there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cinema.models import Movie, User
from recommender import artifacts
from recommender.models import ModelVersion
from recommender.recommend import Recommendation, recommend_to
from recommender.serving import LiveModel, as_if_live
from recommender.viewers import Viewer

PLACES = 10


@dataclass(frozen=True, slots=True)
class Place:
    film: Recommendation
    because: str  # the title of the rated film that did most for it; empty where none did
    elsewhere: int  # its place in the first version's list, 0 where that does not hold it


@dataclass(frozen=True, slots=True)
class SideList:
    label: str
    trouble: str  # why there is no list; empty where there is one
    places: list[Place]


def side_by_side(user: User, versions: Sequence[ModelVersion]) -> list[SideList]:
    """One list per version. Whether a rating was trained on is taken from each version's own data."""
    found: list[SideList] = []
    ranks: dict[int, int] = {}
    for version in versions:
        try:
            model, _ = artifacts.load(version.label, version.artifact_sha256)
        except artifacts.ArtifactCorrupt as error:
            found.append(SideList(version.label, str(error), []))
            continue
        with as_if_live(LiveModel(version.label, 0, version.data_until, model)):
            found.append(_list(user, version.label, ranks))
        if not ranks:
            ranks = {place.film.movie_id: place.film.rank for place in found[-1].places}
    return found


def _list(user: User, label: str, ranks: dict[int, int]) -> SideList:
    viewer = Viewer.of(user)
    if viewer is None:
        return SideList(label, "There is no model.", [])
    items = recommend_to(viewer, n=PLACES).items
    strongest = {item.movie_id: _strongest(viewer, item.movie_id) for item in items}
    titles = dict(Movie.objects.filter(pk__in=[pk for pk in strongest.values() if pk]).values_list("pk", "title"))
    places = [Place(item, titles.get(strongest[item.movie_id], ""), ranks.get(item.movie_id, 0)) for item in items]
    return SideList(label, "", places)


def _strongest(viewer: Viewer, movie_id: int) -> int:
    """The id of the rated film that did most for the film's place, 0 where none did anything for it."""
    row = int(viewer.live.model.rows(np.array([movie_id]))[0])
    if row < 0 or not len(viewer.history):
        return 0
    shares = viewer.order.contributions(row)
    best = int(np.argmax(shares))
    return int(viewer.live.model.movie_ids[viewer.history.item[best]]) if shares[best] > 0 else 0
