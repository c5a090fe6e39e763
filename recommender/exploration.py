"""One place of some lists, given away by lot among the next best films, with the chance that the film had.

What follows then says what other ways of choosing would be worth, before anybody sees them
(recommender.algorithms.off_policy). It costs a person one place of one list in many, which goes to a film that suits
them nearly as well. Off unless staff asks for it; while an experiment runs nothing is given away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from recommender.algorithms.metrics import K
from recommender.algorithms.off_policy import draw, plackett_probabilities
from recommender.catalogue import Filters
from recommender.finds import NewFilms
from recommender.recommend import Lot, RecommendationList, recommend_to
from recommender.viewers import Viewer

# Films among which the lot decides.
POOL = 30


def explored(
    listed: RecommendationList,
    viewer: Viewer,
    *,
    filters: Filters,
    exclude: Iterable[int] = (),
    new: NewFilms | None = None,
) -> RecommendationList:
    """The same list, or with its last ranked place of the first ten given away. The same for the same person until
    something of theirs changes, so that a page that is looked at again is the same."""
    share = viewer.live.exploration / 100
    rng = _coin(viewer)
    ranked = [place for place, item in enumerate(listed.items[:K]) if item.slot == "ranked"]
    if listed.fallback or not ranked or rng.random() >= share:
        return listed
    place = ranked[-1]
    others = {item.movie_id for number, item in enumerate(listed.items) if number != place}
    # What is listed already cannot win the place.
    longer = recommend_to(viewer, n=POOL + len(others), filters=filters, exclude=exclude, discovery=0, new=new)
    pool = [item for item in longer.items if item.movie_id not in others and item.slot == "ranked"][:POOL]
    if len(pool) < 2:
        return listed
    position, propensity = draw(plackett_probabilities(len(pool)), rng)
    won = replace(pool[position], rank=listed.items[place].rank, slot="explored")
    items = [*listed.items[:place], won, *listed.items[place + 1 :]]
    return replace(listed, items=items, lot=Lot(place + 1, tuple(item.movie_id for item in pool), propensity))


def _coin(viewer: Viewer) -> np.random.Generator:
    said = f"lot:{viewer.user.pk}:{viewer.user.edition}:{viewer.live.label}"
    return np.random.default_rng(np.frombuffer(hashlib.sha256(said.encode()).digest(), np.uint32))
