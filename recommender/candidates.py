"""The films that one person's list is chosen from, with what each is worth: all of the version's, or of very many those
that may be among the best."""

from __future__ import annotations

import numpy as np

from recommender.algorithms.shortlist import Barred, Field
from recommender.rescoring import added
from recommender.viewers import Viewer, list_scores


def candidates(viewer: Viewer, barred: Barred, depth: int, *, discoveries: bool) -> Field:
    """Films with the best ``depth`` by score among them and, with ``discoveries``, by value: by popularity where
    nothing is known of the person. What is barred is left out or has the score −inf."""
    model = viewer.live.model
    if model.is_wide and viewer.is_known and not viewer.controls.moves_scores and viewer.context is None:
        return model.wide.shortlist(viewer.person, barred, depth, discoveries=discoveries)
    scores, order = list_scores(viewer.live, viewer.order), viewer.order
    scores[barred.rows] = -np.inf
    if barred.fits is not None:
        scores = np.where(barred.fits, scores, -np.inf)
    values = model.discovery.values(scores) if discoveries else np.full(len(scores), -np.inf)
    # Prices and standards were learned from scores without controls and moments; what these add comes on top.
    more = added(viewer)
    if more is not None:
        scores, values = scores + more, values + more
    parts = (order.ranker_scores, order.rating_scores, order.network_scores)
    return Field(np.arange(model.n_items), scores, *parts, values)
