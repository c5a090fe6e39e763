"""What the controls of somebody's lists, and the moment in which they ask, add to the scores of films."""

from __future__ import annotations

import numpy as np

from recommender.algorithms.controls import (
    STRENGTH,
    directions,
    distance_from,
    known_by,
    novelty,
    popularity_trait,
    recency_trait,
)
from recommender.algorithms.film_model import Array
from recommender.film_years import film_years
from recommender.viewers import Viewer


def added(viewer: Viewer) -> Array | None:
    """By both, (n_items,), 0 for films that the version does not rank; None where nothing is."""
    parts = [part for part in (added_by_controls(viewer), added_by_moment(viewer)) if part is not None]
    return sum(parts[1:], parts[0]) if parts else None


def added_by_moment(viewer: Viewer) -> Array | None:
    """The same by the moment alone; nothing for whoever is not known: there is no order of theirs to change."""
    effects, context = viewer.live.model.context, viewer.context
    if effects is None or context is None or not viewer.is_known:
        return None
    ranked = viewer.live.model.ordering.ranked_films
    of_ranked = np.zeros(viewer.live.model.n_items)
    of_ranked[ranked] = effects.added(context)[ranked]
    return of_ranked


def added_by_controls(viewer: Viewer) -> Array | None:
    """(n_items,), 0 for films that the version does not rank. None where nothing is added: no control is set, or
    nothing is known of the person, so that there is no order of theirs to change."""
    controls = viewer.controls
    if not controls.moves_scores or not viewer.is_known:
        return None
    model = viewer.live.model
    ranked = model.ordering.ranked_films
    added = np.zeros(model.n_items)
    if controls.popularity:
        counts = model.films.item_counts[ranked]
        added[ranked] += controls.popularity * popularity_trait(counts).of(known_by(counts))
    if controls.recency:
        years = film_years(viewer.live)[ranked]
        added[ranked] += controls.recency * recency_trait(years).of(years)
    if controls.novelty:
        rated = viewer.history.item
        seen = directions(model.films.characters(rated))
        distances = distance_from(seen, model.ordering.directions)
        added[ranked] += controls.novelty * novelty(distances, ~np.isin(ranked, rated))
    return STRENGTH * added
