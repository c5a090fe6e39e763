"""Models put together by hand, whose predictions and lists are known without training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.discovery import Discovery
from recommender.algorithms.ease import ItemWeights
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_features import n_film_features
from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.new_films import FilmPrior
from recommender.algorithms.ranking import Ranker
from recommender.algorithms.taste_groups import TasteGroups
from recommender.algorithms.uncertainty import HALF_STARS, Uncertainty

# So strong a ridge that nobody differs from the average person by more than a billionth.
NOBODY_DIFFERS = 1e12


def hand_built_model(
    *,
    stars: NDArray[np.float64],
    factors: NDArray[np.float64],
    counts: NDArray[np.int64],
    weights: NDArray[np.float64],
    discovery: Discovery,
    knots: tuple[list[float], list[float]],
    person_regularization: float = NOBODY_DIFFERS,
) -> TrainedModel:
    """``stars``: (n_items,) predicted for somebody without ratings. ``factors``: (n_items, k). ``weights``: (n_items,
    n_items), what film i says for film j. ``knots``: raw chances within a star, and what is claimed of them."""
    n_items, n_factors = factors.shape
    sources, targets = np.nonzero(weights)
    return TrainedModel(
        movie_ids=np.arange(n_items, dtype=np.int64),
        films=FilmModel(
            global_mean=3.0,
            offsets=stars[:, None].astype(np.float32),
            features=np.hstack([np.ones((n_items, 1)), factors])[:, None, :].astype(np.float32),
            noise=np.array([person_regularization]),
            film_noise=np.zeros(n_items, np.float32),
            watched=np.zeros((n_items, 0), np.float32),
            watched_link=np.zeros((0, 1, n_factors + 1), np.float32),
            item_counts=counts,
        ),
        ranker=Ranker(
            ItemWeights(
                starts=np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=n_items))]).astype(np.int64),
                targets=targets.astype(np.int32),
                values=weights[sources, targets].astype(np.float32),
            ),
            half_life=0.0,
        ),
        taste_weight=0.0,
        discovery=discovery,
        uncertainty=Uncertainty(
            noise_variance=0.8,
            surprise=1.0,
            steadiness_ratings=0.0,
            # In units of the noise, so that a strong ridge leaves nothing unknown of anybody.
            person_scale=0.8 / person_regularization,
            disagreement_scale=0.0,
            film_variance=np.full(n_items, 0.1),
            interval_z=1.6,
            levels=HALF_STARS,
            raw_knots=np.array(knots[0]),
            true_knots=np.array(knots[1]),
        ),
        groups=TasteGroups(
            np.zeros((1, n_factors + 1), np.float32),
            np.zeros((1, n_items), np.int32),
            np.zeros((1, n_items), np.float32),
        ),
        genres=GenreTable((), np.zeros((n_items, 0), np.uint8)),
        film_prior=FilmPrior(
            np.zeros((1 + n_film_features(0), 1, n_factors + 2), np.float32),
            np.eye(n_factors + 2, dtype=np.float32)[None],
        ),
        n_users=1,
    )


def slots_for(films: list[int], n_items: int, slots: int) -> Discovery:
    """Discovery slots that may show ``films`` at no price, each to whom its score says."""
    offered = np.zeros(n_items, np.uint8)
    offered[films] = 1
    zeros = np.zeros(n_items, np.float32)
    return Discovery(slots, offered, mean=zeros, sd=np.ones(n_items, np.float32), price=zeros)
