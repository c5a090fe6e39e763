"""What the controls of somebody's lists add to the scores of films."""

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
