"""A whole version: the rating model gives the stars, the ranker the order, and each has its uncertainty and reasons.

This is what is stored, loaded and served. It holds films, and groups of people as counts; never a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms import shortlist
from recommender.algorithms.context import ContextEffects
from recommender.algorithms.discovery import MAX_SLOTS, Discovery
from recommender.algorithms.ease import ItemWeights
from recommender.algorithms.film_features import n_film_features
from recommender.algorithms.film_model import Array, FilmModel, History, NoiseScales, Person
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.implicit_factors import ImplicitFactors
from recommender.algorithms.metrics import top_k
from recommender.algorithms.network import Network
from recommender.algorithms.neural import MalformedNeuralRanker, NeuralRanker
from recommender.algorithms.new_films import FilmPrior
from recommender.algorithms.ordering import Order, Ordering
from recommender.algorithms.ranking import Ranker
from recommender.algorithms.shortlist import WideOrdering
from recommender.algorithms.taste_groups import TasteGroups
from recommender.algorithms.uncertainty import Uncertainty

# Ratings a film needs before anything is said about its resemblance to others.
MIN_RATERS = 5
# A prior of this many ratings draws the resemblance of little known films towards zero.
SIMILARITY_DAMPING = 10.0


class MalformedModel(ValueError):
    """Arrays or settings that no training writes: a wrong shape, dtype or value."""


@dataclass(frozen=True, eq=False)
class TrainedModel:
    movie_ids: NDArray[np.int64]  # (n_items,) ascending; row j of every array is film movie_ids[j]
    films: FilmModel
    ranker: Ranker
    taste_weight: float  # of the rating model beside the ranker, in the order of a list
    discovery: Discovery
    uncertainty: Uncertainty
    groups: TasteGroups
    genres: GenreTable
    film_prior: FilmPrior  # what a film is like of which nothing but genres and year is known
    n_users: int  # people it was trained on
    context: ContextEffects | None = None  # what the moment adds to the order; None: it was never looked for
    network: Network | None = None  # None: it was not asked for, or does not help

    @property
    def n_items(self) -> int:
        return len(self.movie_ids)

    def rows(self, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row numbers of films, −1 for one that the version does not know."""
        if not self.n_items:
            return np.full(len(movie_ids), -1, np.int64)
        places = np.minimum(np.searchsorted(self.movie_ids, movie_ids), self.n_items - 1)
        return np.where(self.movie_ids[places] == movie_ids, places, -1)

    def history(
        self, movie_ids: NDArray[np.int64], values: Array, trained: NDArray[np.bool_], age: NDArray[np.int64]
    ) -> History:
        """A person's ratings by film id, without those of films that the version does not know."""
        rows = self.rows(movie_ids)
        known = rows >= 0
        return History(rows[known], values[known], trained[known], age[known])

    def solve(self, history: History) -> Person:
        return self.films.solve(history)

    def voices(self) -> dict[str, float]:
        """How much each part of the ensemble counts in the order of a list, as was chosen on validation ratings. One
        that counts nothing is not worked out."""
        return {
            "ranker": 1.0,
            "ranker_factors": self.ranker.factor_weight,
            "rating_model": self.taste_weight,
            "network": self.network.weight if self.network is not None else 0.0,
            "moment": self.context.weight if self.context is not None else 0.0,
        }

    @cached_property
    def ordering(self) -> Ordering:
        return Ordering(self.films, self.ranker, self.taste_weight, self.network)

    def order(self, person: Person) -> Order:
        """How a person's list is sorted, and by what."""
        return self.ordering.order(person)

    @cached_property
    def wide(self) -> WideOrdering:
        """The same for very many films."""
        return WideOrdering(self.ordering, self.discovery)

    @property
    def is_wide(self) -> bool:
        """Whether there are so many that lists are made from a shortlist."""
        return self.n_items >= shortlist.WIDE

    def prepare(self, *, wide: bool | None = None) -> None:
        """Works out what lists need and what does not depend on the person, or the first request would."""
        _ = self.films.mean_offsets, self.films.mean_features, self.ordering.has_taste, self.discovery.ordinary_price
        _ = self.popularity_scores
        if self.is_wide if wide is None else wide:
            self.wide.prepare()

    def order_scores(self, history: History) -> Array:
        """What the list of whoever has this history is sorted by, for every film, (n_items,)."""
        return self.order(self.solve(history)).scores

    @cached_property
    def popularity_scores(self) -> Array:
        """The order for somebody of whom nothing is known: how many people rated a film, then how well."""
        return self.films.item_counts + 1e-3 * self.films.mean_offsets

    @cached_property
    def _lengths(self) -> Array:
        lengths = np.linalg.norm(self.films.characters(slice(None)), axis=1).astype(np.float64)
        return np.where(lengths > 0, lengths, 1.0)

    def similarities(self, row: int) -> Array:
        """Cosine of characters with every film, damped for films with few ratings, (n_items,); −inf for the film itself
        and for films with fewer than MIN_RATERS ratings."""
        counts = self.films.item_counts
        cosine = self.films.likeness(row) / (self._lengths * self._lengths[row])
        damped: Array = cosine * np.sqrt(counts / (counts + SIMILARITY_DAMPING))
        damped[counts < MIN_RATERS] = -np.inf
        damped[row] = -np.inf
        return damped

    def similar_items(self, row: int, n: int) -> tuple[NDArray[np.intp], Array]:
        """Rows of the ``n`` most similar films, best first, and their similarity. Empty if the film has fewer than
        MIN_RATERS ratings itself."""
        if self.films.item_counts[row] < MIN_RATERS:
            return np.empty(0, np.intp), np.empty(0)
        similarities = self.similarities(row)
        best = top_k(similarities, n)
        return best, similarities[best]

    def sd(self, person: Person, rows: NDArray[np.int64]) -> Array:
        """Standard deviation of the true rating around each prediction, in stars."""
        return self.uncertainty.sd(person, rows)

    # Storage: arrays go to safetensors, settings (plain numbers) to the manifest.

    def arrays(self) -> dict[str, NDArray[Any]]:
        factors = self.ranker.factors
        of_context = self.context.arrays() if self.context is not None else {}
        of_network = self.network.ranker.arrays() if self.network is not None else {}
        return (
            of_context
            | of_network
            | {
                "movie_ids": self.movie_ids,
                "item_offsets": self.films.offsets,
                "item_features": self.films.features,
                "item_noise": self.films.film_noise,
                "item_counts": self.films.item_counts,
                "noise": self.films.noise,
                "watched": self.films.watched,
                "watched_link": self.films.watched_link,
                "film_variance": self.uncertainty.film_variance.astype(np.float32),
                "confidence_levels": self.uncertainty.levels,
                "confidence_raw_knots": self.uncertainty.raw_knots,
                "confidence_true_knots": self.uncertainty.true_knots,
                "group_centroids": self.groups.centroids,
                "group_counts": self.groups.counts,
                "group_sums": self.groups.sums,
                "item_genres": self.genres.membership,
                "film_prior_coefficients": self.film_prior.coefficients,
                "film_prior_covariance": self.film_prior.covariance,
                "ranker_starts": self.ranker.weights.starts,
                "ranker_targets": self.ranker.weights.targets,
                "ranker_values": self.ranker.weights.values,
                "ranker_factors": factors.vectors if factors else np.empty((self.n_items, 0), np.float32),
                "discovery_offered": self.discovery.offered,
                "discovery_mean": self.discovery.mean,
                "discovery_sd": self.discovery.sd,
                "discovery_price": self.discovery.price,
            }
        )

    def settings(self) -> dict[str, Any]:
        factors = self.ranker.factors
        of_context = self.context.settings() if self.context is not None else {}
        of_network = {}
        if self.network is not None:
            of_network = self.network.ranker.settings() | {"neural_weight": self.network.weight}
        return (
            of_context
            | of_network
            | {
                "global_mean": self.films.global_mean,
                "noise_scale_fresh": self.films.scales.fresh,
                "noise_scale_trained": self.films.scales.trained,
                "ranker_half_life": self.ranker.half_life,
                "ranker_factor_weight": self.ranker.factor_weight,
                "ranker_factor_regularization": factors.regularization if factors else 1.0,
                "ranker_factor_confidence": factors.confidence if factors else 0.0,
                "taste_weight": self.taste_weight,
                "discovery_slots": self.discovery.slots,
                "noise_variance": self.uncertainty.noise_variance,
                "surprise": self.uncertainty.surprise,
                "steadiness_ratings": self.uncertainty.steadiness_ratings,
                "person_scale": self.uncertainty.person_scale,
                "disagreement_scale": self.uncertainty.disagreement_scale,
                "interval_z": self.uncertainty.interval_z,
                "n_users": self.n_users,
                "genres": list(self.genres.names),
            }
        )

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], settings: dict[str, Any]) -> TrainedModel:
        """The model that ``arrays()`` and ``settings()`` describe. Raises MalformedModel for anything else."""
        of_context, of_network = (
            {name: array for name, array in arrays.items() if name.startswith(kind)} for kind in (_CONTEXT, _NETWORK)
        )
        arrays = {name: array for name, array in arrays.items() if name not in of_context | of_network}
        _check(arrays, settings)
        genres = GenreTable(tuple(settings["genres"]), arrays["item_genres"])
        return cls(
            movie_ids=arrays["movie_ids"],
            films=FilmModel(
                global_mean=settings["global_mean"],
                offsets=arrays["item_offsets"],
                features=arrays["item_features"],
                noise=arrays["noise"],
                film_noise=arrays["item_noise"],
                watched=arrays["watched"],
                watched_link=arrays["watched_link"],
                item_counts=arrays["item_counts"],
                scales=NoiseScales(
                    fresh=settings["noise_scale_fresh"],
                    trained=settings["noise_scale_trained"],
                ),
            ),
            ranker=Ranker(
                ItemWeights(arrays["ranker_starts"], arrays["ranker_targets"], arrays["ranker_values"]),
                settings["ranker_half_life"],
                _factors(arrays["ranker_factors"], settings),
                settings["ranker_factor_weight"],
            ),
            taste_weight=settings["taste_weight"],
            discovery=Discovery(
                int(settings["discovery_slots"]),
                arrays["discovery_offered"],
                arrays["discovery_mean"],
                arrays["discovery_sd"],
                arrays["discovery_price"],
            ),
            uncertainty=Uncertainty(
                noise_variance=settings["noise_variance"],
                surprise=settings["surprise"],
                steadiness_ratings=settings["steadiness_ratings"],
                person_scale=settings["person_scale"],
                disagreement_scale=settings["disagreement_scale"],
                film_variance=arrays["film_variance"].astype(np.float64),
                interval_z=settings["interval_z"],
                levels=arrays["confidence_levels"],
                raw_knots=arrays["confidence_raw_knots"],
                true_knots=arrays["confidence_true_knots"],
            ),
            groups=TasteGroups(arrays["group_centroids"], arrays["group_counts"], arrays["group_sums"]),
            genres=genres,
            film_prior=FilmPrior(arrays["film_prior_coefficients"], arrays["film_prior_covariance"]),
            n_users=int(settings["n_users"]),
            context=_context(of_context, settings, genres),
            network=_network(of_network, settings, len(arrays["movie_ids"])),
        )


def _factors(vectors: NDArray[Any], settings: dict[str, Any]) -> ImplicitFactors | None:
    if not vectors.shape[1]:
        return None
    return ImplicitFactors(vectors, settings["ranker_factor_regularization"], settings["ranker_factor_confidence"])


# What a version may hold besides: one of before effects of context were looked for has none.
_CONTEXT, _NETWORK = "context_", "neural_"


def _network(arrays: dict[str, NDArray[Any]], settings: dict[str, Any], n_items: int) -> Network | None:
    if not arrays:
        return None
    weight = settings.get("neural_weight")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight < np.inf:
        raise MalformedModel(f"setting neural_weight is {weight!r}")
    try:
        ranker = NeuralRanker.from_arrays(arrays, settings)
    except MalformedNeuralRanker as error:
        raise MalformedModel(f"the network: {error}") from error
    if ranker.n_items != n_items:
        raise MalformedModel(f"the network is of {ranker.n_items} films, the version of {n_items}")
    return Network(ranker, float(weight))


def _context(arrays: dict[str, NDArray[Any]], settings: dict[str, Any], genres: GenreTable) -> ContextEffects | None:
    if not arrays:
        return None
    try:
        return ContextEffects.from_arrays(arrays, settings, genres)
    except (KeyError, ValueError) as error:
        raise MalformedModel(f"the effects of context: {error}") from error


# name -> dtype and shape; a letter stands for a length that must be the same wherever it appears.
_LAYOUT: dict[str, tuple[str, tuple[str, ...]]] = {
    "movie_ids": ("int64", ("films",)),
    "item_offsets": ("float32", ("films", "samples")),
    "item_features": ("float32", ("films", "samples", "features")),
    "item_noise": ("float32", ("films",)),
    "item_counts": ("int64", ("films",)),
    "noise": ("float64", ("samples",)),
    "watched": ("float32", ("films", "watched")),
    "watched_link": ("float32", ("watched", "samples", "features")),
    "film_variance": ("float32", ("films",)),
    "confidence_levels": ("float64", ("levels",)),
    "confidence_raw_knots": ("float64", ("knots",)),
    "confidence_true_knots": ("float64", ("knots",)),
    "group_centroids": ("float32", ("groups", "tastes")),
    "group_counts": ("int32", ("groups", "films")),
    "group_sums": ("float32", ("groups", "films")),
    "item_genres": ("uint8", ("films", "genres")),
    "film_prior_coefficients": ("float32", ("film features and one", "samples", "features and one")),
    "film_prior_covariance": ("float32", ("samples", "features and one", "features and one")),
    "ranker_starts": ("int64", ("films and one",)),
    "ranker_targets": ("int32", ("weights",)),
    "ranker_values": ("float32", ("weights",)),
    "ranker_factors": ("float32", ("films", "ranker factors")),
    "discovery_offered": ("uint8", ("films",)),
    "discovery_mean": ("float32", ("films",)),
    "discovery_sd": ("float32", ("films",)),
    "discovery_price": ("float32", ("films",)),
}
_POSITIVE = (
    "noise_scale_fresh",
    "noise_scale_trained",
    "noise_variance",
    "surprise",
    "interval_z",
    "ranker_factor_regularization",
)
_NOT_NEGATIVE = (
    "steadiness_ratings",
    "person_scale",
    "disagreement_scale",
    "ranker_half_life",
    "ranker_factor_weight",
    "ranker_factor_confidence",
    "taste_weight",
    "discovery_slots",
    "n_users",
)


def _check(arrays: dict[str, NDArray[Any]], settings: object) -> None:
    if not isinstance(settings, dict):
        raise MalformedModel("the settings are missing")
    if set(arrays) != set(_LAYOUT):
        raise MalformedModel(f"the arrays are {sorted(arrays)} and should be {sorted(_LAYOUT)}")
    lengths: dict[str, int] = {}
    for name, (dtype, shape) in _LAYOUT.items():
        array = arrays[name]
        if str(array.dtype) != dtype or array.ndim != len(shape):
            raise MalformedModel(f"{name} is {array.dtype} with {array.ndim} axes")
        for axis, length in zip(shape, array.shape, strict=True):
            if lengths.setdefault(axis, length) != length:
                raise MalformedModel(f"{name} has {length} {axis}, others have {lengths[axis]}")
        if not np.isfinite(array).all():
            raise MalformedModel(f"{name} holds a number that is not finite")
    for name in ("global_mean", *_POSITIVE, *_NOT_NEGATIVE):
        value = settings.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
            raise MalformedModel(f"setting {name} is {value!r}")
        if value < 0 or (value == 0 and name in _POSITIVE):
            raise MalformedModel(f"setting {name} is {value!r}")
    starts, targets = arrays["ranker_starts"], arrays["ranker_targets"]
    if len(starts) != lengths["films"] + 1 or starts[0] != 0 or starts[-1] != lengths["weights"]:
        raise MalformedModel("the ranker's weights do not belong to these films")
    if (np.diff(starts) < 0).any() or (targets < 0).any() or (targets >= lengths["films"]).any():
        raise MalformedModel("the ranker's weights point outside of the films")
    if settings["discovery_slots"] > MAX_SLOTS or (arrays["discovery_sd"] < 0).any():
        raise MalformedModel("the discovery slots are out of bounds")
    names = settings.get("genres")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MalformedModel("the names of the genres are missing")
    if len(names) != lengths["genres"]:
        raise MalformedModel(f"{len(names)} names for {lengths['genres']} genres")
    if lengths["knots"] < 1 or (np.diff(arrays["movie_ids"]) <= 0).any() or (arrays["item_counts"] < 0).any():
        raise MalformedModel("film ids do not ascend, a count is negative or the calibration is empty")
    if lengths["samples"] < 1 or lengths["tastes"] != lengths["samples"] * lengths["features"]:
        raise MalformedModel("the groups of taste do not belong to these samples")
    if lengths["features and one"] != lengths["features"] + 1:
        raise MalformedModel("the prior of films does not belong to these samples")
    if lengths["film features and one"] != 1 + n_film_features(lengths["genres"]):
        raise MalformedModel("the prior of films has other genres or ages")
    if (arrays["noise"] <= 0).any() or (arrays["item_noise"] < 0).any():
        raise MalformedModel("a noise is negative")
    if lengths["levels"] < 2 or (np.diff(arrays["confidence_levels"]) <= 0).any():
        raise MalformedModel("the levels of ratings do not ascend")
    if (arrays["film_variance"] < 0).any() or (np.diff(arrays["confidence_raw_knots"]) < 0).any():
        raise MalformedModel("a variance is negative or the calibration does not ascend")
